package kernels

import "math"

// The table of SumExp has 2^(i/expSteps).
const (
	expBits  = 11
	expSteps = 1 << expBits
)

// ln2/expSteps in two parts: a product of the first with an integer below 2^20 is exact.
const (
	stepHi  = 6.93147180369123816490e-01 / expSteps
	stepLo  = 1.90821492927058770002e-10 / expSteps
	magic64 = 0x1.8p52 // added and taken away, it rounds to an integer, ties to even
)

// expTable is made of square roots and products, which IEEE 754 defines to the last bit on every machine.
var expTable = func() (table [expSteps]float64) {
	table[0] = 1
	root := 2.0
	for step := expSteps / 2; step > 0; step /= 2 {
		root = math.Sqrt(root)
		for i := step; i < expSteps; i += 2 * step {
			table[i] = float64(table[i-step] * root)
		}
	}
	return table
}()

// SumExp is Σ exp((x - max)·inv) in float64, in the order of x, none of which is above max: the weights of a sampler. Each
// term is within 2^-49 of itself, and 0 where the exponent is below -708. Every product is rounded before it is added, so
// that no compiler fuses the two: math.Exp differs between architectures.
func SumExp(x []float32, max, inv float64) float64 { return sumExp(x, max, inv) }

// sumExpFrom adds to a sum. It is a loop, not a function of one number, because a call for each of 150,000 logits takes several times
// as long.
func sumExpFrom(sum float64, logits []float32, max, inv float64) float64 {
	for _, l := range logits {
		x := float64((float64(l) - max) * inv)
		if !(x >= -708) {
			continue
		}
		shifted := float64(x*(expSteps/math.Ln2)) + magic64
		n := shifted - magic64
		k := int64(n)
		r := (x - float64(n*stepHi)) - float64(n*stepLo)
		p := float64(r*(1.0/6)) + 0.5
		p = float64(p*float64(r*r)) + r // |r| < 2^-12.5: the next term, r^4/24, is below 2^-54
		t := expTable[k&(expSteps-1)]
		t = float64(t*p) + t
		sum += math.Float64frombits(math.Float64bits(t) + uint64(k>>expBits)<<52)
	}
	return sum
}
