package quant

import (
	"encoding/binary"
	"math"
)

// IQ4_NL: 32 elements in 18 bytes.
//
//	d  f16       scale
//	qs byte[16]  element i in the low half of qs[i], element i+16 in its high half
//	             x = d*iq4Values[q]
//
// IQ4_XS: 256 elements in 136 bytes, eight sub-blocks of 32.
//
//	d        f16        scale of the scales
//	scales_h u16        high two bits of scale s in bits 2*s and up
//	scales_l byte[4]    low four bits of scale s in half s%2 of byte s/2
//	qs       byte[128]  sub-block s: 16 bytes from 16*s, halves as IQ4_NL
//	                    x = d*(sc - 32)*iq4Values[q]

// iq4Values is the non-linear scale of both (kvalues_iq4nl in ggml).
var iq4Values = [16]int8{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}

const (
	iq4xsHigh   = 2
	iq4xsLow    = 4
	iq4xsQuants = 8
)

func lookUpIQ4(q *[32]int8, qs []byte) {
	for i, v := range qs[:16] {
		q[i] = iq4Values[v&15]
		q[i+16] = iq4Values[v>>4]
	}
}

func unpackIQ4_NL(dst []Sub, b []byte) {
	s := &dst[0]
	s.setScale(f16at(b), 0)
	lookUpIQ4(&s.Q, b[2:])
}

func unpackIQ4_XS(dst []Sub, b []byte) {
	d := f16at(b)
	high := binary.LittleEndian.Uint16(b[iq4xsHigh:])
	for n := range 8 {
		low := b[iq4xsLow+n/2] >> (4 * (n % 2)) & 15
		sc := int(low) | int(high>>(2*n)&3)<<4
		s := &dst[n]
		s.setScale(d*float32(sc-32), 0)
		lookUpIQ4(&s.Q, b[iq4xsQuants+16*n:])
	}
}

// nearestIQ4 gives the index in iq4Values nearest to x/step.
func nearestIQ4(x, step float32) int {
	if step == 0 {
		return 8 // the value 1, nearest to 0
	}
	v := float64(x) / float64(step)
	best := 0
	for i := range iq4Values {
		if math.Abs(v-float64(iq4Values[i])) < math.Abs(v-float64(iq4Values[best])) {
			best = i
		}
	}
	return best
}

func quantizeIQ4_NL(b []byte, x []float32) bool {
	bits, d, ok := toF16(farthest(x) / -127)
	putU16(b, bits)
	var q [32]int
	for i, v := range x {
		q[i] = nearestIQ4(v, d)
	}
	putNibbles(b[2:], &q)
	return ok
}

func quantizeIQ4_XS(b []byte, x []float32) bool {
	var g groups
	ok := g.fitSigned(x, 32, -127, 31, nearestIQ4)
	clear(b)
	putU16(b, g.d)
	var high uint16
	for s := range 8 {
		sc := g.sc[s] + 32
		high |= uint16(sc>>4) << (2 * s)
		b[iq4xsLow+s/2] |= byte(sc & 15 << (4 * (s % 2)))
		q := [32]int(g.q[32*s:])
		putNibbles(b[iq4xsQuants+16*s:], &q)
	}
	putU16(b[iq4xsHigh:], high)
	return ok
}
