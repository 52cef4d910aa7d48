package tokenizer

import (
	"fmt"
	"math"
	"sync"
)

// BPE merges a piece: it starts as one token per byte, and the adjacent pair with the lowest merge rank, the
// leftmost of equals, becomes one token until no pair has a rank.

// mergeTable maps a pair of ids (left<<32 | right) to what it becomes (rank<<32 | id).
type mergeTable map[uint64]uint64

const noMerge = math.MaxUint64

func (m mergeTable) find(left, right int32) uint64 {
	if v, ok := m[pairKey(left, right)]; ok {
		return v
	}
	return noMerge
}

func pairKey(left, right int32) uint64 { return uint64(left)<<32 | uint64(uint32(right)) }

// readMerges resolves the merges' names. Only Normal tokens take part: a merge must not make <|im_end|> out of text.
func (t *Tokenizer) readMerges(merges [][2]string, ids map[string]int32) (mergeTable, error) {
	table := make(mergeTable, len(merges))
	var joined []byte
	for rank, m := range merges {
		joined = append(append(joined[:0], m[0]...), m[1]...)
		var found [3]int32
		for i, name := range [...]string{m[0], m[1], string(joined)} {
			id, ok := ids[name]
			if !ok {
				return nil, fmt.Errorf("merge %d (%.20q and %.20q): %.40q is not in the vocabulary", rank, m[0], m[1], name)
			}
			if t.kinds[id] != Normal {
				return nil, fmt.Errorf("merge %d (%.20q and %.20q): %.40q is not a normal token", rank, m[0], m[1], name)
			}
			found[i] = id
		}
		key := pairKey(found[0], found[1])
		if first, dup := table[key]; dup {
			return nil, fmt.Errorf("merges %d and %d are both %.20q and %.20q", first>>32, rank, m[0], m[1])
		}
		table[key] = uint64(rank)<<32 | uint64(found[2])
	}
	return table, nil
}

// merger is the scratch of one merge.
type merger struct {
	ids   []int32
	pairs []uint64 // pairs[i]: what ids[i] and its right neighbour become
	next  []int32  // linked list over ids; len(ids) ends it
	prev  []int32  // -1 ends it
	heap  []uint64 // rank<<32 | index of the left id
}

var mergers = sync.Pool{New: func() any { return new(merger) }}

// shortPiece is the longest piece for which a search of all pairs beats a heap.
const shortPiece = 48

// appendPiece appends the tokens of a piece.
func (t *Tokenizer) appendPiece(dst []int32, piece string) []int32 {
	if len(piece) == 1 {
		return append(dst, t.byteID[piece[0]])
	}
	m := mergers.Get().(*merger)
	m.start(t, piece)
	if len(piece) <= shortPiece {
		m.mergeShort(t.merges)
	} else {
		m.mergeLong(t.merges)
	}
	dst = append(dst, m.ids...)
	if cap(m.ids) <= 1<<16 { // let the scratch of a giant go
		mergers.Put(m)
	}
	return dst
}

func (m *merger) start(t *Tokenizer, piece string) {
	m.ids, m.pairs = m.ids[:0], m.pairs[:0]
	for i := range len(piece) {
		m.ids = append(m.ids, t.byteID[piece[i]])
	}
	for i := range len(m.ids) - 1 {
		m.pairs = append(m.pairs, t.merges.find(m.ids[i], m.ids[i+1]))
	}
	m.pairs = append(m.pairs, noMerge)
}

// mergeShort looks at all pairs for the lowest: quadratic, with a small constant.
func (m *merger) mergeShort(table mergeTable) {
	ids, pairs := m.ids, m.pairs
	for {
		best := 0
		for i, p := range pairs {
			if p>>32 < pairs[best]>>32 {
				best = i
			}
		}
		if pairs[best] == noMerge {
			break
		}
		ids[best] = int32(uint32(pairs[best]))
		ids = append(ids[:best+1], ids[best+2:]...)
		pairs = append(pairs[:best], pairs[best+1:]...)
		pairs[best] = noMerge
		if best+1 < len(ids) {
			pairs[best] = table.find(ids[best], ids[best+1])
		}
		if best > 0 {
			pairs[best-1] = table.find(ids[best-1], ids[best])
		}
	}
	m.ids, m.pairs = ids, pairs
}

// mergeLong keeps the pairs in a heap: n log n. An entry whose pair has changed since is recognised by its rank and skipped:
// a rank belongs to one pair of ids only.
func (m *merger) mergeLong(table mergeTable) {
	m.link()
	n := int32(len(m.ids))
	for len(m.heap) > 0 {
		top := m.pop()
		left := int32(uint32(top))
		if m.pairs[left]>>32 != top>>32 {
			continue
		}
		right := m.next[left]
		m.ids[left] = int32(uint32(m.pairs[left]))
		m.pairs[right] = noMerge
		after := m.next[right]
		m.next[left] = after
		if after < n {
			m.prev[after] = left
		}
		m.rank(table, left)
		if before := m.prev[left]; before >= 0 {
			m.rank(table, before)
		}
	}
	m.compact()
}

// link fills the list and the heap.
func (m *merger) link() {
	m.next, m.prev, m.heap = m.next[:0], m.prev[:0], m.heap[:0]
	for i, p := range m.pairs {
		m.next = append(m.next, int32(i+1))
		m.prev = append(m.prev, int32(i-1))
		if p != noMerge {
			m.heap = append(m.heap, p>>32<<32|uint64(i))
		}
	}
	for i := len(m.heap)/2 - 1; i >= 0; i-- {
		m.down(i)
	}
}

// rank looks up the pair that starts at i anew.
func (m *merger) rank(table mergeTable, i int32) {
	m.pairs[i] = noMerge
	if right := m.next[i]; int(right) < len(m.ids) {
		m.pairs[i] = table.find(m.ids[i], m.ids[right])
	}
	if m.pairs[i] != noMerge {
		m.push(m.pairs[i]>>32<<32 | uint64(i))
	}
}

// compact leaves only the ids that are still in the list.
func (m *merger) compact() {
	n := 0
	for i := int32(0); int(i) < len(m.next); i = m.next[i] {
		m.ids[n] = m.ids[i]
		n++
	}
	m.ids = m.ids[:n]
}

func (m *merger) push(v uint64) {
	m.heap = append(m.heap, v)
	h, i := m.heap, len(m.heap)-1
	for i > 0 {
		parent := (i - 1) / 2
		if h[parent] <= v {
			break
		}
		h[i] = h[parent]
		i = parent
	}
	h[i] = v
}

func (m *merger) pop() uint64 {
	top, last := m.heap[0], len(m.heap)-1
	m.heap[0] = m.heap[last]
	m.heap = m.heap[:last]
	if last > 0 {
		m.down(0)
	}
	return top
}

func (m *merger) down(i int) {
	h := m.heap
	v := h[i]
	for {
		child := 2*i + 1
		if child >= len(h) {
			break
		}
		if child+1 < len(h) && h[child+1] < h[child] {
			child++
		}
		if v <= h[child] {
			break
		}
		h[i] = h[child]
		i = child
	}
	h[i] = v
}
