package quant

import "encoding/binary"

// Q5_0: 32 elements in 22 bytes.
//
//	d  f16       scale
//	qh u32       bit i is the fifth bit of element i
//	qs byte[16]  low four bits: element i in the low half of qs[i], element i+16 in its high half
//	             x = d*(q - 16)
//
// Q5_1: 32 elements in 24 bytes.
//
//	d  f16       scale
//	m  f16       min
//	qh u32, qs   as Q5_0; x = d*q + m
//
// The min is added, so Sub.WM = -m.

// fifthBits adds bit i of qh to element i as its fifth bit.
func fifthBits(q *[32]int8, qh uint32) {
	for i := range q {
		q[i] |= int8(qh>>i&1) << 4
	}
}

func unpackQ5_0(dst []Sub, b []byte) {
	s := &dst[0]
	s.setScale(f16at(b), 0)
	nibbles(&s.Q, b[6:])
	fifthBits(&s.Q, binary.LittleEndian.Uint32(b[2:]))
	for i := range s.Q {
		s.Q[i] -= 16
	}
}

func unpackQ5_1(dst []Sub, b []byte) {
	s := &dst[0]
	s.setScale(f16at(b), -f16at(b[2:]))
	nibbles(&s.Q, b[8:])
	fifthBits(&s.Q, binary.LittleEndian.Uint32(b[4:]))
}

// putFifthBits is the inverse of fifthBits.
func putFifthBits(b []byte, q *[32]int) {
	var qh uint32
	for i, v := range q {
		qh |= uint32(v>>4&1) << i
	}
	binary.LittleEndian.PutUint32(b, qh)
}

func quantizeQ5_0(b []byte, x []float32) bool {
	d, q, ok := fitSymmetric(x, 16)
	putU16(b, d)
	putFifthBits(b[2:], &q)
	putNibbles(b[6:], &q)
	return ok
}

func quantizeQ5_1(b []byte, x []float32) bool {
	d, m, q, ok := fitAffine(x, 31)
	putU16(b, d)
	putU16(b[2:], m)
	putFifthBits(b[4:], &q)
	putNibbles(b[8:], &q)
	return ok
}
