package kernels

// SoftmaxTile turns scores s into p = exp(s - max) in place and returns the maximum and the sum of p, in sixteen
// lanes. An attention chunk is one tile; chunks are merged by their maxima and sums.
func SoftmaxTile(s []float32) (m, l float32) { return softmaxTile(s) }

// ScaleInPlace is x *= f for at most 256 elements. The factor of one that follows changes nothing.
func ScaleInPlace(x []float32, f float32) { scaleBy(x, x, ones[:len(x)], f) }

var ones = func() (one [256]float32) {
	for i := range one {
		one[i] = 1
	}
	return one
}()

func softmaxTileGeneric(s []float32) (m, l float32) {
	m = maxOf(s)
	for i, v := range s {
		s[i] = Exp(v - m)
	}
	return m, sum16(s)
}

// Merge adds a chunk's attention to what earlier chunks gave: o [d] with maximum m and sum l, oc, mc, lc likewise.
// It returns the new maximum and sum: m' = max(m, mc), a = exp(m-m'), b = exp(mc-m'), o = fma(o, a, oc·b).
func Merge(o []float32, m, l float32, oc []float32, mc, lc float32) (float32, float32) {
	top := m
	if mc > m {
		top = mc
	}
	a, b := Exp(m-top), Exp(mc-top)
	merge(o, a, oc[:len(o)], b)
	return top, fma(l, a, float32(lc*b))
}

func mergeGeneric(o []float32, a float32, oc []float32, b float32) {
	for i, v := range oc {
		o[i] = fma(o[i], a, float32(v*b))
	}
}

// Divide is dst = x / l, element by element.
func Divide(dst, x []float32, l float32) {
	for i, v := range x[:len(dst)] {
		dst[i] = v / l
	}
}

// SwiGLU is gate = (gate/(1+exp(-gate)))·up in place (Shazeer, arXiv 2002.05202).
func SwiGLU(gate, up []float32) { swiglu(gate, up[:len(gate)]) }

// ToHalf rounds x to IEEE binary16 at dst[i*stride]. It returns false where a value has become Inf or NaN.
func ToHalf(dst []uint16, stride int, x []float32) bool {
	var bad uint16
	for i, v := range x {
		h := toHalf(v)
		dst[i*stride] = h
		bad |= (h&0x7c00 + 0x0400) & 0x8000
	}
	return bad == 0
}

// Finite tells whether x holds neither Inf nor NaN.
func Finite(x []float32) bool { return finite(x) }
