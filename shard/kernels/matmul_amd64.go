//go:build amd64 && !purego

package kernels

import (
	"unsafe"

	"github.com/stagecoach-llm/stagecoach/shard/quant"
)

// dotFunc multiplies a group by a tile of activation rows: y [.., yStride bytes], n records of scales.
type dotFunc func(y *float32, yStride uintptr, codes, scales, acts *byte, n int)

// dotKernels holds, by type, the kernels for 1, 2, 3, … rows.
var dotKernels = map[path]map[quant.Type][]dotFunc{
	avx2: {
		quant.Q8_0:   {dotQ8_0x1AVX2, dotQ8_0x2AVX2, dotQ8_0x3AVX2, dotQ8_0x4AVX2},
		quant.Q4_0:   {dotQ4_0x1AVX2, dotQ4_0x2AVX2, dotQ4_0x3AVX2, dotQ4_0x4AVX2},
		quant.Q4_1:   {dotQ4_1x1AVX2, dotQ4_1x2AVX2, dotQ4_1x3AVX2, dotQ4_1x4AVX2},
		quant.Q5_0:   {dotQ5_0x1AVX2, dotQ5_0x2AVX2, dotQ5_0x3AVX2, dotQ5_0x4AVX2},
		quant.Q5_1:   {dotQ5_1x1AVX2, dotQ5_1x2AVX2, dotQ5_1x3AVX2, dotQ5_1x4AVX2},
		quant.IQ4_NL: {dotIQ4_NLx1AVX2, dotIQ4_NLx2AVX2, dotIQ4_NLx3AVX2, dotIQ4_NLx4AVX2},
		quant.IQ4_XS: {dotIQ4_XSx1AVX2, dotIQ4_XSx2AVX2, dotIQ4_XSx3AVX2, dotIQ4_XSx4AVX2},
		quant.Q4_K:   {dotQ4_Kx1AVX2, dotQ4_Kx2AVX2, dotQ4_Kx3AVX2, dotQ4_Kx4AVX2},
		quant.Q5_K:   {dotQ5_Kx1AVX2, dotQ5_Kx2AVX2, dotQ5_Kx3AVX2, dotQ5_Kx4AVX2},
		quant.Q6_K:   {dotQ6_Kx1AVX2, dotQ6_Kx2AVX2, dotQ6_Kx3AVX2, dotQ6_Kx4AVX2},
		quant.Q3_K:   {dotQ3_Kx1AVX2, dotQ3_Kx2AVX2, dotQ3_Kx3AVX2, dotQ3_Kx4AVX2},
		quant.Q2_K:   {dotQ2_Kx1AVX2, dotQ2_Kx2AVX2, dotQ2_Kx3AVX2, dotQ2_Kx4AVX2},
	},
	avxvnni: {
		quant.Q8_0:   {dotQ8_0x1AVXVNNI, dotQ8_0x2AVXVNNI, dotQ8_0x3AVXVNNI, dotQ8_0x4AVXVNNI},
		quant.Q4_0:   {dotQ4_0x1AVXVNNI, dotQ4_0x2AVXVNNI, dotQ4_0x3AVXVNNI, dotQ4_0x4AVXVNNI},
		quant.Q4_1:   {dotQ4_1x1AVXVNNI, dotQ4_1x2AVXVNNI, dotQ4_1x3AVXVNNI, dotQ4_1x4AVXVNNI},
		quant.Q5_0:   {dotQ5_0x1AVXVNNI, dotQ5_0x2AVXVNNI, dotQ5_0x3AVXVNNI, dotQ5_0x4AVXVNNI},
		quant.Q5_1:   {dotQ5_1x1AVXVNNI, dotQ5_1x2AVXVNNI, dotQ5_1x3AVXVNNI, dotQ5_1x4AVXVNNI},
		quant.IQ4_NL: {dotIQ4_NLx1AVXVNNI, dotIQ4_NLx2AVXVNNI, dotIQ4_NLx3AVXVNNI, dotIQ4_NLx4AVXVNNI},
		quant.IQ4_XS: {dotIQ4_XSx1AVXVNNI, dotIQ4_XSx2AVXVNNI, dotIQ4_XSx3AVXVNNI, dotIQ4_XSx4AVXVNNI},
		quant.Q4_K:   {dotQ4_Kx1AVXVNNI, dotQ4_Kx2AVXVNNI, dotQ4_Kx3AVXVNNI, dotQ4_Kx4AVXVNNI},
		quant.Q5_K:   {dotQ5_Kx1AVXVNNI, dotQ5_Kx2AVXVNNI, dotQ5_Kx3AVXVNNI, dotQ5_Kx4AVXVNNI},
		quant.Q6_K:   {dotQ6_Kx1AVXVNNI, dotQ6_Kx2AVXVNNI, dotQ6_Kx3AVXVNNI, dotQ6_Kx4AVXVNNI},
		quant.Q3_K:   {dotQ3_Kx1AVXVNNI, dotQ3_Kx2AVXVNNI, dotQ3_Kx3AVXVNNI, dotQ3_Kx4AVXVNNI},
		quant.Q2_K:   {dotQ2_Kx1AVXVNNI, dotQ2_Kx2AVXVNNI, dotQ2_Kx3AVXVNNI, dotQ2_Kx4AVXVNNI},
	},
	avx512: {
		quant.Q8_0: {
			dotQ8_0x1AVX512, dotQ8_0x2AVX512, dotQ8_0x3AVX512, dotQ8_0x4AVX512,
			dotQ8_0x5AVX512, dotQ8_0x6AVX512, dotQ8_0x7AVX512, dotQ8_0x8AVX512,
		},
		quant.Q4_0: {
			dotQ4_0x1AVX512, dotQ4_0x2AVX512, dotQ4_0x3AVX512, dotQ4_0x4AVX512,
			dotQ4_0x5AVX512, dotQ4_0x6AVX512, dotQ4_0x7AVX512, dotQ4_0x8AVX512,
		},
		quant.Q4_1: {
			dotQ4_1x1AVX512, dotQ4_1x2AVX512, dotQ4_1x3AVX512, dotQ4_1x4AVX512,
			dotQ4_1x5AVX512, dotQ4_1x6AVX512, dotQ4_1x7AVX512, dotQ4_1x8AVX512,
		},
		quant.Q5_0: {
			dotQ5_0x1AVX512, dotQ5_0x2AVX512, dotQ5_0x3AVX512, dotQ5_0x4AVX512,
			dotQ5_0x5AVX512, dotQ5_0x6AVX512, dotQ5_0x7AVX512, dotQ5_0x8AVX512,
		},
		quant.Q5_1: {
			dotQ5_1x1AVX512, dotQ5_1x2AVX512, dotQ5_1x3AVX512, dotQ5_1x4AVX512,
			dotQ5_1x5AVX512, dotQ5_1x6AVX512, dotQ5_1x7AVX512, dotQ5_1x8AVX512,
		},
		quant.IQ4_NL: {
			dotIQ4_NLx1AVX512, dotIQ4_NLx2AVX512, dotIQ4_NLx3AVX512, dotIQ4_NLx4AVX512,
			dotIQ4_NLx5AVX512, dotIQ4_NLx6AVX512, dotIQ4_NLx7AVX512, dotIQ4_NLx8AVX512,
		},
		quant.IQ4_XS: {
			dotIQ4_XSx1AVX512, dotIQ4_XSx2AVX512, dotIQ4_XSx3AVX512, dotIQ4_XSx4AVX512,
			dotIQ4_XSx5AVX512, dotIQ4_XSx6AVX512, dotIQ4_XSx7AVX512, dotIQ4_XSx8AVX512,
		},
		quant.Q4_K: {
			dotQ4_Kx1AVX512, dotQ4_Kx2AVX512, dotQ4_Kx3AVX512, dotQ4_Kx4AVX512,
			dotQ4_Kx5AVX512, dotQ4_Kx6AVX512, dotQ4_Kx7AVX512, dotQ4_Kx8AVX512,
		},
		quant.Q5_K: {
			dotQ5_Kx1AVX512, dotQ5_Kx2AVX512, dotQ5_Kx3AVX512, dotQ5_Kx4AVX512,
			dotQ5_Kx5AVX512, dotQ5_Kx6AVX512, dotQ5_Kx7AVX512, dotQ5_Kx8AVX512,
		},
		quant.Q6_K: {
			dotQ6_Kx1AVX512, dotQ6_Kx2AVX512, dotQ6_Kx3AVX512, dotQ6_Kx4AVX512,
			dotQ6_Kx5AVX512, dotQ6_Kx6AVX512, dotQ6_Kx7AVX512, dotQ6_Kx8AVX512,
		},
		quant.Q3_K: {
			dotQ3_Kx1AVX512, dotQ3_Kx2AVX512, dotQ3_Kx3AVX512, dotQ3_Kx4AVX512,
			dotQ3_Kx5AVX512, dotQ3_Kx6AVX512, dotQ3_Kx7AVX512, dotQ3_Kx8AVX512,
		},
		quant.Q2_K: {
			dotQ2_Kx1AVX512, dotQ2_Kx2AVX512, dotQ2_Kx3AVX512, dotQ2_Kx4AVX512,
			dotQ2_Kx5AVX512, dotQ2_Kx6AVX512, dotQ2_Kx7AVX512, dotQ2_Kx8AVX512,
		},
	},
}

// dotTable is flat, by path and type, so that finding a kernel costs nothing.
var dotTable = func() (t [len(pathNames)][32][]dotFunc) {
	for p, types := range dotKernels {
		for typ, dots := range types {
			t[p][typ] = dots
		}
	}
	return t
}()

// floatKernels are those of float weights, for 1, 2, 3, … rows.
func (m *Matrix) floatKernels() []mixFunc {
	switch k := &mixKernels[active]; m.Type {
	case quant.F32:
		return k.float
	case quant.F16:
		return k.half
	default:
		return k.bf16
	}
}

// tileRows is how many rows of a batch's activations one kernel takes: few are multiplied by weights unpacked on the
// way, many by weights unpacked before.
func tileRows(rows int) int {
	switch {
	case active == generic:
		return 1
	case gemmSets[active] == nil:
		return 4
	case rows >= gemmFrom:
		return gemmTile
	case active == avxvnni:
		return 4
	}
	return maxTile
}

// tile is how many rows from r on one kernel takes.
func (m *Matrix) tile(a *Acts, r int) int {
	switch {
	case active == generic:
		return min(a.rows-r, maxTile)
	case m.Quantised():
		_, width := a.tile(r)
		return width
	}
	return min(a.rows-r, len(m.floatKernels()))
}

func (m *Matrix) mulTile(y []float32, stride int, a *Acts, r, cols, g int) {
	if active == generic {
		m.mulTileGeneric(y, stride, a, r, cols, g)
		return
	}
	codes, scales := m.group(g)
	_ = y[(cols-1)*stride+groupRows-1]
	if m.Quantised() {
		acts := a.blocks[r*m.blocks : (r+cols)*m.blocks]
		dotTable[active][m.Type][cols-1](&y[0], uintptr(4*stride), &codes[0], &scales[0],
			(*byte)(unsafe.Pointer(&acts[0])), m.blocks/m.fmt.span)
		return
	}
	x := a.x[r*m.Cols : (r+cols)*m.Cols]
	for c := range cols {
		clear(y[c*stride:][:groupRows])
	}
	m.floatKernels()[cols-1](&y[0], uintptr(4*stride), &x[0], uintptr(4*m.Cols), &codes[0], m.Cols, 1)
}
