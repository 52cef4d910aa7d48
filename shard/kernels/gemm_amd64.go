//go:build amd64 && !purego

package kernels

import (
	"unsafe"

	"github.com/stagecoach-llm/stagecoach/shard/quant"
)

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

	r, end   int // rows of activations
	b, n     int // blocks
	g, pairs int // groups from g on
	p        int // pair
	ahead    ahead
}

const maxLines = 5

func newWorkspace() *workspace { return new(workspace) }

var (
	gemmOne = [gemmTile]gemmFunc{gemmOnex1AVX512, gemmOnex2AVX512, gemmOnex3AVX512,
		gemmOnex4AVX512, gemmOnex5AVX512, gemmOnex6AVX512}
	gemmMin = [gemmTile]gemmFunc{gemmMinx1AVX512, gemmMinx2AVX512, gemmMinx3AVX512,
		gemmMinx4AVX512, gemmMinx5AVX512, gemmMinx6AVX512}
	gemmPair = [gemmTile]gemmFunc{gemmPairx1AVX512, gemmPairx2AVX512, gemmPairx3AVX512,
		gemmPairx4AVX512, gemmPairx5AVX512, gemmPairx6AVX512}
	gemmPairMin = [gemmTile]gemmFunc{gemmPairMinx1AVX512, gemmPairMinx2AVX512, gemmPairMinx3AVX512,
		gemmPairMinx4AVX512, gemmPairMinx5AVX512, gemmPairMinx6AVX512}
)

// gemmSets has them by type.
var gemmSets = [32]gemmSet{
	quant.Q8_0:   {unpackQ8_0AVX512, &gemmOne, 2},
	quant.Q4_0:   {unpackQ4_0AVX512, &gemmOne, 2},
	quant.Q5_0:   {unpackQ5_0AVX512, &gemmOne, 2},
	quant.IQ4_NL: {unpackIQ4_NLAVX512, &gemmOne, 2},
	quant.IQ4_XS: {unpackIQ4_XSAVX512, &gemmOne, 2},
	quant.Q4_1:   {unpackQ4_1AVX512, &gemmMin, 3},
	quant.Q5_1:   {unpackQ5_1AVX512, &gemmMin, 3},
	quant.Q4_K:   {unpackQ4_KAVX512, &gemmMin, 3},
	quant.Q5_K:   {unpackQ5_KAVX512, &gemmMin, 3},
	quant.Q6_K:   {unpackQ6_KAVX512, &gemmPair, 3},
	quant.Q3_K:   {unpackQ3_KAVX512, &gemmPair, 3},
	quant.Q2_K:   {unpackQ2_KAVX512, &gemmPairMin, 5},
}

// mulGroups computes groups [g0, g1) for all rows of a.
func (m *Matrix) mulGroups(y []float32, stride int, a *Acts, g0, g1 int, w *workspace) {
	if active == avx512 && m.Quantised() && a.rows >= gemmFrom {
		w.m, w.acts, w.y, w.stride = m, a, y, stride
		for whole := min(g1, m.Rows/groupRows); whole-g0 >= 2; g0 += 2 * w.pairs {
			w.g, w.pairs = g0, min(gemmPairs, (whole-g0)/2)
			w.gemm()
		}
	}
	for g := g0; g < g1; g++ {
		m.Mul(y, stride, a, g)
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
	m, a, set := w.m, w.acts, &gemmSets[w.m.Type]
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
		if last {
			_, out = w.y[(r+width-1)*w.stride+at+2*groupRows-1], &w.y[r*w.stride+at]
		}
		set.mul[width-1](&sums[(r-w.r)*2*groupRows], w.b == 0, out, uintptr(4*w.stride), codes, panel, &w.lines[0],
			acts, next, w.ahead.next(a, codes), w.n)
		r += width
	}
}

// unpack unpacks the pair's blocks, and tells where the codes are then and how far apart.
func (w *workspace) unpack() (codes *byte, panel uintptr) {
	m, set, f := w.m, &gemmSets[w.m.Type], w.m.fmt
	codes, panel = &w.codes[0], gemmBlocks*512
	for i := range 2 {
		c, s := m.group(w.g + 2*w.p + i)
		from := &c[w.b*f.blockBytes()]
		set.unpack(&w.codes[i*gemmBlocks*512], &w.lines[i*64*set.lines], from, &s[w.b/f.span*f.record], w.n/f.span)
		if f.bits == 8 {
			panel = uintptr(m.groupCodes())
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
