package kernels

import "testing"

// TestProbe: a path has all its ceilings or none, and they are no nonsense.
func TestProbe(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a second and 256 MiB")
	}
	p, err := NewProbe(NewPool(1))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	everyPath(t, func(t *testing.T) {
		c := p.Measure()
		if Path() == "generic" {
			if c != (Ceilings{}) {
				t.Errorf("generic kernels have ceilings %+v", c)
			}
			return
		}
		// Without the dot product, arm64 has cores that multiply bytes no faster than floats.
		if !(c.Read > 1e8 && (c.Int8 > c.Float || Path() == "neon" && c.Int8 > 1e8) && c.Float > 1e8) {
			t.Errorf("ceilings are %+v", c)
		}
		t.Logf("%.1f GB/s, %.0f Gop/s in 8 bits, %.0f Gflop/s", c.Read/1e9, c.Int8/1e9, c.Float/1e9)
	})
}
