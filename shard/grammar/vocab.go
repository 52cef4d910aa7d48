package grammar

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

// Vocab is the bytes of a model's tokens. It is immutable.
type Vocab struct {
	size  int
	bytes []byte  // of all tokens, by id
	ends  []int32 // of each token's bytes; they begin where those of the id before end
	all   trie
	other trie // without the plain tokens
	// plain[n] has the tokens of at most n+1 whole characters that may stand anywhere in a string; the last one has all of them.
	plain []Mask
}

// Mask is a set of tokens: bit id&63 of word id>>6.
type Mask []uint64

// Has reports whether id is in the set.
func (m Mask) Has(id int32) bool { return m[id>>6]>>(id&63)&1 != 0 }

// Set adds id to the set or takes it out. An id beyond the vocabulary is in no set.
func (m Mask) Set(id int32, in bool) {
	switch {
	case id < 0 || int(id>>6) >= len(m):
	case in:
		m.set(id)
	default:
		m[id>>6] &^= 1 << (id & 63)
	}
}

func (m Mask) set(id int32) { m[id>>6] |= 1 << (id & 63) }

// trie has a vocabulary's byte strings as a tree, its nodes in preorder.
type trie struct {
	nodes []node
	depth int
}

type node struct {
	token int32 // -1: none
	skip  int32 // the first node that is not below this one
	depth uint16
	char  byte
}

// maxPlain is the number of characters up to which plain tokens are told apart.
const maxPlain = 24

// maxToken is the length in bytes of the longest token that is ever allowed.
const maxToken = 1 << 10

// NewVocab describes a vocabulary of size ids. text gives the bytes of a token, nothing for one that is never part of a text:
// padding and control tokens.
func NewVocab(size int, text func(id int32) []byte) *Vocab {
	v := &Vocab{size: size, ends: make([]int32, size)}
	var all []int32
	for id := range int32(size) {
		b := text(id)
		if len(b) > 0 && len(b) <= maxToken {
			v.bytes = append(v.bytes, b...)
			all = append(all, id)
		}
		v.ends[id] = int32(len(v.bytes))
	}
	v.bytes = slices.Clone(v.bytes)
	slices.SortStableFunc(all, func(x, y int32) int { return bytes.Compare(v.text(x), v.text(y)) })
	v.all = v.trie(all)
	v.other = v.trie(v.sortPlain(all))
	return v
}

// text is the bytes of a token, none for one that is never part of a text.
func (v *Vocab) text(id int32) []byte {
	if id < 0 || int(id) >= v.size {
		return nil
	}
	var from int32
	if id > 0 {
		from = v.ends[id-1]
	}
	return v.bytes[from:v.ends[id]]
}

// plainLength is the number of characters of a token that may stand anywhere in a JSON string, 0 for another.
func plainLength(b []byte) int {
	for _, c := range b {
		if c < ' ' || c == '"' || c == '\\' {
			return 0
		}
	}
	if !utf8.Valid(b) {
		return 0
	}
	return utf8.RuneCount(b)
}

// sortPlain notes the plain tokens, by their length, and returns the others.
func (v *Vocab) sortPlain(all []int32) (other []int32) {
	v.plain = make([]Mask, maxPlain)
	for n := range v.plain {
		v.plain[n] = v.empty()
	}
	for _, id := range all {
		n := plainLength(v.text(id))
		if n == 0 || n > maxPlain {
			other = append(other, id)
			continue
		}
		v.plain[n-1].set(id)
	}
	for n := 1; n < maxPlain; n++ {
		for i, word := range v.plain[n-1] {
			v.plain[n][i] |= word
		}
	}
	return other
}

func (v *Vocab) empty() Mask { return make(Mask, (v.size+63)/64) }

// trie builds the tree of tokens, which are sorted by their bytes.
func (v *Vocab) trie(ids []int32) trie {
	var t trie
	var path []int32 // nodes from the root to the last token
	var last []byte
	for _, id := range ids {
		b := v.text(id)
		same := 0
		for same < len(b) && same < len(last) && b[same] == last[same] {
			same++
		}
		if same == len(b) { // the last one again: a leaf beside it
			same--
		}
		t.close(path[same:])
		path = path[:same]
		for i := same; i < len(b); i++ {
			path = append(path, int32(len(t.nodes)))
			t.nodes = append(t.nodes, node{token: -1, depth: uint16(i), char: b[i]})
		}
		t.nodes[len(t.nodes)-1].token = id
		t.depth = max(t.depth, len(b))
		last = b
	}
	t.close(path)
	t.nodes = slices.Clone(t.nodes) // without the room to grow
	return t
}

// close ends nodes: what follows is not below them.
func (t *trie) close(path []int32) {
	for _, i := range path {
		t.nodes[i].skip = int32(len(t.nodes))
	}
}
