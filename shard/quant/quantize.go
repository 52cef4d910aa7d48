package quant

import (
	"fmt"
	"math"
)

// Quantize writes src as whole blocks of format t into dst. Each block, or group in a block, is fitted by its
// extremes: simple and sound, not the smallest possible error (see the package comment). It fails where the
// format is not served, where the lengths do not fit, and for NaN, Inf or values whose scale exceeds f16's range.
func Quantize(t Type, dst []byte, src []float32) error {
	if err := t.checkLen(len(src), len(dst)); err != nil {
		return err
	}
	switch t {
	case F32:
		narrowF32(dst, src)
		return nil
	case F16:
		narrowF16(dst, src)
		return nil
	case BF16:
		narrowBF16(dst, src)
		return nil
	}
	elems, bytes := t.Block()
	quantize := blockQuantizers[t]
	for n := 0; len(src) > 0; n, src, dst = n+1, src[elems:], dst[bytes:] {
		if !quantize(dst[:bytes], src[:elems]) {
			return fmt.Errorf("quant: block %d holds a value that %v cannot represent (NaN, Inf or too large)", n, t)
		}
	}
	return nil
}

// blockQuantizers write one block; they are false where the block's scale or min is not finite in f16.
var blockQuantizers = map[Type]func(b []byte, x []float32) bool{
	Q8_0:   quantizeQ8_0,
	Q4_0:   quantizeQ4_0,
	Q4_1:   quantizeQ4_1,
	Q5_0:   quantizeQ5_0,
	Q5_1:   quantizeQ5_1,
	Q2_K:   quantizeQ2_K,
	Q3_K:   quantizeQ3_K,
	Q4_K:   quantizeQ4_K,
	Q5_K:   quantizeQ5_K,
	Q6_K:   quantizeQ6_K,
	IQ4_NL: quantizeIQ4_NL,
	IQ4_XS: quantizeIQ4_XS,
}

// extremes gives min and max of x and 0, NaN if x has one.
func extremes(x []float32) (lo, hi float32) {
	for _, v := range x {
		lo, hi = min(lo, v), max(hi, v)
	}
	return lo, hi
}

// farthest gives the element with the largest absolute value, with its sign.
func farthest(x []float32) float32 {
	lo, hi := extremes(x)
	if -lo > hi || lo != lo {
		return lo
	}
	return hi
}

// level rounds x/step to the nearest integer in [lo, hi]; 0 (clamped) where step is 0.
func level(x, step float32, lo, hi int) int {
	if step == 0 {
		return max(lo, 0)
	}
	q := math.RoundToEven(float64(x) / float64(step))
	return int(max(float64(lo), min(float64(hi), q)))
}

// toF16 rounds to f16 and back; ok is false where the result is not finite.
func toF16(f float32) (bits uint16, back float32, ok bool) {
	bits = F32ToF16(f)
	return bits, F16ToF32(bits), bits&0x7c00 != 0x7c00
}

// groups is a 256-element block split into groups of equal width, each with an integer scale (and min):
// x = d*sc*q - dmin*m.
type groups struct {
	d, dmin uint16 // f16
	sc, m   [16]int
	q       [256]int
}

// fitMins fits groups with mins: q in 0..qMax, sc and m in 0..scMax.
func (g *groups) fitMins(x []float32, width, qMax, scMax int) bool {
	var scales, mins [16]float32
	n := 256 / width
	for i := range n {
		lo, hi := extremes(x[i*width : (i+1)*width])
		scales[i], mins[i] = (hi-lo)/float32(qMax), -lo
	}
	_, top := extremes(scales[:n])
	_, topMin := extremes(mins[:n])
	var d, dmin float32
	var ok, okMin bool
	g.d, d, ok = toF16(top / float32(scMax))
	g.dmin, dmin, okMin = toF16(topMin / float32(scMax))
	for i := range n {
		g.sc[i] = level(scales[i], d, 0, scMax)
		g.m[i] = level(mins[i], dmin, 0, scMax)
		for k := i * width; k < (i+1)*width; k++ {
			g.q[k] = level(x[k]+float32(dmin*float32(g.m[i])), d*float32(g.sc[i]), 0, qMax)
		}
	}
	return ok && okMin
}

// fitSigned fits groups without mins: sc in -scMax..scMax. The element farthest from 0 gets the level edge, the
// negative end of q's range, which reaches one further than the positive one. quantum gives the level for x/step.
func (g *groups) fitSigned(x []float32, width, edge, scMax int, quantum func(x, step float32) int) bool {
	var scales [16]float32
	n := 256 / width
	for i := range n {
		scales[i] = farthest(x[i*width:(i+1)*width]) / float32(edge)
	}
	top := farthest(scales[:n])
	if top < 0 {
		top = -top
	}
	var d float32
	var ok bool
	g.d, d, ok = toF16(top / float32(scMax))
	for i := range n {
		g.sc[i] = level(scales[i], d, -scMax, scMax)
		for k := i * width; k < (i+1)*width; k++ {
			g.q[k] = quantum(x[k], d*float32(g.sc[i]))
		}
	}
	return ok
}

// signedLevel gives fitSigned's quantum for levels lo..hi.
func signedLevel(lo, hi int) func(x, step float32) int {
	return func(x, step float32) int {
		if step == 0 {
			return 0
		}
		return level(x, step, lo, hi)
	}
}
