package kernels

import "sync/atomic"

// Gated is the first half of a feed-forward in one loop of a pool: dst = SwiGLU(gate·a, up·a), ready for Mul. What the
// two products give never leaves the second cache: a chunk takes the same outputs of both, for all rows.
type Gated struct {
	pool     *Pool
	products *Products
	run      func(worker, i int)

	a, dst   *Acts
	gate, up *Matrix
	unit     int // groups in a chunk, of each matrix; an even number, so that a chunk ends with a block
	scratch  []gatedScratch

	bad    []atomic.Bool // by row
	anyBad atomic.Bool
	rows   []int
}

// gatedScratch is one worker's.
type gatedScratch struct {
	part     Matrix
	gate, up []float32 // [rows, unit*16]
}

// NewGated makes one that shares a set's pool and workspaces; the two must not be in use at once.
func NewGated(p *Products) *Gated {
	g := &Gated{pool: p.pool, products: p, scratch: make([]gatedScratch, p.pool.Threads())}
	g.run = g.chunk
	return g
}

// Run computes all rows. dst must have been Reset to a's rows and the matrices' outputs; its float32 values are only
// there if it keeps no integers. It returns the rows that hold Inf or NaN, which are then zero in part; the slice is
// valid until the next Run.
func (g *Gated) Run(a *Acts, gate, up *Matrix, dst *Acts) []int {
	if a.rows == 0 {
		return nil
	}
	g.a, g.gate, g.up, g.dst = a, gate, up, dst
	g.bad = grow(g.bad, a.rows)
	groups := gate.Groups()
	g.unit = gemmGroups / 2
	if a.rows < gemmFrom {
		g.unit = max(1, min(chunkBytes/(2*gate.GroupBytes()), groups/(4*g.pool.Threads()))/a.rows)
	}
	g.unit = (g.unit + 1) &^ 1
	g.pool.Run((groups+g.unit-1)/g.unit, g.run)
	return g.badRows()
}

func (g *Gated) badRows() []int {
	g.rows = g.rows[:0]
	if g.anyBad.Swap(false) {
		for r := range g.a.rows {
			if g.bad[r].Swap(false) {
				g.rows = append(g.rows, r)
			}
		}
	}
	return g.rows
}

func (g *Gated) chunk(worker, i int) {
	s := &g.scratch[worker]
	from := i * g.unit
	to := min(from+g.unit, g.gate.Groups())
	at, stride := from*groupRows, g.unit*groupRows
	n := min(stride, g.gate.Rows-at)
	s.gate, s.up = grow(s.gate, g.a.rows*stride), grow(s.up, g.a.rows*stride)
	g.product(worker, g.gate, from, to, s.gate, stride)
	g.product(worker, g.up, from, to, s.up, stride)
	SwiGLU(s.gate, s.gate, s.up)
	if g.dst.putAll(at, s.gate, stride, n) {
		return
	}
	for r := range g.a.rows {
		if !g.dst.put(r, at, s.gate[r*stride:][:n]) {
			g.bad[r].Store(true)
			g.anyBad.Store(true)
		}
	}
}

// product computes groups [from, to) into y [rows, stride].
func (g *Gated) product(worker int, m *Matrix, from, to int, y []float32, stride int) {
	part := &g.scratch[worker].part
	if m.file != nil {
		part = g.products.view[worker].of(m, from, to)
	} else {
		*part = m.part(from, to)
	}
	part.mulGroups(y, stride, g.a, 0, to-from, g.products.work[worker])
}

// part is groups [from, to).
func (m *Matrix) part(from, to int) Matrix {
	p := *m
	c, s := m.groupCodes(), m.groupScales()
	p.Rows = min(m.Rows, to*groupRows) - from*groupRows
	p.codes, p.scales = m.codes[from*c:to*c], m.scales[from*s:to*s]
	return p
}

// putAll sets all rows from element at on, a multiple of 32, to the n elements of x's rows [rows, stride], as Seal would.
// It returns false, and sets nothing, where x may hold Inf or NaN.
func (a *Acts) putAll(at int, x []float32, stride, n int) bool {
	if !finite(x) {
		return false
	}
	if len(a.blocks) == 0 {
		for r := range a.rows {
			copy(a.Row(r)[at:], x[r*stride:][:n])
		}
		return true
	}
	for first := 0; first < a.rows; {
		_, width := a.tile(first)
		blocks := a.blocks[first*(a.cols/32)+at/32*width:]
		for i := range width {
			quantise(blocks[i:], width, x[(first+i)*stride:][:n])
		}
		first += width
	}
	return true
}

// put sets row r from element at on, a multiple of 32, to x, as Seal would. It returns false, and puts zeros, where x
// holds Inf or NaN.
func (a *Acts) put(r, at int, x []float32) bool {
	ok := finite(x)
	if !ok {
		clear(x)
	}
	if len(a.blocks) == 0 {
		copy(a.Row(r)[at:], x)
		return ok
	}
	blocks, step := a.column(r)
	quantise(blocks[at/32*step:], step, x)
	return ok
}
