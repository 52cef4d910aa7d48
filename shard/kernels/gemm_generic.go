//go:build (!amd64 && !arm64) || purego

package kernels

// workspace is a thread's room for unpacked panels: none is needed here.
type workspace struct{}

func newWorkspace() *workspace { return nil }

// mulGroups computes groups [g0, g1) for all rows of a.
func (m *Matrix) mulGroups(y []float32, stride int, a *Acts, g0, g1 int, _ *workspace) {
	for g := g0; g < g1; g++ {
		m.mul(y, stride, a, g)
	}
}
