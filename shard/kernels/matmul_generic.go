//go:build (!amd64 && !arm64) || purego

package kernels

func (m *Matrix) tile(rows int) int { return min(rows, maxTile) }

func (m *Matrix) mulTile(y []float32, stride int, a *Acts, r, cols, g int) {
	m.mulTileGeneric(y, stride, a, r, cols, g)
}
