package kernels

import "math"

// Float64 functions for RoPE's tables and for Log. The standard library's differ by architecture (assembly, or
// fused by the compiler), so these use only +, -, *, / with every product rounded before it is added.

const (
	ln2Hi64 = 6.93147180369123816490e-01 // 32 bits: n·ln2Hi64 is exact for |n| < 2^20
	ln2Lo64 = 1.90821492927058770002e-10
)

// ln is the natural logarithm of x > 0 (-Inf at 0, NaN below): x = 2^k·m with m in [√½, √2), f = (m-1)/(m+1),
// ln m = 2(f + f³/3 + f⁵/5 + …).
func ln(x float64) float64 {
	switch {
	case x != x || x < 0:
		return math.NaN()
	case x == 0:
		return math.Inf(-1)
	case x > math.MaxFloat64:
		return x
	}
	k := 0
	if x < 0x1p-1022 {
		x *= 0x1p54
		k = -54
	}
	bits := math.Float64bits(x)
	k += int(bits>>52) - 1023
	m := math.Float64frombits(bits&(1<<52-1) | 1023<<52)
	if m >= math.Sqrt2 {
		m /= 2
		k++
	}
	f := (m - 1) / (m + 1)
	z := float64(f * f)
	s := 0.0
	for d := 25; d >= 3; d -= 2 {
		s = float64((s + 1/float64(d)) * z)
	}
	n := float64(k)
	return float64(n*ln2Hi64) + (float64(n*ln2Lo64) + float64(2*f) + float64(float64(2*f)*s))
}

// exp64 is e^x for |x| < 700: x = n·ln 2 + r, Taylor to the 15th power.
func exp64(x float64) float64 {
	n := math.Floor(float64(x/math.Ln2) + 0.5)
	r := x - float64(n*ln2Hi64)
	r -= float64(n * ln2Lo64)
	s := 1.0
	for i := 15; i >= 1; i-- {
		s = float64(float64(r*s)/float64(i)) + 1
	}
	return s * math.Float64frombits(uint64(1023+int64(n))<<52)
}

// pow64 is b^e for b > 0.
func pow64(b, e float64) float64 { return exp64(float64(e * ln(b))) }

// π/2 in three parts; n·part is exact for n < 2^20 in the first two.
const (
	pio2A = 1.57079632673412561417e+00
	pio2B = 6.07710050630396597660e-11
	pio2C = 2.02226624879595063154e-21
)

// sincos gives sin x and cos x for 0 <= x < 2^20: x = n·π/2 + r by Cody and Waite, Taylor on |r| <= π/4.
func sincos(x float64) (sin, cos float64) {
	n := math.Floor(float64(x*(2/math.Pi)) + 0.5)
	r := x - float64(n*pio2A)
	r -= float64(n * pio2B)
	r -= float64(n * pio2C)
	z := float64(r * r)
	s, c := 1.0, 1.0
	for i := 18; i >= 2; i -= 2 {
		s = 1 - float64(float64(z*s)/float64(i*(i+1)))
		c = 1 - float64(float64(z*c)/float64(i*(i-1)))
	}
	s = float64(r * s)
	switch int64(n) & 3 {
	case 0:
		return s, c
	case 1:
		return c, -s
	case 2:
		return -s, -c
	}
	return -c, s
}
