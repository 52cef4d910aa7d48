package quant

// Dequantize widens src, whole blocks of format t, to float32: len(dst) elements. It is the scalar reference for
// every kernel and the embedding's row reader. Values of formats without mins, of F16 and of BF16 are exact,
// those with mins rounded once (see the package comment). It fails where the format is not served or the
// lengths do not fit.
func Dequantize(t Type, dst []float32, src []byte) error {
	if err := t.checkLen(len(dst), len(src)); err != nil {
		return err
	}
	switch t {
	case F32:
		widenF32(dst, src)
	case F16:
		widenF16(dst, src)
	case BF16:
		widenBF16(dst, src)
	default:
		dequantizeBlocks(t, dst, src)
	}
	return nil
}

func dequantizeBlocks(t Type, dst []float32, src []byte) {
	var subs [8]Sub // a block is at most 256 elements
	unpack := blockUnpackers[t]
	elems, bytes := t.Block()
	for ; len(dst) > 0; dst, src = dst[elems:], src[bytes:] {
		unpack(subs[:elems/32], src[:bytes])
		for i := range elems / 32 {
			subs[i].dequantize(dst[i*32 : i*32+32])
		}
	}
}

// dequantize writes the 32 values. The product is exact, so fusing would change nothing; the conversion keeps
// the compiler from doing so all the same.
func (s *Sub) dequantize(dst []float32) {
	for i, q := range s.Q {
		dst[i] = float32(s.WS[i/16]*float32(q)) - s.WM[i/16]
	}
}
