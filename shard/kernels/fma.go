package kernels

import "math"

// fma is x*y + z with one rounding to float32.
//
// The product of two float32 is exact in float64, so only the sum rounds there. Rounding that sum once more to
// float32 goes wrong in one case: the float64 sum landed exactly on the middle of two float32 and its own rounding
// had put it there. (1+2^-18)·(1-2^-18)·2^-24 + (1+2^-23) is such a sum: 3f800002 by two roundings, 3f800001 by one.
func fma(x, y, z float32) float32 {
	p := float64(float64(x) * float64(y))
	s := p + float64(z)
	if math.Float64bits(s)&0x1fffffff == 0x10000000 || (s < 0x1p-125 && s > -0x1p-125) {
		return fmaOdd(p, float64(z))
	}
	return float32(s)
}

// fmaOdd is p + z rounded to float32 by way of a float64 sum rounded to odd: TwoSum gives the sum's error, and an
// inexact sum with an even last bit moves one step towards the exact value. 53 >= 24+2 bits make the second
// rounding harmless (Boldo and Melquiond, 2008), subnormal results included.
func fmaOdd(p, z float64) float32 {
	s := p + z
	if s-s != 0 { // Inf or NaN
		return float32(s)
	}
	zz := s - p
	e := (p - (s - zz)) + (z - zz)
	if e != 0 {
		bits := math.Float64bits(s)
		if bits&1 == 0 {
			if (e > 0) == (s > 0) {
				bits++
			} else {
				bits--
			}
			s = math.Float64frombits(bits)
		}
	}
	return float32(s)
}
