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

// workspace is a thread's room for unpacked panels and for sums.
type workspace struct {
	codes [2 * gemmBlocks * 512]byte
	lines [2 * gemmBlocks * maxLines * 64]byte
	sums  [gemmPairs * gemmRows * 2 * groupRows]float32
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
		for whole := min(g1, m.Rows/groupRows); whole-g0 >= 2; {
			pairs := min(gemmPairs, (whole-g0)/2)
			m.gemm(y, stride, a, g0, pairs, w)
			g0 += 2 * pairs
		}
	}
	for g := g0; g < g1; g++ {
		m.Mul(y, stride, a, g)
	}
}

// gemm computes some pairs of panels from group g on.
func (m *Matrix) gemm(y []float32, stride int, a *Acts, g, pairs int, w *workspace) {
	for r := 0; r < a.rows; {
		end := a.cut(r + gemmRows)
		for b := 0; b < m.blocks; b += gemmBlocks {
			for p := range pairs {
				m.gemmPair(y, stride, a, r, end, g, p, b, w)
			}
		}
		r = end
	}
}

// cut is the start of the tile that row r lies in, or the end of all.
func (a *Acts) cut(r int) int {
	if r >= a.rows {
		return a.rows
	}
	first, _ := a.tile(r)
	return first
}

// gemmPair adds a run of blocks, from block b on, to the products of pair p of those from group g on.
func (m *Matrix) gemmPair(y []float32, stride int, a *Acts, r, end, g, p, b int, w *workspace) {
	n := min(gemmBlocks, m.blocks-b)
	set := &gemmSets[m.Type]
	g += 2 * p
	codes, panel := m.unpackPair(g, b, n, w)
	sums, at, last := w.sums[p*gemmRows*2*groupRows:], g*groupRows, b+n == m.blocks
	for first := r; r < end; {
		_, width := a.tile(r)
		acts := a.blocks[r*m.blocks+b*width:]
		var out *float32
		if last {
			_, out = y[(r+width-1)*stride+at+2*groupRows-1], &y[r*stride+at]
		}
		next := acts
		if r+width < end {
			_, wide := a.tile(r + width)
			next = a.blocks[(r+width)*m.blocks+b*wide:]
		}
		set.mul[width-1](&sums[(r-first)*2*groupRows], b == 0, out, uintptr(4*stride), codes, panel, &w.lines[0],
			(*byte)(unsafe.Pointer(&acts[0])), (*byte)(unsafe.Pointer(&next[0])), codes, n)
		r += width
	}
}

// unpackPair unpacks n blocks of two panels, and tells where their codes are and how far apart.
func (m *Matrix) unpackPair(g, b, n int, w *workspace) (codes *byte, panel uintptr) {
	set, f := &gemmSets[m.Type], m.fmt
	codes, panel = &w.codes[0], gemmBlocks*512
	for i := range 2 {
		c, s := m.group(g + i)
		from := &c[b*f.blockBytes()]
		set.unpack(&w.codes[i*gemmBlocks*512], &w.lines[i*64*set.lines], from, &s[b/f.span*f.record], n/f.span)
		if f.bits == 8 {
			panel = uintptr(m.groupCodes())
			if i == 0 {
				codes = from
			}
		}
	}
	return codes, panel
}
