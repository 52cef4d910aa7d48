package quant

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Root mean square errors relative to a normal distribution's deviation that the fits stay under; about a third
// above what they give.
var errorBounds = map[Type]float64{
	Q8_0: 0.007, Q4_0: 0.12, Q4_1: 0.11, Q5_0: 0.06, Q5_1: 0.055, Q2_K: 0.45, Q3_K: 0.21, Q4_K: 0.11, Q5_K: 0.055,
	Q6_K: 0.03, IQ4_NL: 0.12, IQ4_XS: 0.12, F16: 0.0004, BF16: 0.003, F32: 1e-30,
}

func TestQuantizeError(t *testing.T) {
	for typ := range layouts {
		r := rand.New(rand.NewPCG(uint64(typ), 3))
		src := make([]float32, 256*64)
		for i := range src {
			src[i] = float32(r.NormFloat64() * 0.02)
		}
		size, err := typ.RowBytes(len(src))
		if err != nil {
			t.Fatal(err)
		}
		dst, back := make([]byte, size), make([]float32, len(src))
		if err := Quantize(typ, dst, src); err != nil {
			t.Fatal(err)
		}
		if err := Dequantize(typ, back, dst); err != nil {
			t.Fatal(err)
		}
		var sum float64
		for i := range src {
			sum += float64(back[i]-src[i]) * float64(back[i]-src[i])
		}
		got := math.Sqrt(sum/float64(len(src))) / 0.02
		t.Logf("%v: relative error %.4f", typ, got)
		if !(got < errorBounds[typ]) {
			t.Errorf("%v: relative error %.4f, want below %g", typ, got, errorBounds[typ])
		}
	}
}

func TestQuantizeSpecialBlocks(t *testing.T) {
	for typ, l := range layouts {
		if l.elems == 1 {
			continue
		}
		for name, c := range map[string]struct {
			fill float32
			ok   bool
		}{
			"zeros": {0, true}, "constant": {-0.5, true}, "nan": {float32(math.NaN()), false},
			"inf": {float32(math.Inf(1)), false}, "too large": {3e38, false},
		} {
			src := make([]float32, 256)
			for i := range src {
				src[i] = c.fill
			}
			size, _ := typ.RowBytes(len(src))
			dst, back := make([]byte, size), make([]float32, len(src))
			err := Quantize(typ, dst, src)
			if (err == nil) != c.ok {
				t.Errorf("%v, %s: error %v", typ, name, err)
			}
			if err != nil {
				continue
			}
			if err := Dequantize(typ, back, dst); err != nil {
				t.Fatal(err)
			}
			for i := range back {
				if math.Abs(float64(back[i]-c.fill)) > 0.02 {
					t.Fatalf("%v, %s: element %d came back as %g", typ, name, i, back[i])
				}
			}
		}
	}
}
