package wire

import (
	"encoding/binary"
	"math"
	"unsafe"
)

// nativeLittle tells whether memory already holds floats as the wire wants them.
var nativeLittle = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// F32Body encodes x as a frame's body, in dst's memory where it is large enough. What dst held is overwritten.
func F32Body(dst []byte, x []float32) []byte {
	dst = resize(dst, 4*len(x))
	if len(x) == 0 {
		return dst
	}
	if nativeLittle {
		// Floats may be seen as bytes at any alignment; the reverse is not true.
		copy(dst, unsafe.Slice((*byte)(unsafe.Pointer(&x[0])), 4*len(x)))
		return dst
	}
	for i, v := range x {
		binary.LittleEndian.PutUint32(dst[4*i:], math.Float32bits(v))
	}
	return dst
}

// Float32s decodes a frame's body, in dst's memory where it is large enough. What dst held is overwritten. body
// may lie at any alignment; bytes after its last whole float are ignored (ParseFrame leaves none).
func Float32s(dst []float32, body []byte) []float32 {
	n := len(body) / 4
	dst = resize(dst, n)
	if n == 0 {
		return dst
	}
	if nativeLittle {
		copy(unsafe.Slice((*byte)(unsafe.Pointer(&dst[0])), 4*n), body)
		return dst
	}
	for i := range dst {
		dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(body[4*i:]))
	}
	return dst
}
