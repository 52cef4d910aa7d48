package quant

import "fmt"

// Sub is 32 consecutive elements of a row in exact form:
//
//	x[i] = WS[i/16]*Q[i] - WM[i/16]
//
// Formats with one scale (or min) for all 32 have it twice; formats without mins have WM = 0.
type Sub struct {
	Q  [32]int8   // signed: the offset of Q4_0, Q5_0, Q3_K, Q6_K is subtracted, IQ4's table looked up
	WS [2]float32 // scale of elements 0..15 and of 16..31; exact
	WM [2]float32 // subtracted min of elements 0..15 and of 16..31; exact
}

// Scheme tells how a format's sub-blocks are scaled; a kernel chooses its formula by it.
type Scheme struct {
	Scales int // scales in 32 elements: 1, or 2 (16 elements each); 0 for F32, F16 and BF16, which have no sub-blocks
	Mins   int // mins in 32 elements: 0, 1 or 2
}

var schemes = map[Type]Scheme{
	Q8_0:   {1, 0},
	Q4_0:   {1, 0},
	Q4_1:   {1, 1},
	Q5_0:   {1, 0},
	Q5_1:   {1, 1},
	Q2_K:   {2, 2},
	Q3_K:   {2, 0},
	Q4_K:   {1, 1},
	Q5_K:   {1, 1},
	Q6_K:   {2, 0},
	IQ4_NL: {1, 0},
	IQ4_XS: {1, 0},
}

// Scheme of the format; the zero Scheme for F32, F16, BF16 and formats that are not served.
func (t Type) Scheme() Scheme { return schemes[t] }

// blockUnpackers fill one block's sub-blocks: dst has elems/32 entries, b a block's bytes.
var blockUnpackers = map[Type]func(dst []Sub, b []byte){
	Q8_0:   unpackQ8_0,
	Q4_0:   unpackQ4_0,
	Q4_1:   unpackQ4_1,
	Q5_0:   unpackQ5_0,
	Q5_1:   unpackQ5_1,
	Q2_K:   unpackQ2_K,
	Q3_K:   unpackQ3_K,
	Q4_K:   unpackQ4_K,
	Q5_K:   unpackQ5_K,
	Q6_K:   unpackQ6_K,
	IQ4_NL: unpackIQ4_NL,
	IQ4_XS: unpackIQ4_XS,
}

// Unpack splits src, whole blocks of format t, into sub-blocks: len(dst)*32 elements. It does not allocate. It
// fails for F32, F16, BF16, for formats that are not served, and where the lengths do not fit.
func Unpack(t Type, dst []Sub, src []byte) error {
	unpack := blockUnpackers[t]
	if unpack == nil {
		return fmt.Errorf("quant: %v has no sub-blocks to unpack", t)
	}
	if err := t.checkLen(len(dst)*32, len(src)); err != nil {
		return err
	}
	elems, bytes := t.Block()
	for n := elems / 32; len(dst) > 0; dst, src = dst[n:], src[bytes:] {
		unpack(dst[:n], src[:bytes])
	}
	return nil
}

// checkLen fails unless elems elements of format t take exactly bytes bytes.
func (t Type) checkLen(elems, bytes int) error {
	if elems == 0 && bytes == 0 {
		return nil
	}
	want, err := t.RowBytes(elems)
	if err != nil {
		return err
	}
	if bytes != want {
		return fmt.Errorf("quant: %d elements of %v take %d bytes, not %d", elems, t, want, bytes)
	}
	return nil
}

// setScale gives all 32 elements one scale and one min.
func (s *Sub) setScale(ws, wm float32) {
	s.WS = [2]float32{ws, ws}
	s.WM = [2]float32{wm, wm}
}

// f16at reads a little-endian binary16.
func f16at(b []byte) float32 { return F16ToF32(uint16(b[0]) | uint16(b[1])<<8) }

func putU16(b []byte, v uint16) { b[0], b[1] = byte(v), byte(v>>8) }
