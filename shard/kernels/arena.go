package kernels

import "sync"

// arena hands out memory from mappings so large that large pages cover matrices end to end: a matrix of a few
// megabytes with a mapping of its own would have small pages at both ends, which cost a tenth of the speed of reading
// it. What is given back goes to the system, whole pages at once and a mapping with its last piece.
type arena struct {
	mu      sync.Mutex
	current *slab
}

// slab is a mapping. Pieces are never handed out twice, so they are all zeros.
type slab struct {
	memory []byte
	used   int
	pieces int
}

const (
	largePage = 2 << 20
	slabBytes = 64 << 20
	pieceUnit = 4 << 10 // a small page: what can be given back
)

// piece is memory of an arena.
type piece struct {
	bytes []byte
	slab  *slab
}

var weights arena

// reserve returns n bytes of zeros.
func (a *arena) reserve(n int) (piece, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	size := roundUp(n, pieceUnit)
	s := a.current
	if s == nil || len(s.memory)-s.used < size {
		fresh, err := newSlab(max(slabBytes, roundUp(size, largePage)))
		if err != nil {
			return piece{}, err
		}
		if s = fresh; size <= slabBytes {
			a.current = fresh
		}
	}
	p := piece{bytes: s.memory[s.used : s.used+n : s.used+size], slab: s}
	s.used += size
	s.pieces++
	return p, nil
}

func newSlab(n int) (*slab, error) {
	m, err := Reserve(n)
	if err != nil {
		return nil, err
	}
	hugePages(m)
	return &slab{memory: m}, nil
}

// release gives a piece back.
func (a *arena) release(p piece) {
	if p.slab == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if p.slab.pieces--; p.slab.pieces > 0 {
		forget(p.bytes[:cap(p.bytes)])
		return
	}
	if a.current == p.slab {
		a.current = nil
	}
	Release(p.slab.memory)
}

func roundUp(n, unit int) int { return (n + unit - 1) / unit * unit }
