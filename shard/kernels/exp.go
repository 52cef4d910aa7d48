package kernels

import "math"

// The constants of e^x = 2^n · e^r, n = round(x·log2 e), r = x - n·ln 2 in two steps. expC are the coefficients of
// r^2..r^6 (r and 1 have 1): Chebyshev interpolation on |r| <= ln(2)/2, relative error about 1e-8.
const (
	expLow  float32 = -87.3 // below: 0
	expHigh float32 = 88.7  // above: +Inf
	log2e   float32 = 0x1.715476p+0
	ln2Hi   float32 = 0x1.62e43p-1
	ln2Lo   float32 = -0x1.05c61p-29
	expC2   float32 = 0x1p-1
	expC3   float32 = 0x1.5554dep-3
	expC4   float32 = 0x1.55551ap-5
	expC5   float32 = 0x1.120b62p-7
	expC6   float32 = 0x1.6d10fcp-10
)

// Exp is e^x: 0 below -87.3, +Inf above 88.7, within 2 ulp between.
func Exp(x float32) float32 {
	if !(x >= expLow) {
		return 0
	}
	if x > expHigh {
		return float32(math.Inf(1))
	}
	n := roundEven(float32(x * log2e))
	r := fma(n, -ln2Hi, x)
	r = fma(n, -ln2Lo, r)
	p := fma(expC6, r, expC5)
	p = fma(p, r, expC4)
	p = fma(p, r, expC3)
	p = fma(p, r, expC2)
	p = fma(p, r, 1)
	p = fma(p, r, 1)
	return math.Float32frombits(math.Float32bits(p) + uint32(int32(n))<<23)
}

// roundEven rounds to the nearest integer, ties to even, for |x| < 2^22: adding 1.5·2^23 leaves no fraction bits.
func roundEven(x float32) float32 {
	const magic = 0x1.8p23
	return float32(x+magic) - magic
}

// Log is the natural logarithm, by the float64 series and one rounding.
func Log(x float32) float32 { return float32(ln(float64(x))) }

// LogSum gives the parts of a log-softmax over x: max and log Σ exp(x - max), so that
// logprob(i) = (x[i] - max) - logsum. Sums run by chunks of 4,096 ids, each a sum of sixteen lanes.
func LogSum(x []float32) (max, logsum float32) {
	const chunk = 4096
	max, _ = largestOf(x)
	var total float32
	for len(x) > 0 {
		n := min(len(x), chunk)
		total += expSum(x[:n], max)
		x = x[n:]
	}
	return max, Log(total)
}

// expSumApart is Σ exp(x - shift) in sixteen lanes, the exponentials first; x has at most 4,096 elements.
func expSumApart(x []float32, shift float32) float32 {
	var buf [4096]float32
	e := buf[:len(x)]
	for i, v := range x {
		e[i] = v - shift
	}
	expInPlace(e)
	return sum16(e)
}

func expInPlaceGeneric(x []float32) {
	for i, v := range x {
		x[i] = Exp(v)
	}
}

func maxOf(x []float32) float32 {
	m := float32(math.Inf(-1))
	for _, v := range x {
		if v > m {
			m = v
		}
	}
	return m
}
