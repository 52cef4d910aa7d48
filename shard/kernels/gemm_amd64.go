//go:build amd64 && !purego

package kernels

import "unsafe"

// Many rows of activations are multiplied by weights that were unpacked to bytes before, so that unpacking counts for
// nothing and one kernel serves all types with the same kind of scales. Work is cut so that it stays in the caches:
//
//	for gemmRows rows of activations
//	  for gemmBlocks blocks of columns            these activations stay in the second cache
//	    for two panels, 32 outputs                unpacked, they stay in the first
//	      for a tile of rows                      its sums are in registers
//
// Sums wait in the workspace from one run of blocks to the next: each is one chain.
const (
	gemmBlocks = 16
	gemmRows   = 512
	gemmPairs  = gemmGroups / 2
	gemmTile   = 6
)

// gemmFunc multiplies two panels, panel bytes apart, by a tile of activations. The sums begin at zero or at acc
// [rows][2][16], and end in y [rows, yStride bytes] or, where that is nil, in acc. It prefetches activations at next
// and four lines a block at ahead.
type gemmFunc func(acc *float32, first bool, y *float32, yStride uintptr, codes *byte, panel uintptr,
	scales, acts, next, ahead *byte, blocks int)

// unpackFunc widens n records of a panel.
type unpackFunc func(dst, lines, codes, scales *byte, n int)

// gemmSet is what a type has for many rows: kernels for 1, 2, 3, … rows of activations.
type gemmSet struct {
	unpack unpackFunc
	mul    *[gemmTile]gemmFunc
	lines  int // of sixteen float32 to a panel's block of scales
}

// workspace is a thread's room for unpacked panels and for sums, and where it is in a product.
type workspace struct {
	codes [2 * gemmBlocks * 512]byte
	lines [2 * gemmBlocks * maxLines * 64]byte
	sums  [gemmPairs * gemmRows * 2 * groupRows]float32

	m      *Matrix
	acts   *Acts
	y      []float32
	stride int

	r, end   int  // rows of activations
	b, n     int  // blocks
	g, pairs int  // groups from g on
	p        int  // pair
	alone    bool // a group without a partner is both panels of a pair
	set      *gemmSet
	ahead    ahead
}

const maxLines = 5

func newWorkspace() *workspace { return new(workspace) }

// mulGroups computes groups [g0, g1) for all rows of a.
func (m *Matrix) mulGroups(y []float32, stride int, a *Acts, g0, g1 int, w *workspace) {
	if gemmSets[active] == nil || !m.Quantised() || a.rows < gemmFrom {
		for g := g0; g < g1; g++ {
			m.mul(y, stride, a, g)
		}
		return
	}
	w.set = &gemmSets[active][m.Type]
	w.m, w.acts, w.y, w.stride, w.alone = m, a, y, stride, false
	for whole := min(g1, m.Rows/groupRows); whole-g0 >= 2; g0 += 2 * w.pairs {
		w.g, w.pairs = g0, min(gemmPairs, (whole-g0)/2)
		w.gemm()
	}
	w.pairs, w.alone = 1, true
	for w.g = g0; w.g < g1; w.g++ {
		w.gemm()
	}
}

// gemm computes some pairs of panels.
func (w *workspace) gemm() {
	for w.r = 0; w.r < w.acts.rows; w.r = w.end {
		w.end = w.acts.cut(w.r + gemmRows)
		for w.b = 0; w.b < w.m.blocks; w.b += gemmBlocks {
			w.n = min(gemmBlocks, w.m.blocks-w.b)
			for w.p = range w.pairs {
				w.look()
				w.pass()
			}
		}
	}
}

// pass adds a run of blocks to the products of a pair of panels with all tiles.
func (w *workspace) pass() {
	m, a := w.m, w.acts
	codes, panel := w.unpack()
	sums := w.sums[w.p*gemmRows*2*groupRows:]
	at, last := (w.g+2*w.p)*groupRows, w.b+w.n == m.blocks
	for r := w.r; r < w.end; {
		acts, width := a.from(r, w.b)
		next := acts
		if r+width < w.end {
			next, _ = a.from(r+width, w.b)
		}
		var out *float32
		if last && !w.alone {
			_, out = w.y[(r+width-1)*w.stride+at+2*groupRows-1], &w.y[r*w.stride+at]
		}
		w.set.mul[width-1](&sums[(r-w.r)*2*groupRows], w.b == 0, out, uintptr(4*w.stride), codes, panel, &w.lines[0],
			acts, next, w.ahead.next(a, codes), w.n)
		r += width
	}
	if last && w.alone {
		w.copyOut(at, min(groupRows, m.Rows-at))
	}
}

// copyOut stores the first n sums of every row that the first panel ended with.
func (w *workspace) copyOut(at, n int) {
	for r := w.r; r < w.end; r++ {
		copy(w.y[r*w.stride+at:][:n], w.sums[(r-w.r)*2*groupRows:])
	}
}

// group is panel i of the pair.
func (w *workspace) group(i int) (codes, scales []byte) {
	if w.alone {
		i = 0
	}
	return w.m.group(w.g + 2*w.p + i)
}

// unpack unpacks the pair's blocks, and tells where the codes are then and how far apart.
func (w *workspace) unpack() (codes *byte, panel uintptr) {
	m, set, f := w.m, w.set, w.m.fmt
	codes, panel = &w.codes[0], gemmBlocks*512
	for i := range 2 {
		c, s := w.group(i)
		from := &c[w.b*f.blockBytes()]
		set.unpack(&w.codes[i*gemmBlocks*512], &w.lines[i*64*set.lines], from, &s[w.b/f.span*f.record], w.n/f.span)
		if f.bits == 8 {
			if panel = uintptr(m.groupCodes()); w.alone {
				panel = 0
			}
			if i == 0 {
				codes = from
			}
		}
	}
	return codes, panel
}

// cut is the start of the tile that row r lies in, or the end of all.
func (a *Acts) cut(r int) int {
	if r >= a.rows {
		return a.rows
	}
	first, _ := a.tile(r)
	return first
}

// from is where the tile that begins with row r has block b, and the tile's width.
func (a *Acts) from(r, b int) (*byte, int) {
	_, width := a.tile(r)
	return (*byte)(unsafe.Pointer(&a.blocks[r*(a.cols/32)+b*width])), width
}
