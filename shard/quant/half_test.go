package quant

import (
	"math"
	"testing"
)

// halfValue computes a binary16's value from its definition, in float64, where it is exact.
func halfValue(h uint16) float64 {
	exp, frac := int(h>>10&31), float64(h&0x3ff)
	v := math.Ldexp(1+frac/1024, exp-15)
	switch {
	case exp == 0:
		v = math.Ldexp(frac/1024, -14)
	case exp == 31 && frac == 0:
		v = math.Inf(1)
	case exp == 31:
		v = math.NaN()
	}
	if h&0x8000 != 0 {
		v = -v
	}
	return v
}

func TestF16WidensEveryPattern(t *testing.T) {
	for i := range 1 << 16 {
		h := uint16(i)
		got, want := F16ToF32(h), halfValue(h)
		if want != want {
			if got == got {
				t.Fatalf("F16ToF32(%04x) = %g, want NaN", h, got)
			}
			continue
		}
		if float64(got) != want || math.Signbit(float64(got)) != (h&0x8000 != 0) {
			t.Fatalf("F16ToF32(%04x) = %g, want %g", h, got, want)
		}
	}
}

// Every pattern comes back from its float32, and NaN stays NaN.
func TestF16RoundTrip(t *testing.T) {
	for i := range 1 << 16 {
		h := uint16(i)
		back := F32ToF16(F16ToF32(h))
		if h&0x7fff > 0x7c00 {
			if back&0x7fff <= 0x7c00 || back&0x8000 != h&0x8000 {
				t.Fatalf("NaN %04x came back as %04x", h, back)
			}
			continue
		}
		if back != h {
			t.Fatalf("%04x came back as %04x", h, back)
		}
	}
}

// Between every two neighbours the midpoint goes to the even one, and its float32 neighbours to the nearer.
func TestF16RoundsToNearestEven(t *testing.T) {
	for i := range 0x7c00 { // the last pair is 65504 and Inf
		low, high := uint16(i), uint16(i+1)
		top := halfValue(high)
		if high == 0x7c00 {
			top = 65536 // what Inf stands for when rounding
		}
		mid := float32((halfValue(low) + top) / 2)
		even := low
		if low&1 == 1 {
			even = high
		}
		for _, c := range []struct {
			f    float32
			want uint16
		}{
			{mid, even},
			{math.Nextafter32(mid, 0), low},
			{math.Nextafter32(mid, 1e9), high},
		} {
			if got := F32ToF16(c.f); got != c.want {
				t.Fatalf("F32ToF16(%g) = %04x, want %04x", c.f, got, c.want)
			}
			if got := F32ToF16(-c.f); got != c.want|0x8000 {
				t.Fatalf("F32ToF16(%g) = %04x, want %04x", -c.f, got, c.want|0x8000)
			}
		}
	}
	for f, want := range map[float32]uint16{1e10: 0x7c00, float32(math.Inf(-1)): 0xfc00, math.SmallestNonzeroFloat32: 0} {
		if got := F32ToF16(f); got != want {
			t.Errorf("F32ToF16(%g) = %04x, want %04x", f, got, want)
		}
	}
}

func TestBF16(t *testing.T) {
	for i := range 1 << 16 {
		h := uint16(i)
		f := BF16ToF32(h)
		if math.Float32bits(f) != uint32(h)<<16 {
			t.Fatalf("BF16ToF32(%04x) has the bits %08x", h, math.Float32bits(f))
		}
		if back := F32ToBF16(f); f == f && back != h || f != f && BF16ToF32(back) == BF16ToF32(back) {
			t.Fatalf("%04x came back as %04x", h, back)
		}
	}
	for _, c := range []struct {
		bits uint32
		want uint16
	}{
		{0x3f808000, 0x3f80}, {0x3f808001, 0x3f81}, {0x3f818000, 0x3f82}, {0x3f817fff, 0x3f81},
		{0x7f7fffff, 0x7f80}, {0xff7f8000, 0xff80}, {0x00008000, 0x0000}, {0x00018000, 0x0002}, {0x7f800001, 0x7fc0},
	} {
		if got := F32ToBF16(math.Float32frombits(c.bits)); got != c.want {
			t.Errorf("F32ToBF16(%08x) = %04x, want %04x", c.bits, got, c.want)
		}
	}
}
