package quant

// Q8_0: 32 elements in 34 bytes.
//
//	d  f16       scale
//	qs int8[32]  x[i] = d*qs[i]

func unpackQ8_0(dst []Sub, b []byte) {
	s := &dst[0]
	s.setScale(f16at(b), 0)
	for i := range s.Q {
		s.Q[i] = int8(b[2+i])
	}
}

func quantizeQ8_0(b []byte, x []float32) bool {
	far := farthest(x)
	if far < 0 {
		far = -far
	}
	bits, d, ok := toF16(far / 127)
	putU16(b, bits)
	for i, v := range x {
		b[2+i] = byte(level(v, d, -127, 127))
	}
	return ok
}
