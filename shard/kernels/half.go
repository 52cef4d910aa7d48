package kernels

import "math"

// fromHalf widens an IEEE binary16, exactly.
func fromHalf(h uint16) float32 {
	if h&0x7c00 == 0x7c00 {
		return math.Float32frombits(uint32(h&0x8000)<<16 | 0x7f800000 | uint32(h&0x3ff)<<13)
	}
	v := math.Float32frombits(uint32(h&0x7fff)<<13) * 0x1p112
	return math.Float32frombits(math.Float32bits(v) | uint32(h&0x8000)<<16)
}

// toHalf rounds to binary16, ties to even. Magnitudes from 65,520 on give Inf.
func toHalf(f float32) uint16 {
	b := math.Float32bits(f)
	sign := uint16(b>>16) & 0x8000
	b &= 0x7fffffff
	switch {
	case b > 0x7f800000:
		return sign | 0x7e00
	case b >= 0x477ff000: // 65520
		return sign | 0x7c00
	case b < 0x38800000: // below 2^-14: subnormal; adding 0.5 leaves multiples of 2^-24
		return sign | uint16(math.Float32bits(math.Float32frombits(b)+0.5)-0x3f000000)
	}
	b += 0xfff + b>>13&1
	return sign | uint16((b-0x38000000)>>13)
}

// ToHalf rounds x to IEEE binary16 at dst[i*stride]. It returns false where a value has become Inf or NaN.
func ToHalf(dst []uint16, stride int, x []float32) bool {
	if stride == 1 {
		return roundHalves(dst[:len(x)], x)
	}
	var t [64]uint16
	ok := true
	for at := 0; at < len(x); at += len(t) {
		n := min(len(x)-at, len(t))
		ok = roundHalves(t[:n], x[at:at+n]) && ok
		for i, h := range t[:n] {
			dst[(at+i)*stride] = h
		}
	}
	return ok
}

func roundHalvesGeneric(dst []uint16, x []float32) bool {
	var bad uint16
	for i, v := range x {
		h := toHalf(v)
		dst[i] = h
		bad |= (h&0x7c00 + 0x0400) & 0x8000
	}
	return bad == 0
}

// fromBF16 widens a bfloat16, exactly.
func fromBF16(h uint16) float32 { return math.Float32frombits(uint32(h) << 16) }
