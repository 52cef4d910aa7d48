//go:build (!amd64 && !arm64) || purego

package kernels

func tileRows(int) int { return 1 }

func (m *Matrix) tile(a *Acts, r int) int { return min(a.rows-r, maxTile) }

func (m *Matrix) mulTile(y []float32, stride int, a *Acts, r, cols, g int) {
	m.mulTileGeneric(y, stride, a, r, cols, g)
}
