package kernels

import "encoding/binary"

// The layouts of blocks are those of package quant (ggml-common.h), the repacked ones those of unpack. Each function
// moves the codes of a run of blocks of one row; dst begins at the row's lane of the first line.

// packQ8_0 adds 128 to the codes.
func packQ8_0(dst, run []byte) {
	for ; len(run) >= 34; run = run[34:] {
		d, b := (*[452]byte)(dst), (*[32]byte)(run[2:])
		for s := range 8 {
			put(d[:], s, word(b[:], s)^0x80808080)
		}
		dst = next(dst, 512)
	}
}

func packQ4_0(dst, run []byte) {
	for ; len(run) >= 18; run = run[18:] {
		nibbles(dst, (*[16]byte)(run[2:]))
		dst = next(dst, 256)
	}
}

func packQ4_1(dst, run []byte) {
	for ; len(run) >= 20; run = run[20:] {
		nibbles(dst, (*[16]byte)(run[4:]))
		dst = next(dst, 256)
	}
}

func packQ5_0(dst, run []byte) {
	for ; len(run) >= 22; run = run[22:] {
		nibbles(dst, (*[16]byte)(run[6:]))
		fifthBits(dst[256:], word(run[2:], 0))
		dst = next(dst, 320)
	}
}

func packQ5_1(dst, run []byte) {
	for ; len(run) >= 24; run = run[24:] {
		nibbles(dst, (*[16]byte)(run[8:]))
		fifthBits(dst[256:], word(run[4:], 0))
		dst = next(dst, 320)
	}
}

func packIQ4_XS(dst, run []byte) {
	for ; len(run) >= 136; run = run[136:] {
		for n := range 8 {
			nibbles(dst[256*n:], (*[16]byte)(run[8+16*n:]))
		}
		dst = next(dst, 8*256)
	}
}

func packQ2_K(dst, run []byte) {
	for ; len(run) >= 84; run = run[84:] {
		for h := range 2 {
			twoBits(dst[h*4*128:], 128, (*[32]byte)(run[16+32*h:]))
		}
		dst = next(dst, 8*128)
	}
}

func packQ3_K(dst, run []byte) {
	for ; len(run) >= 110; run = run[110:] {
		for h := range 2 {
			twoBits(dst[h*4*192:], 192, (*[32]byte)(run[32+32*h:]))
		}
		oneBit(dst[128:], 192, (*[32]byte)(run))
		dst = next(dst, 8*192)
	}
}

func packQ4_K(dst, run []byte) {
	for ; len(run) >= 144; run = run[144:] {
		for n := range 4 {
			nibblePair(dst[512*n:], dst[512*n+256:], (*[32]byte)(run[16+32*n:]))
		}
		dst = next(dst, 8*256)
	}
}

func packQ5_K(dst, run []byte) {
	for ; len(run) >= 176; run = run[176:] {
		for n := range 4 {
			nibblePair(dst[640*n:], dst[640*n+320:], (*[32]byte)(run[48+32*n:]))
		}
		oneBit(dst[256:], 320, (*[32]byte)(run[16:]))
		dst = next(dst, 8*320)
	}
}

func packQ6_K(dst, run []byte) {
	for ; len(run) >= 210; run = run[210:] {
		for h := range 2 {
			half, low := dst[h*4*384:], run[64*h:]
			nibblePair(half, half[2*384:], (*[32]byte)(low))
			nibblePair(half[384:], half[3*384:], (*[32]byte)(low[32:]))
			twoBits(half[256:], 384, (*[32]byte)(run[128+32*h:]))
		}
		dst = next(dst, 8*384)
	}
}

// packWords moves a run of 4-byte floats, whose lines are 64 bytes.
func packWords(dst, run []byte) {
	for ; len(run) >= 4; run = run[4:] {
		put((*[4]byte)(dst)[:], 0, word(run, 0))
		dst = next(dst, 64)
	}
}

// packHalves moves a run of 2-byte floats, whose lines are 32 bytes.
func packHalves(dst, run []byte) {
	for ; len(run) >= 2; run = run[2:] {
		binary.LittleEndian.PutUint16(dst, binary.LittleEndian.Uint16(run))
		dst = next(dst, 32)
	}
}

// next is dst without its first n bytes; a row's lane of the last line ends before they do.
func next(dst []byte, n int) []byte { return dst[min(n, len(dst)):] }
