package quant

// Q4_K: 256 elements in 144 bytes, eight sub-blocks of 32.
//
//	d      f16        scale of the scales
//	dmin   f16        scale of the mins
//	scales byte[12]   eight scales and eight mins of six bits (scaleMin)
//	qs     byte[128]  sub-block s: bytes 32*(s/2)+i, low halves for even s, high halves for odd s
//	                  x = d*sc*q - dmin*m
//
// Q5_K: 256 elements in 176 bytes.
//
//	d, dmin, scales   as Q4_K
//	qh     byte[32]   bit s of qh[i]: fifth bit of element i of sub-block s
//	qs     byte[128]  low four bits, as Q4_K
//	                  x = d*sc*q - dmin*m

const (
	q4kScales = 4
	q4kQuants = 16
	q5kHigh   = 16
	q5kQuants = 48
)

// scaleMin gives scale and min s of eight. The first four scales are the low six bits of bytes 0..3, the first
// four mins those of bytes 4..7; of the others the low four bits are in bytes 8..11 (scale low, min high) and
// the high two in the tops of bytes 0..3 (scales) and 4..7 (mins).
func scaleMin(scales []byte, s int) (sc, m byte) {
	if s < 4 {
		return scales[s] & 63, scales[s+4] & 63
	}
	return scales[s+4]&15 | scales[s-4]>>6<<4, scales[s+4]>>4 | scales[s]>>6<<4
}

func unpackQ4_K(dst []Sub, b []byte) {
	d, dmin := f16at(b), f16at(b[2:])
	for n := range 8 {
		sc, m := scaleMin(b[q4kScales:], n)
		s := &dst[n]
		s.setScale(d*float32(sc), dmin*float32(m))
		qs, shift := b[q4kQuants+32*(n/2):], 4*(n%2)
		for i := range s.Q {
			s.Q[i] = int8(qs[i] >> shift & 15)
		}
	}
}

func unpackQ5_K(dst []Sub, b []byte) {
	d, dmin := f16at(b), f16at(b[2:])
	qh := b[q5kHigh:]
	for n := range 8 {
		sc, m := scaleMin(b[q4kScales:], n)
		s := &dst[n]
		s.setScale(d*float32(sc), dmin*float32(m))
		qs, shift := b[q5kQuants+32*(n/2):], 4*(n%2)
		for i := range s.Q {
			s.Q[i] = int8(qs[i]>>shift&15 | qh[i]>>n&1<<4)
		}
	}
}

// putScaleMin is the inverse of scaleMin for eight scales and mins of six bits; scales must be zero.
func putScaleMin(scales []byte, sc, m []int) {
	for s := range 4 {
		scales[s] = byte(sc[s] | sc[s+4]>>4<<6)
		scales[s+4] = byte(m[s] | m[s+4]>>4<<6)
		scales[s+8] = byte(sc[s+4]&15 | m[s+4]&15<<4)
	}
}

func quantizeQ4_K(b []byte, x []float32) bool {
	var g groups
	ok := g.fitMins(x, 32, 15, 63)
	clear(b)
	putU16(b, g.d)
	putU16(b[2:], g.dmin)
	putScaleMin(b[q4kScales:], g.sc[:], g.m[:])
	for k, q := range g.q {
		s, i := k/32, k%32
		b[q4kQuants+32*(s/2)+i] |= byte(q << (4 * (s % 2)))
	}
	return ok
}

func quantizeQ5_K(b []byte, x []float32) bool {
	var g groups
	ok := g.fitMins(x, 32, 31, 63)
	clear(b)
	putU16(b, g.d)
	putU16(b[2:], g.dmin)
	putScaleMin(b[q4kScales:], g.sc[:], g.m[:])
	for k, q := range g.q {
		s, i := k/32, k%32
		b[q5kQuants+32*(s/2)+i] |= byte(q & 15 << (4 * (s % 2)))
		b[q5kHigh+i] |= byte(q >> 4 << s)
	}
	return ok
}
