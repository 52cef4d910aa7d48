package quant

// Q2_K: 256 elements in 84 bytes, eight sub-blocks of 32, two scales and two mins in each.
//
//	scales byte[16]  one per 16 elements: low half the scale sc, high half the min m
//	qs     byte[64]  sub-block s: bytes 32*(s/4)+i, bits 2*(s%4) and up
//	d      f16       scale of the scales
//	dmin   f16       scale of the mins
//	                 x = d*sc*q - dmin*m

const (
	q2kQuants = 16
	q2kD      = 80
	q2kDMin   = 82
)

func unpackQ2_K(dst []Sub, b []byte) {
	d, dmin := f16at(b[q2kD:]), f16at(b[q2kDMin:])
	for n := range 8 {
		s := &dst[n]
		for h := range 2 {
			sc := b[2*n+h]
			s.WS[h] = d * float32(sc&15)
			s.WM[h] = dmin * float32(sc>>4)
		}
		qs, shift := b[q2kQuants+32*(n/4):], 2*(n%4)
		for i := range s.Q {
			s.Q[i] = int8(qs[i] >> shift & 3)
		}
	}
}

func quantizeQ2_K(b []byte, x []float32) bool {
	var g groups
	ok := g.fitMins(x, 16, 3, 15)
	clear(b)
	for k := range 16 {
		b[k] = byte(g.sc[k] | g.m[k]<<4)
	}
	for k, q := range g.q {
		s, i := k/32, k%32
		b[q2kQuants+32*(s/4)+i] |= byte(q << (2 * (s % 4)))
	}
	putU16(b[q2kD:], g.d)
	putU16(b[q2kDMin:], g.dmin)
	return ok
}
