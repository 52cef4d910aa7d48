package kernels

import "math"

// Rope holds the frequencies of rotary position embedding: dimension pair (i, i+d/2) turns by
// position · theta^(-2i/d) (Su et al., arXiv 2104.09864, in the half-split order of Qwen2).
type Rope struct {
	freq  []float64 // [d/2] radians per position
	scale float64   // of cos and sin; 1 without YaRN
}

// Yarn stretches the context (Peng et al., arXiv 2309.00071): frequencies that turn more than BetaFast times in
// the original context stay, those below BetaSlow turns are divided by Factor, those between are blended.
type Yarn struct {
	Factor, OriginalContext, BetaFast, BetaSlow, AttnFactor float64
}

// NewRope makes the frequencies for a head of d elements; yarn may be nil.
func NewRope(d int, theta float64, yarn *Yarn) *Rope {
	r := &Rope{freq: make([]float64, d/2), scale: 1}
	for i := range r.freq {
		r.freq[i] = pow64(theta, -float64(2*i)/float64(d))
	}
	if yarn != nil {
		r.stretch(d, theta, yarn)
	}
	return r
}

func (r *Rope) stretch(d int, theta float64, y *Yarn) {
	turns := func(n float64) float64 { // the dimension that turns n times in the original context
		return float64(d) * ln(y.OriginalContext/(n*2*math.Pi)) / float64(2*ln(theta))
	}
	low := max(math.Floor(turns(y.BetaFast)), 0)
	high := min(math.Ceil(turns(y.BetaSlow)), float64(d-1))
	if low == high {
		high += 0.001
	}
	for i := range r.freq {
		ramp := min(max((float64(i)-low)/(high-low), 0), 1)
		r.freq[i] = float64(r.freq[i]/y.Factor*ramp) + float64(r.freq[i]*(1-ramp))
	}
	r.scale = y.AttnFactor
}

// Table gives cos and sin [d/2] at a position below 2^20, each rounded once to float32.
func (r *Rope) Table(pos int, cos, sin []float32) {
	for i, f := range r.freq {
		s, c := sincos(float64(float64(pos) * f))
		cos[i], sin[i] = float32(c*r.scale), float32(s*r.scale)
	}
}

// Rotate turns one head x [d] by the table of its position:
// x0' = x0·cos - x1·sin, x1' = x0·sin + x1·cos, the second product of each rounded first.
func Rotate(x, cos, sin []float32) {
	half := len(x) / 2
	a, b := x[:half], x[half:2*half]
	rotate(a, b, cos[:half], sin[:half])
}

func rotateGeneric(a, b, cos, sin []float32) {
	for i := range a {
		x0, x1 := a[i], b[i]
		a[i] = fma(x0, cos[i], -float32(x1*sin[i]))
		b[i] = fma(x0, sin[i], float32(x1*cos[i]))
	}
}
