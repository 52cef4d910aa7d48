package kernels

import (
	"math"
	"testing"

	"github.com/stagecoach-llm/stagecoach/shard/quant"
)

func TestHalf(t *testing.T) {
	for h := range 1 << 16 {
		f := fromHalf(uint16(h))
		if want := quant.F16ToF32(uint16(h)); !identical(f, want) {
			t.Fatalf("%04x widens to %g, want %g", h, f, want)
		}
		if f != f {
			continue
		}
		// the value, and points around the middles to its neighbours
		for _, v := range []float32{f, math.Nextafter32(f, 1e9), f * 1.00048828125, f * 0.9997, f + 0x1p-25} {
			if got, want := toHalf(v), quant.F32ToF16(v); got != want {
				t.Fatalf("%g (%08x) rounds to %04x, want %04x", v, math.Float32bits(v), got, want)
			}
		}
	}
}

func TestToHalfReports(t *testing.T) {
	dst := make([]uint16, 8)
	for _, c := range []struct {
		x  float32
		ok bool
	}{
		{65504, true}, {65519, true}, {65520, false}, {-65520, false}, {1e-30, true},
		{float32(math.Inf(-1)), false}, {float32(math.NaN()), false},
	} {
		if got := ToHalf(dst, 2, []float32{1, c.x, 2}); got != c.ok {
			t.Errorf("%g: got %v, want %v", c.x, got, c.ok)
		}
	}
}
