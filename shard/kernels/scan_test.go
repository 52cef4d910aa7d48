package kernels

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestLargestEqual(t *testing.T) {
	r := rand.New(rand.NewPCG(31, 31))
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	special := []float32{0, -inf, nan, inf, 3e38, float32(math.Copysign(0, -1))}
	for trial := range 400 {
		x := adversarial(r, 1+r.IntN(200))
		for range trial % 5 {
			x[r.IntN(len(x))] = special[r.IntN(len(special))]
		}
		if trial%50 == 0 {
			for i := range x {
				x[i] = -inf
			}
		}
		low := x[r.IntN(len(x))]
		sameBits(t, func() []float32 {
			i, top, ok := Largest(x)
			for k, v := range x {
				if v > top || v == top && k < i {
					t.Fatalf("largest of %d is %g at %d, but %g stands at %d", len(x), top, i, v, k)
				}
				ok = ok && !(v != v || v == inf)
			}
			if top > -inf && x[i] != top {
				t.Fatalf("largest of %d is %g, but %g stands at %d", len(x), top, x[i], i)
			}
			bad := float32(0)
			if !ok {
				bad = 1
			}
			return []float32{float32(i), top, bad, float32(IndexAtLeast(x, low))}
		})
	}
}

func TestLogSumEqual(t *testing.T) {
	r := rand.New(rand.NewPCG(32, 32))
	for _, n := range []int{1, 15, 16, 33, 4096, 4097, 12300} {
		x := adversarial(r, n)
		for i := range x {
			x[i] *= 20
		}
		x[r.IntN(n)] = float32(math.Inf(-1))
		sameBits(t, func() []float32 { m, l := LogSum(x); return []float32{m, l} })
	}
}

// TestSumExpEqual compares float64 sums, in which a term's last bit shows.
func TestSumExpEqual(t *testing.T) {
	r := rand.New(rand.NewPCG(33, 33))
	for _, n := range []int{1, 511, 512, 513, 2000} {
		for range 20 {
			x, scale := adversarial(r, n), math.Pow(10, float64(r.IntN(5)-1))
			for i := range x {
				x[i] = -float32(math.Abs(float64(x[i]) * scale))
			}
			x[r.IntN(n)], x[r.IntN(n)] = float32(math.Inf(-1)), 0
			inv := 1 / (r.Float64() + 0.01)
			sameBits(t, func() []float32 {
				bits := math.Float64bits(SumExp(x, 0, inv))
				return []float32{float32(bits >> 40), float32(bits >> 20 & 0xfffff), float32(bits & 0xfffff)}
			})
		}
	}
}
