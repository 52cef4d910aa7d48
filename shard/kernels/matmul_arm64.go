//go:build arm64 && !purego

package kernels

import (
	"unsafe"

	"github.com/stagecoach-llm/stagecoach/shard/quant"
)

// dotFunc multiplies a group by one or more activation rows: y [.., yStride bytes], n records of scales.
type dotFunc func(y *float32, yStride uintptr, codes, scales, acts *byte, actStride uintptr, n int)

// dotKernels holds, by type, the kernels for 1, 2, 3, … rows.
var dotKernels = map[path]map[quant.Type][]dotFunc{
	neon: {
		quant.Q8_0:   {dotQ8_0x1NEON, dotQ8_0x2NEON},
		quant.Q4_0:   {dotQ4_0x1NEON, dotQ4_0x2NEON},
		quant.Q4_1:   {dotQ4_1x1NEON, dotQ4_1x2NEON},
		quant.Q5_0:   {dotQ5_0x1NEON, dotQ5_0x2NEON},
		quant.Q5_1:   {dotQ5_1x1NEON, dotQ5_1x2NEON},
		quant.IQ4_NL: {dotIQ4_NLx1NEON, dotIQ4_NLx2NEON},
		quant.IQ4_XS: {dotIQ4_XSx1NEON, dotIQ4_XSx2NEON},
		quant.Q4_K:   {dotQ4_Kx1NEON, dotQ4_Kx2NEON},
		quant.Q5_K:   {dotQ5_Kx1NEON, dotQ5_Kx2NEON},
		quant.Q6_K:   {dotQ6_Kx1NEON, dotQ6_Kx2NEON},
		quant.Q3_K:   {dotQ3_Kx1NEON, dotQ3_Kx2NEON},
		quant.Q2_K:   {dotQ2_Kx1NEON, dotQ2_Kx2NEON},
	},
	neonDot: {
		quant.Q8_0:   {dotQ8_0x1NEONDot, dotQ8_0x2NEONDot, dotQ8_0x3NEONDot, dotQ8_0x4NEONDot},
		quant.Q4_0:   {dotQ4_0x1NEONDot, dotQ4_0x2NEONDot, dotQ4_0x3NEONDot, dotQ4_0x4NEONDot},
		quant.Q4_1:   {dotQ4_1x1NEONDot, dotQ4_1x2NEONDot, dotQ4_1x3NEONDot, dotQ4_1x4NEONDot},
		quant.Q5_0:   {dotQ5_0x1NEONDot, dotQ5_0x2NEONDot, dotQ5_0x3NEONDot, dotQ5_0x4NEONDot},
		quant.Q5_1:   {dotQ5_1x1NEONDot, dotQ5_1x2NEONDot, dotQ5_1x3NEONDot, dotQ5_1x4NEONDot},
		quant.IQ4_NL: {dotIQ4_NLx1NEONDot, dotIQ4_NLx2NEONDot, dotIQ4_NLx3NEONDot, dotIQ4_NLx4NEONDot},
		quant.IQ4_XS: {dotIQ4_XSx1NEONDot, dotIQ4_XSx2NEONDot, dotIQ4_XSx3NEONDot, dotIQ4_XSx4NEONDot},
		quant.Q4_K:   {dotQ4_Kx1NEONDot, dotQ4_Kx2NEONDot, dotQ4_Kx3NEONDot, dotQ4_Kx4NEONDot},
		quant.Q5_K:   {dotQ5_Kx1NEONDot, dotQ5_Kx2NEONDot, dotQ5_Kx3NEONDot, dotQ5_Kx4NEONDot},
		quant.Q6_K:   {dotQ6_Kx1NEONDot, dotQ6_Kx2NEONDot, dotQ6_Kx3NEONDot, dotQ6_Kx4NEONDot},
		quant.Q3_K:   {dotQ3_Kx1NEONDot, dotQ3_Kx2NEONDot, dotQ3_Kx3NEONDot, dotQ3_Kx4NEONDot},
		quant.Q2_K:   {dotQ2_Kx1NEONDot, dotQ2_Kx2NEONDot, dotQ2_Kx3NEONDot, dotQ2_Kx4NEONDot},
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
func (m *Matrix) floatKernels() []tilesFunc {
	switch m.Type {
	case quant.F32:
		return tilesFloats
	case quant.F16:
		return tilesHalves
	default:
		return tilesBF16s
	}
}

// tileRows is one: the kernels take rows one after the other.
func tileRows(int) int { return 1 }

// tile is how many of the next rows one kernel takes.
func (m *Matrix) tile(a *Acts, r int) int {
	rows := a.rows - r
	switch {
	case active == generic:
		return min(rows, maxTile)
	case m.Quantised():
		return firstOf(rows, len(dotTable[active][m.Type]))
	}
	return firstOf(rows, len(m.floatKernels()))
}

// firstOf is the first part of n where n falls into the fewest parts of at most top, none much smaller than another.
func firstOf(n, top int) int {
	parts := (n + top - 1) / top
	return (n + parts - 1) / parts
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
			(*byte)(unsafe.Pointer(&acts[0])), uintptr(m.blocks*actBytes), m.blocks/m.fmt.span)
		return
	}
	x := a.x[r*m.Cols : (r+cols)*m.Cols]
	m.floatKernels()[cols-1](&y[0], uintptr(4*stride), &x[0], uintptr(4*m.Cols), &codes[0], 0, m.Cols, 1, 1)
}
