package kernels

import "testing"

// TestProbe: a path has all its ceilings or none.
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
		if !(c.Read > 0 && c.Int8 > 0 && c.Float > 0) {
			t.Errorf("ceilings are %+v", c)
		}
		t.Logf("%.1f GB/s, %.0f Gop/s in 8 bits, %.0f Gflop/s", c.Read/1e9, c.Int8/1e9, c.Float/1e9)
	})
}
