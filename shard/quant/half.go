package quant

import "math"

// F16ToF32 widens an IEEE 754 binary16; exact. NaN payloads are kept in the top bits.
func F16ToF32(h uint16) float32 {
	sign := uint32(h&0x8000) << 16
	exp := uint32(h>>10) & 0x1f
	frac := uint32(h & 0x3ff)
	switch exp {
	case 0: // zero or subnormal: frac * 2^-24, exact in float32
		return math.Float32frombits(sign | math.Float32bits(float32(frac)*0x1p-24))
	case 0x1f: // Inf or NaN
		return math.Float32frombits(sign | 0x7f800000 | frac<<13)
	}
	return math.Float32frombits(sign | (exp+112)<<23 | frac<<13)
}

// F32ToF16 rounds to IEEE 754 binary16, to nearest even. What is too large becomes Inf, NaN a quiet NaN.
func F32ToF16(f float32) uint16 {
	b := math.Float32bits(f)
	sign := uint16(b >> 16 & 0x8000)
	b &= 0x7fffffff
	switch {
	case b > 0x7f800000:
		return sign | 0x7e00 | uint16(b>>13&0x3ff)
	case b >= 0x47800000: // 2^16 and above, Inf
		return sign | 0x7c00
	case b < 0x38800000: // below 2^-14: subnormal
		return sign | subnormal16(b)
	}
	// Rounding may carry into the exponent, up to Inf: just what is wanted.
	b += 0xfff + b>>13&1
	return sign | uint16((b-112<<23)>>13)
}

// subnormal16 rounds the float32 with the bits b, in [0, 2^-14), to a multiple of 2^-24.
func subnormal16(b uint32) uint16 {
	exp := b >> 23
	if exp < 102 { // below 2^-25, half of the smallest subnormal
		return 0
	}
	frac := b&0x7fffff | 0x800000 // value = frac * 2^(exp-150)
	shift := 126 - exp            // to units of 2^-24; 14 to 24
	half := uint32(1)<<(shift-1) - 1
	return uint16((frac + half + frac>>shift&1) >> shift)
}

// BF16ToF32 widens a bfloat16 (the upper half of a float32); exact.
func BF16ToF32(h uint16) float32 { return math.Float32frombits(uint32(h) << 16) }

// F32ToBF16 rounds to bfloat16, to nearest even. What is too large becomes Inf, NaN a quiet NaN.
func F32ToBF16(f float32) uint16 {
	b := math.Float32bits(f)
	if b&0x7fffffff > 0x7f800000 {
		return uint16(b>>16) | 0x40
	}
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}
