//go:build arm64 && !purego

package kernels

import "github.com/stagecoach-llm/stagecoach/shard/quant"

// floatKernels are those of float weights, for 1, 2, 3, … rows.
func (m *Matrix) floatKernels() []mixFunc {
	switch m.Type {
	case quant.F32:
		return mixFloats
	case quant.F16:
		return mixHalves
	default:
		return mixBF16s
	}
}

// tile is how many of the next rows one kernel takes.
func (m *Matrix) tile(rows int) int {
	if active == generic || m.Quantised() {
		return min(rows, maxTile)
	}
	return min(rows, len(m.floatKernels()))
}

func (m *Matrix) mulTile(y []float32, stride int, a *Acts, r, cols, g int) {
	if active == generic || m.Quantised() {
		m.mulTileGeneric(y, stride, a, r, cols, g)
		return
	}
	codes, _ := m.group(g)
	_ = y[(cols-1)*stride+groupRows-1]
	x := a.x[r*m.Cols : (r+cols)*m.Cols]
	for c := range cols {
		clear(y[c*stride:][:groupRows])
	}
	m.floatKernels()[cols-1](&y[0], uintptr(4*stride), &x[0], uintptr(4*m.Cols), &codes[0], m.Cols, 1)
}
