package quant

// Q4_0: 32 elements in 18 bytes.
//
//	d  f16       scale
//	qs byte[16]  element i in the low half of qs[i], element i+16 in its high half
//	             x = d*(q - 8)
//
// Q4_1: 32 elements in 20 bytes.
//
//	d  f16       scale
//	m  f16       min
//	qs byte[16]  as Q4_0; x = d*q + m
//
// The min is added, so Sub.WM = -m.

// nibbles spreads 16 bytes over 32 elements: low halves first, then high halves.
func nibbles(q *[32]int8, qs []byte) {
	for i, v := range qs[:16] {
		q[i] = int8(v & 15)
		q[i+16] = int8(v >> 4)
	}
}

func unpackQ4_0(dst []Sub, b []byte) {
	s := &dst[0]
	s.setScale(f16at(b), 0)
	nibbles(&s.Q, b[2:])
	for i := range s.Q {
		s.Q[i] -= 8
	}
}

func unpackQ4_1(dst []Sub, b []byte) {
	s := &dst[0]
	s.setScale(f16at(b), -f16at(b[2:]))
	nibbles(&s.Q, b[4:])
}

// putNibbles is the inverse of nibbles; only the low four bits of q count.
func putNibbles(qs []byte, q *[32]int) {
	for i := range 16 {
		qs[i] = byte(q[i]&15 | q[i+16]&15<<4)
	}
}

// fitSymmetric fits 32 elements as d*(q-half), q in 0..2*half-1: the farthest element gets q = 0.
func fitSymmetric(x []float32, half int) (bits uint16, q [32]int, ok bool) {
	bits, d, ok := toF16(farthest(x) / float32(-half))
	for i, v := range x {
		q[i] = half
		if d != 0 {
			q[i] += level(v, d, -half, half-1)
		}
	}
	return bits, q, ok
}

// fitAffine fits 32 elements as d*q + m, q in 0..qMax.
func fitAffine(x []float32, qMax int) (d, m uint16, q [32]int, ok bool) {
	lo, hi := x[0], x[0]
	for _, v := range x {
		lo, hi = min(lo, v), max(hi, v)
	}
	d, step, ok := toF16((hi - lo) / float32(qMax))
	m, base, okMin := toF16(lo)
	for i, v := range x {
		q[i] = level(v-base, step, 0, qMax)
	}
	return d, m, q, ok && okMin
}

func quantizeQ4_0(b []byte, x []float32) bool {
	d, q, ok := fitSymmetric(x, 8)
	putU16(b, d)
	putNibbles(b[2:], &q)
	return ok
}

func quantizeQ4_1(b []byte, x []float32) bool {
	d, m, q, ok := fitAffine(x, 15)
	putU16(b, d)
	putU16(b[2:], m)
	putNibbles(b[4:], &q)
	return ok
}
