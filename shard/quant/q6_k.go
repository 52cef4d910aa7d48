package quant

// Q6_K: 256 elements in 210 bytes, eight sub-blocks of 32, two scales in each.
//
//	ql     byte[128]  low four bits: sub-block s = 4*n+j: bytes 64*n+32*(j%2)+i, half j/2
//	qh     byte[64]   high two bits: bytes 32*n+i, bits 2*j and up
//	scales int8[16]   one per 16 elements
//	d      f16        scale of the scales
//	                  x = d*sc*(q - 32)

const (
	q6kHigh   = 128
	q6kScales = 192
	q6kD      = 208
)

func unpackQ6_K(dst []Sub, b []byte) {
	d := f16at(b[q6kD:])
	for k := range 8 {
		s, n, j := &dst[k], k/4, k%4
		s.WM = [2]float32{}
		for h := range 2 {
			s.WS[h] = d * float32(int8(b[q6kScales+2*k+h]))
		}
		ql, lowShift := b[64*n+32*(j%2):], 4*(j/2)
		qh, highShift := b[q6kHigh+32*n:], 2*j
		for i := range s.Q {
			s.Q[i] = int8(ql[i]>>lowShift&15|qh[i]>>highShift&3<<4) - 32
		}
	}
}

func quantizeQ6_K(b []byte, x []float32) bool {
	var g groups
	ok := g.fitSigned(x, 16, -32, 127, signedLevel(-32, 31))
	clear(b)
	for k := range 16 {
		b[q6kScales+k] = byte(g.sc[k])
	}
	for k, q := range g.q {
		n, j, i := k/128, k/32%4, k%32
		b[64*n+32*(j%2)+i] |= byte((q + 32) & 15 << (4 * (j / 2)))
		b[q6kHigh+32*n+i] |= byte((q + 32) >> 4 << (2 * j))
	}
	putU16(b[q6kD:], g.d)
	return ok
}
