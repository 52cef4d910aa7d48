package kernels

import "encoding/binary"

// A row's codes are moved four columns, one 32-bit word, at a time: word s of 32 columns goes to the row's lane of
// line s. The functions here move all words of a plane, some bits of each of 32 bytes, without taking bytes apart:
// seven thousand million weights have to pass. dst begins at the row's lane; lines are 64 bytes apart.

const (
	byte3 = 0x03030303
	byteF = 0x0f0f0f0f
)

func word(b []byte, i int) uint32 { return binary.LittleEndian.Uint32(b[4*i:]) }

func put(dst []byte, line int, w uint32) { binary.LittleEndian.PutUint32(dst[64*line:], w) }

// nibbles moves sixteen bytes whose low halves are columns 0..15 and whose high ones 16..31: four lines, as they are.
func nibbles(dst []byte, b *[16]byte) {
	d := (*[196]byte)(dst)
	for s := range 4 {
		put(d[:], s, word(b[:], s))
	}
}

// nibblePair moves 32 bytes whose low halves are one sub-block and whose high ones another, four lines each.
func nibblePair(low, high []byte, b *[32]byte) {
	l, h := (*[196]byte)(low), (*[196]byte)(high)
	for s := range 4 {
		x, y := word(b[:], s), word(b[:], s+4)
		put(l[:], s, x&byteF|y&byteF<<4)
		put(h[:], s, x>>4&byteF|y&^byteF)
	}
}

// twoBits moves 32 bytes of four 2-bit fields, field n of each for sub-block n, whose lines are step bytes apart: two
// lines each, a word's fields being those of four words of the file.
func twoBits(dst []byte, step int, b *[32]byte) {
	var w [4]uint64
	for k := range w {
		w[k] = uint64(word(b[:], k)) | uint64(word(b[:], k+4))<<32
	}
	swapBits(&w[0], &w[2], 4, 0x0f0f0f0f0f0f0f0f)
	swapBits(&w[1], &w[3], 4, 0x0f0f0f0f0f0f0f0f)
	swapBits(&w[0], &w[1], 2, 0x3333333333333333)
	swapBits(&w[2], &w[3], 2, 0x3333333333333333)
	for n, v := range w {
		d := (*[68]byte)(dst[n*step:])
		put(d[:], 0, uint32(v))
		put(d[:], 1, uint32(v>>32))
	}
}

// oneBit moves 32 bytes of eight bits, bit n of each for sub-block n: one line each, a word's bits being those of
// eight words of the file.
func oneBit(dst []byte, step int, b *[32]byte) {
	var w [8]uint32
	for k := range w {
		w[k] = word(b[:], k)
	}
	for k := range 4 {
		swapBits(&w[k], &w[k+4], 4, byteF)
	}
	for _, k := range [...]int{0, 1, 4, 5} {
		swapBits(&w[k], &w[k+2], 2, 0x33333333)
	}
	for k := 0; k < 8; k += 2 {
		swapBits(&w[k], &w[k+1], 1, 0x55555555)
	}
	for n, v := range w {
		d := (*[4]byte)(dst[n*step:])
		put(d[:], 0, v)
	}
}

// swapBits exchanges a's bits n above the mask's with b's in the mask: one stage of a transposition.
func swapBits[T uint32 | uint64](a, b *T, n int, mask T) {
	t := (*a>>n ^ *b) & mask
	*a, *b = *a^t<<n, *b^t
}

// fifthBits moves a word whose bit i is column i's: byte j of the line has bit s of column 4s+j.
func fifthBits(dst []byte, h uint32) {
	put((*[4]byte)(dst)[:], 0, bitPairs[h&255]|bitPairs[h>>8&255]<<2|bitPairs[h>>16&255]<<4|bitPairs[h>>24]<<6)
}

// bitPairs spreads eight bits over four bytes, bits j and j+4 in byte j.
var bitPairs = func() (t [256]uint32) {
	for i := range t {
		for bit := range 8 {
			t[i] |= uint32(i>>bit&1) << (8*(bit%4) + bit/4)
		}
	}
	return t
}()
