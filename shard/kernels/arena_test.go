package kernels

import (
	"bytes"
	"testing"
)

// TestArena: pieces are apart, all zeros, and a slab goes with its last piece while others stay as they are.
func TestArena(t *testing.T) {
	var a arena
	var pieces []piece
	for i, n := range []int{1, 5000, 20 << 20, 30 << 20, 30 << 20, slabBytes + 1, 100} {
		p, err := a.reserve(n)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.bytes) != n || bytes.Count(p.bytes, []byte{0}) != n {
			t.Fatalf("piece %d has %d bytes and not %d zeros", i, len(p.bytes), n)
		}
		p.bytes[0], p.bytes[n-1] = byte(i+1), byte(i+1)
		pieces = append(pieces, p)
	}
	if pieces[0].slab != pieces[3].slab || pieces[0].slab == pieces[4].slab || pieces[6].slab != pieces[4].slab {
		t.Error("pieces do not share mappings as they could")
	}
	for i, p := range pieces {
		for j, q := range pieces[i:] {
			if q.bytes[0] != byte(i+j+1) || q.bytes[len(q.bytes)-1] != byte(i+j+1) {
				t.Fatalf("piece %d changed when %d were released", i+j, i)
			}
		}
		a.release(p)
	}
	if a.current != nil {
		t.Error("a mapping stays when all pieces are released")
	}
	a.release(piece{})
}
