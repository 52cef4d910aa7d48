package quant

import "encoding/binary"

// These are ggml's dequantisers as published (dequantize_row_* in ggml-quants.c), followed loop by loop with the
// same walking indices, so that they share no index formula with the code under test. Instead of a value they give
// the terms d*sc, q and dmin*m, each exact in float64.

type term struct{ scale, q, min float64 } // x = scale*q - min

func half(b []byte) float64 { return halfValue(binary.LittleEndian.Uint16(b)) }

func refQ8_0(b []byte) (y []term) {
	d := half(b)
	for j := range 32 {
		y = append(y, term{d, float64(int8(b[2+j])), 0})
	}
	return y
}

func refNibbles(b []byte, qs []byte, high func(j int) (lo, hi int), d float64, offset int, min float64, lut bool) []term {
	y := make([]term, 32)
	for j := range 16 {
		h0, h1 := high(j)
		x0 := int(qs[j]&0x0F) | h0
		x1 := int(qs[j]>>4) | h1
		if lut {
			x0, x1 = kvalues[x0], kvalues[x1]
		}
		y[j] = term{d, float64(x0 - offset), min}
		y[j+16] = term{d, float64(x1 - offset), min}
	}
	return y
}

func noHigh(int) (int, int) { return 0, 0 }

func qhHigh(b []byte) func(j int) (int, int) {
	qh := binary.LittleEndian.Uint32(b)
	return func(j int) (int, int) {
		return int(((qh >> (j + 0)) << 4) & 0x10), int((qh >> (j + 12)) & 0x10)
	}
}

func refQ4_0(b []byte) []term { return refNibbles(b, b[2:], noHigh, half(b), 8, 0, false) }
func refQ4_1(b []byte) []term { return refNibbles(b, b[4:], noHigh, half(b), 0, -half(b[2:]), false) }
func refQ5_0(b []byte) []term { return refNibbles(b, b[6:], qhHigh(b[2:]), half(b), 16, 0, false) }
func refQ5_1(b []byte) []term {
	return refNibbles(b, b[8:], qhHigh(b[4:]), half(b), 0, -half(b[2:]), false)
}

func refQ2_K(b []byte) (y []term) {
	scales, q, d, min := b, b[16:], half(b[80:]), half(b[82:])
	is := 0
	for n := 0; n < 256; n += 128 {
		shift := 0
		for range 4 {
			for _, part := range []int{0, 16} {
				sc := scales[is]
				is++
				for l := range 16 {
					y = append(y, term{d * float64(sc&0xF), float64((q[l+part] >> shift) & 3), min * float64(sc>>4)})
				}
			}
			shift += 2
		}
		q = q[32:]
	}
	return y
}

func refQ3_K(b []byte) (y []term) {
	const kmask1, kmask2 = 0x03030303, 0x0f0f0f0f
	hm, q, d := b[:32], b[32:], half(b[108:])
	var aux [4]uint32
	for i := range 3 {
		aux[i] = binary.LittleEndian.Uint32(b[96+4*i:])
	}
	tmp := aux[2]
	aux[2] = ((aux[0] >> 4) & kmask2) | (((tmp >> 4) & kmask1) << 4)
	aux[3] = ((aux[1] >> 4) & kmask2) | (((tmp >> 6) & kmask1) << 4)
	aux[0] = (aux[0] & kmask2) | (((tmp >> 0) & kmask1) << 4)
	aux[1] = (aux[1] & kmask2) | (((tmp >> 2) & kmask1) << 4)
	var scales [16]byte
	for i, a := range aux {
		binary.LittleEndian.PutUint32(scales[4*i:], a)
	}
	is, m := 0, byte(1)
	for n := 0; n < 256; n += 128 {
		shift := 0
		for range 4 {
			for _, part := range []int{0, 16} {
				dl := d * float64(int(scales[is])-32)
				is++
				for l := range 16 {
					v := int((q[l+part] >> shift) & 3)
					if hm[l+part]&m == 0 {
						v -= 4
					}
					y = append(y, term{dl, float64(v), 0})
				}
			}
			shift += 2
			m <<= 1
		}
		q = q[32:]
	}
	return y
}

func refScaleMinK4(j int, q []byte) (d, m byte) {
	if j < 4 {
		return q[j] & 63, q[j+4] & 63
	}
	return (q[j+4] & 0xF) | ((q[j-4] >> 6) << 4), (q[j+4] >> 4) | ((q[j-0] >> 6) << 4)
}

func refQ4_K(b []byte) (y []term) {
	d, min, scales, q := half(b), half(b[2:]), b[4:16], b[16:]
	is := 0
	for j := 0; j < 256; j += 64 {
		sc, m := refScaleMinK4(is+0, scales)
		for l := range 32 {
			y = append(y, term{d * float64(sc), float64(q[l] & 0xF), min * float64(m)})
		}
		sc, m = refScaleMinK4(is+1, scales)
		for l := range 32 {
			y = append(y, term{d * float64(sc), float64(q[l] >> 4), min * float64(m)})
		}
		q = q[32:]
		is += 2
	}
	return y
}

func refQ5_K(b []byte) (y []term) {
	d, min, scales, qh, ql := half(b), half(b[2:]), b[4:16], b[16:48], b[48:]
	is := 0
	u1, u2 := byte(1), byte(2)
	for j := 0; j < 256; j += 64 {
		for part, u := range []byte{u1, u2} {
			sc, m := refScaleMinK4(is+part, scales)
			for l := range 32 {
				v := (ql[l] >> (4 * part)) & 0xF
				if qh[l]&u != 0 {
					v += 16
				}
				y = append(y, term{d * float64(sc), float64(v), min * float64(m)})
			}
		}
		ql = ql[32:]
		is += 2
		u1 <<= 2
		u2 <<= 2
	}
	return y
}

func refQ6_K(b []byte) []term {
	ql, qh, sc, d := b[:128], b[128:192], b[192:208], half(b[208:])
	y := make([]term, 256)
	at := 0
	for n := 0; n < 256; n += 128 {
		for l := range 32 {
			is := l / 16
			q1 := int((ql[l+0]&0xF)|(((qh[l]>>0)&3)<<4)) - 32
			q2 := int((ql[l+32]&0xF)|(((qh[l]>>2)&3)<<4)) - 32
			q3 := int((ql[l+0]>>4)|(((qh[l]>>4)&3)<<4)) - 32
			q4 := int((ql[l+32]>>4)|(((qh[l]>>6)&3)<<4)) - 32
			y[at+l+0] = term{d * float64(int8(sc[is+0])), float64(q1), 0}
			y[at+l+32] = term{d * float64(int8(sc[is+2])), float64(q2), 0}
			y[at+l+64] = term{d * float64(int8(sc[is+4])), float64(q3), 0}
			y[at+l+96] = term{d * float64(int8(sc[is+6])), float64(q4), 0}
		}
		at += 128
		ql, qh, sc = ql[min(64, len(ql)):], qh[32:], sc[8:]
	}
	return y
}

var kvalues = []int{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}

func refIQ4_NL(b []byte) []term { return refNibbles(b, b[2:], noHigh, half(b), 0, 0, true) }

func refIQ4_XS(b []byte) (y []term) {
	d, high, low, qs := half(b), binary.LittleEndian.Uint16(b[2:]), b[4:8], b[8:]
	for ib := range 8 {
		ls := int((low[ib/2]>>(4*(ib%2)))&0xf) | int((high>>(2*ib))&3)<<4
		y = append(y, refNibbles(b, qs, noHigh, d*float64(ls-32), 0, 0, true)...)
		qs = qs[16:]
	}
	return y
}

var references = map[Type]func([]byte) []term{
	Q8_0: refQ8_0, Q4_0: refQ4_0, Q4_1: refQ4_1, Q5_0: refQ5_0, Q5_1: refQ5_1, Q2_K: refQ2_K, Q3_K: refQ3_K,
	Q4_K: refQ4_K, Q5_K: refQ5_K, Q6_K: refQ6_K, IQ4_NL: refIQ4_NL, IQ4_XS: refIQ4_XS,
}
