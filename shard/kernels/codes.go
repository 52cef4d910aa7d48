package kernels

import (
	"encoding/binary"

	"github.com/stagecoach-llm/stagecoach/shard/quant"
)

// codes are a row's 32 codes of a block, four to a word: element 4s+j is byte j of word s, which is also what the
// repacked form keeps together. Words are worked on whole: seven thousand million elements have to pass here.
type codes [8]uint32

const (
	byte1 = 0x01010101
	byte3 = 0x03030303
	byteF = 0x0f0f0f0f
)

func word(b []byte, i int) uint32 { return binary.LittleEndian.Uint32(b[4*i:]) }

// readCodes takes sub-block n of a block of the file. The layouts are those of package quant.
func readCodes(c *codes, t quant.Type, b []byte, n int) {
	switch t {
	case quant.Q8_0:
		c.offset(b[2:])
	case quant.Q4_0, quant.IQ4_NL:
		c.nibbles(b[2:])
	case quant.Q4_1:
		c.nibbles(b[4:])
	case quant.Q5_0:
		c.nibbles(b[6:])
		c.bits(word(b[2:], 0))
	case quant.Q5_1:
		c.nibbles(b[8:])
		c.bits(word(b[4:], 0))
	case quant.IQ4_XS:
		c.nibbles(b[8+16*n:])
	case quant.Q4_K:
		c.fields(b[16+32*(n/2):], 4*(n%2), byteF)
	case quant.Q5_K:
		c.fields(b[48+32*(n/2):], 4*(n%2), byteF)
		c.plane(b[16:], n, byte1, 4)
	case quant.Q6_K:
		c.fields(b[64*(n/4)+32*(n%2):], 4*(n%4/2), byteF)
		c.plane(b[128+32*(n/4):], 2*(n%4), byte3, 4)
	case quant.Q3_K:
		c.fields(b[32+32*(n/4):], 2*(n%4), byte3)
		c.plane(b, n, byte1, 2)
	case quant.Q2_K:
		c.fields(b[16+32*(n/4):], 2*(n%4), byte3)
	}
}

// offset are signed codes plus 128.
func (c *codes) offset(b []byte) {
	for i := range c {
		c[i] = word(b, i) ^ 0x80808080
	}
}

// nibbles are elements 0..15 in the low halves of sixteen bytes, 16..31 in the high ones.
func (c *codes) nibbles(b []byte) {
	for i := range 4 {
		w := word(b, i)
		c[i], c[i+4] = w&byteF, w>>4&byteF
	}
}

// bits adds bit i of h as element i's fifth bit.
func (c *codes) bits(h uint32) {
	for i := range c {
		c[i] |= (h >> (4 * i) & 15) * 0x00204081 & byte1 << 4
	}
}

// fields are some bits of each of 32 bytes.
func (c *codes) fields(b []byte, shift int, mask uint32) {
	_ = b[31]
	for i := range c {
		c[i] = word(b, i) >> shift & mask
	}
}

// plane adds some bits of each of 32 bytes, from bit at on.
func (c *codes) plane(b []byte, shift int, mask uint32, at int) {
	_ = b[31]
	for i := range c {
		c[i] |= word(b, i) >> shift & mask << at
	}
}

// place puts row r's codes where unpack and the assembly find them.
func (f *format) place(dst []byte, r int, c *codes) {
	put := func(line int, w uint32) { binary.LittleEndian.PutUint32(dst[64*line+4*r:], w) }
	switch f.bits {
	case 8:
		for s, w := range c {
			put(s, w)
		}
	case 2, 3:
		for t := range 2 {
			put(t, c[4*t]&byte3|c[4*t+1]&byte3<<2|c[4*t+2]&byte3<<4|c[4*t+3]&byte3<<6)
		}
		if f.bits == 3 {
			put(2, c.gather(2))
		}
	default:
		for s := range 4 {
			put(s, c[s]&byteF|c[s+4]&byteF<<4)
		}
		if f.bits == 5 {
			put(4, c.gather(4))
		} else if f.bits == 6 {
			for t := range 2 {
				put(4+t, c[4*t]>>4&byte3|c[4*t+1]>>4&byte3<<2|c[4*t+2]>>4&byte3<<4|c[4*t+3]>>4&byte3<<6)
			}
		}
	}
}

// gather makes a plane: bit s of each byte is bit at of the word of step s.
func (c *codes) gather(at int) uint32 {
	var w uint32
	for s, v := range c {
		w |= v >> at & byte1 << s
	}
	return w
}
