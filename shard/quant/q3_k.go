package quant

// Q3_K: 256 elements in 110 bytes, eight sub-blocks of 32, two scales in each.
//
//	hmask  byte[32]  bit s of hmask[i]: third bit of element i of sub-block s
//	qs     byte[64]  low two bits: sub-block s: bytes 32*(s/4)+i, bits 2*(s%4) and up
//	scales byte[12]  16 scales of six bits, stored plus 32: scale k has its low four bits in half k/8 of
//	                 byte k%8, its high two in bits 2*(k/4) of byte 8+k%4
//	d      f16       scale of the scales
//	                 x = d*sc*(q - 4), where the third bit counts 4

const (
	q3kQuants = 32
	q3kScales = 96
	q3kD      = 108
)

func unpackQ3_K(dst []Sub, b []byte) {
	d := f16at(b[q3kD:])
	for n := range 8 {
		s := &dst[n]
		s.WM = [2]float32{}
		for h := range 2 {
			s.WS[h] = d * float32(scaleQ3_K(b[q3kScales:], 2*n+h))
		}
		qs, shift := b[q3kQuants+32*(n/4):], 2*(n%4)
		for i := range s.Q {
			s.Q[i] = int8(qs[i]>>shift&3|b[i]>>n&1<<2) - 4
		}
	}
}

// scaleQ3_K gives scale k of 16, -32 to 31.
func scaleQ3_K(scales []byte, k int) int {
	low := scales[k%8] >> (4 * (k / 8)) & 15
	high := scales[8+k%4] >> (2 * (k / 4)) & 3
	return int(low|high<<4) - 32
}

func quantizeQ3_K(b []byte, x []float32) bool {
	var g groups
	ok := g.fitSigned(x, 16, -4, 31, signedLevel(-4, 3))
	clear(b)
	for k := range 16 {
		sc := g.sc[k] + 32
		b[q3kScales+k%8] |= byte(sc & 15 << (4 * (k / 8)))
		b[q3kScales+8+k%4] |= byte(sc >> 4 << (2 * (k / 4)))
	}
	for k, q := range g.q {
		s, i := k/32, k%32
		b[q3kQuants+32*(s/4)+i] |= byte((q + 4) & 3 << (2 * (s % 4)))
		b[i] |= byte((q + 4) >> 2 << s)
	}
	putU16(b[q3kD:], g.d)
	return ok
}
