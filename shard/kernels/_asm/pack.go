package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// Repacking of whole groups, AVX2 for both paths: memory sets its speed. Eight rows are worked on at a time, one
// 32-bit word of each in a register: a line is two of them. The layouts are those of pack_codes.go and pack_scales.go,
// which do the same row by row.

// packFormat is a type whose groups are repacked here: what is done for each block of its file's rows. Of floats,
// sixteen bytes are a block.
type packFormat struct {
	name         string
	size         int // of a block in the file
	codes, scale int // of a block's codes and scales, repacked
	half         func(p *packing, h int)
}

var packFormats = []packFormat{
	{"Words", 16, 4 * 64, 0, func(p *packing, h int) { p.nibbles(h, 0) }},
	{"Halves", 16, 8 * 32, 0, func(p *packing, h int) {
		for i, w := range p.words(h, 0) {
			p.twoHalves(w, Mem{Base: p.codes, Disp: 64*i + 16*h}, Mem{Base: p.codes, Disp: 64*i + 32 + 16*h})
		}
	}},
	{"Q8_0", 34, 512, 32, func(p *packing, h int) {
		p.oneScale(h, 0)
		for i, w := range append(p.words(h, 2), p.words(h, 18)...) {
			VPXOR(constant32("flip"), w, w)
			p.store(w, h, i)
		}
	}},
	{"Q4_0", 18, 256, 32, func(p *packing, h int) {
		p.oneScale(h, 0)
		p.nibbles(h, 2)
	}},
	{"Q4_1", 20, 256, 64, func(p *packing, h int) {
		p.twoScales(h, p.words(h, 0)[0])
		p.nibbles(h, 4)
	}},
	{"Q5_0", 22, 320, 32, func(p *packing, h int) {
		p.oneScale(h, 0)
		p.fifthBits(h, p.words(h, 2)[0])
		p.nibbles(h, 6)
	}},
	{"Q5_1", 24, 320, 64, func(p *packing, h int) {
		p.twoScales(h, p.words(h, 0)[0])
		p.fifthBits(h, p.words(h, 4)[0])
		p.nibbles(h, 8)
	}},
	{"Q4_K", 144, 8 * 256, 320, func(p *packing, h int) {
		p.superScales(h)
		for n := range 4 {
			p.nibblePair(h, 16+32*n, 8*n, 8*n+4)
		}
	}},
	{"Q5_K", 176, 8 * 320, 320, func(p *packing, h int) {
		p.superScales(h)
		for n := range 4 {
			p.nibblePair(h, 48+32*n, 10*n, 10*n+5)
		}
		p.oneBit(h, 16, 4, 5)
	}},
	{"Q6_K", 210, 8 * 384, 288, func(p *packing, h int) {
		p.oneScale(h, 208)
		for i, w := range p.words(h, 192) {
			p.columns(h, w, 32+64*i, 16)
		}
		for n := range 2 {
			p.nibblePair(h, 64*n, 24*n, 24*n+12)
			p.nibblePair(h, 64*n+32, 24*n+6, 24*n+18)
			p.twoBits(h, 128+32*n, 24*n+4, 6)
		}
	}},
}

func packs() {
	for _, f := range packFormats {
		packKernel(f)
	}
}

// packing is a kernel being written.
type packing struct {
	codes, scales Register
	rows          [4]Register // every fourth row
	stride, three Register    // of a row, and three of them
}

func packKernel(f packFormat) {
	text("pack"+f.name+"AVX2", "codes, scales, rows *byte, stride uintptr, n int",
		fmt.Sprintf("repacks n blocks of sixteen rows, stride bytes apart, of %s.", f.name))
	p := &packing{codes: pointer("codes"), scales: pointer("scales")}
	p.rows[0], p.stride, p.three = pointer("rows"), pointer("stride"), GP64()
	n := pointer("n")
	LEAQ(Mem{Base: p.stride, Index: p.stride, Scale: 2}, p.three)
	for i := 1; i < 4; i++ {
		p.rows[i] = GP64()
		LEAQ(Mem{Base: p.rows[i-1], Index: p.stride, Scale: 4}, p.rows[i])
	}
	Label("loop")
	for h := range 2 {
		f.half(p, h)
	}
	for _, r := range p.rows {
		ADDQ(U32(f.size), r)
	}
	ADDQ(U32(f.codes), p.codes)
	if f.scale > 0 {
		ADDQ(U32(f.scale), p.scales)
	}
	DECQ(n)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// row addresses row 8h+i at an offset into its block.
func (p *packing) row(h, i, offset int) Mem {
	m := Mem{Base: p.rows[2*h+i/4], Disp: offset}
	switch i % 4 {
	case 1:
		m.Index, m.Scale = p.stride, 1
	case 2:
		m.Index, m.Scale = p.stride, 2
	case 3:
		m.Index, m.Scale = p.three, 1
	}
	return m
}

// words are four words of each of eight rows, word by word.
func (p *packing) words(h, offset int) []VecVirtual {
	var a [4]VecVirtual // rows i and i+4
	for i := range a {
		a[i] = YMM()
		VBROADCASTI128(p.row(h, i, offset), a[i])
		VINSERTI128(U8(1), p.row(h, i+4, offset), a[i], a[i])
	}
	low, high := [2]VecVirtual{YMM(), YMM()}, [2]VecVirtual{YMM(), YMM()} // words 0 and 1, 2 and 3, of two rows
	for i := range 2 {
		VPUNPCKLDQ(a[2*i+1], a[2*i], low[i])
		VPUNPCKHDQ(a[2*i+1], a[2*i], high[i])
	}
	w := []VecVirtual{YMM(), YMM(), YMM(), YMM()}
	VPUNPCKLQDQ(low[1], low[0], w[0])
	VPUNPCKHQDQ(low[1], low[0], w[1])
	VPUNPCKLQDQ(high[1], high[0], w[2])
	VPUNPCKHQDQ(high[1], high[0], w[3])
	return w
}

// store writes half a line.
func (p *packing) store(w VecVirtual, h, line int) {
	VMOVDQU(w, Mem{Base: p.codes, Disp: 64*line + 32*h})
}

// nibbles writes sixteen bytes as they are.
func (p *packing) nibbles(h, offset int) {
	for i, w := range p.words(h, offset) {
		p.store(w, h, i)
	}
}

// nibblePair splits the halves of 32 bytes.
func (p *packing) nibblePair(h, offset, low, high int) {
	x, y := p.words(h, offset), p.words(h, offset+16)
	mask := YMM()
	VMOVDQU(constant32("four"), mask)
	for i := range x {
		a, b := YMM(), YMM()
		VPAND(mask, x[i], a)
		VPSLLD(U8(4), y[i], b)
		VPANDN(b, mask, b)
		VPOR(a, b, b)
		p.store(b, h, low+i)
		VPSRLD(U8(4), x[i], a)
		VPAND(mask, a, a)
		VPANDN(y[i], mask, b)
		VPOR(a, b, b)
		p.store(b, h, high+i)
	}
}

// swap is one stage of a transposition of bits: a's above the mask's with b's in it.
func swap(a, b VecVirtual, n int, mask string) {
	t := YMM()
	VPSRLD(U8(n), a, t)
	VPXOR(b, t, t)
	VPAND(constant32(mask), t, t)
	VPXOR(t, b, b)
	VPSLLD(U8(n), t, t)
	VPXOR(t, a, a)
}

func (p *packing) twoBits(h, offset, line, step int) {
	for t := range 2 {
		w := p.words(h, offset+16*t)
		swap(w[0], w[2], 4, "four")
		swap(w[1], w[3], 4, "four")
		swap(w[0], w[1], 2, "pairs")
		swap(w[2], w[3], 2, "pairs")
		for n, v := range w {
			p.store(v, h, line+n*step+t)
		}
	}
}

func (p *packing) oneBit(h, offset, line, step int) {
	w := append(p.words(h, offset), p.words(h, offset+16)...)
	for k := range 4 {
		swap(w[k], w[k+4], 4, "four")
	}
	for _, k := range []int{0, 1, 4, 5} {
		swap(w[k], w[k+2], 2, "pairs")
	}
	for k := 0; k < 8; k += 2 {
		swap(w[k], w[k+1], 1, "evens")
	}
	for n, v := range w {
		p.store(v, h, line+n*step)
	}
}

// fifthBits turns bit 4s+j of each word into bit s of byte j: the bits of the place are exchanged pair by pair.
func (p *packing) fifthBits(h int, w VecVirtual) {
	for _, e := range []struct {
		by   int
		mask string
	}{{14, "fifth14"}, {7, "fifth7"}, {2, "fifth2"}, {1, "fifth1"}} {
		t := YMM()
		VPSRLD(U8(e.by), w, t)
		VPXOR(w, t, t)
		VPAND(constant32(e.mask), t, t)
		VPXOR(t, w, w)
		VPSLLD(U8(e.by), t, t)
		VPXOR(t, w, w)
	}
	p.store(w, h, 4)
}

// oneScale moves the f16 at an offset.
func (p *packing) oneScale(h, offset int) {
	d := XMM()
	VPBROADCASTW(p.row(h, 0, offset), d)
	for i := 1; i < 8; i++ {
		VPINSRW(U8(i), p.row(h, i, offset), d, d)
	}
	VMOVDQU(d, Mem{Base: p.scales, Disp: 16 * h})
}

// twoScales moves words of two f16.
func (p *packing) twoScales(h int, w VecVirtual) {
	p.twoHalves(w, Mem{Base: p.scales, Disp: 16 * h}, Mem{Base: p.scales, Disp: 32 + 16*h})
}

// twoHalves writes the low and the high halves of eight words.
func (p *packing) twoHalves(w VecVirtual, toLow, toHigh Mem) {
	low, high := YMM(), YMM()
	VPSLLD(U8(16), w, low)
	VPSRLD(U8(16), low, low)
	VPSRLD(U8(16), w, high)
	VPACKUSDW(high, low, low)
	VPERMQ(U8(0b11_01_10_00), low, low)
	VMOVDQU(low.AsX(), toLow)
	VEXTRACTI128(U8(1), low, toHigh)
}

// superScales moves a super-block's scale and min, and widens its eight scales and mins of six bits (see packSuper).
func (p *packing) superScales(h int) {
	w := p.words(h, 0)
	p.twoScales(h, w[0])
	a, b, c := w[1], w[2], w[3]
	for i, v := range []VecVirtual{a, b} {
		top, low := YMM(), YMM()
		VPSRLD(U8(2), v, top)
		VPAND(constant32("sixth"), top, top)
		VPAND(constant32("six"), v, low)
		p.columns(h, low, 64+16*i, 32)
		rest := YMM()
		VPSRLD(U8(4*i), c, rest)
		VPAND(constant32("four"), rest, rest)
		VPOR(top, rest, rest)
		p.columns(h, rest, 64+16*i+128, 32)
	}
}

// columns writes each byte of the words to a place of its own, step bytes apart, eight rows together.
func (p *packing) columns(h int, w VecVirtual, at, step int) {
	t := YMM()
	VPSHUFB(once("columnsOfWords", func() {
		for i := range 32 {
			DATA(i, U8(4*(i%4)+i%16/4))
		}
	}), w, t)
	VPERMD(t, p.order(), t)
	for i := range 4 {
		to := Mem{Base: p.scales, Disp: at + step*i + 8*h}
		if i == 2 {
			VEXTRACTI128(U8(1), t, t.AsX())
		}
		if i%2 == 0 {
			VMOVQ(t.AsX(), to)
		} else {
			VMOVHPS(t.AsX(), to)
		}
	}
}

// order takes the words of both halves of a register in turn.
func (p *packing) order() VecVirtual {
	v := YMM()
	VMOVDQU(once("bothHalves", func() {
		for i := range 8 {
			DATA(4*i, U32(i/2+i%2*4))
		}
	}), v)
	return v
}
