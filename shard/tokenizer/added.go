package tokenizer

import "fmt"

// maxAdded bounds the length of an added token in bytes, and with it the cost of looking for one at every byte.
const maxAdded = 256

// trie finds added tokens: the strings of the vocabulary that are matched as a whole, before any pre-tokenizing.
// At one position the longest wins, as in the reference.
type trie struct {
	next  map[uint64]int32 // node<<8 | byte -> node; node 0 is the root
	leaf  map[int32]leaf
	first [256]bool // whether any token starts with the byte
	nodes int32
}

type leaf struct {
	id      int32
	control bool
}

func (t *trie) insert(text string, id int32, control bool) error {
	if len(text) > maxAdded {
		return fmt.Errorf("added token %.40q… has %d bytes, more than the %d supported", text, len(text), maxAdded)
	}
	if t.next == nil {
		t.next = make(map[uint64]int32)
		t.leaf = make(map[int32]leaf)
	}
	t.first[text[0]] = true
	var node int32
	for i := range len(text) {
		key := uint64(node)<<8 | uint64(text[i])
		child, ok := t.next[key]
		if !ok {
			t.nodes++
			child = t.nodes
			t.next[key] = child
		}
		node = child
	}
	t.leaf[node] = leaf{id: id, control: control}
	return nil
}

// longest returns the longest token that s starts with, and its length; 0 for none. Control tokens count only
// where they end within the first trusted bytes of s.
func (t *trie) longest(s string, trusted int) (id int32, length int) {
	if !t.first[s[0]] {
		return 0, 0
	}
	var node int32
	for i := range len(s) {
		child, ok := t.next[uint64(node)<<8|uint64(s[i])]
		if !ok {
			break
		}
		node = child
		if l, ok := t.leaf[node]; ok && (!l.control || i < trusted) {
			id, length = l.id, i+1
		}
	}
	return id, length
}
