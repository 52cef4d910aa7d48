package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// scaling is what kernels of unpacked weights differ in: a format's scales, widened to float32.
type scaling struct {
	name  string
	parts int // 2: the halves of a block have scales of their own
	mins  int
}

var scalings = []scaling{{"One", 1, 0}, {"Min", 1, 1}, {"Pair", 2, 0}, {"PairMin", 2, 2}}

// lines is the number of sixteen floats that a block of sixteen rows has: the scales, -magic times the last of them,
// the mins.
func (s scaling) lines() int { return s.parts + 1 + s.mins }

// scaling is how a kind of scales is widened.
func (k kind) scaling() scaling {
	switch k {
	case affine, super:
		return scalings[1]
	case pair:
		return scalings[2]
	case nibble:
		return scalings[3]
	}
	return scalings[0]
}

// widest is how many rows of activations a kernel of unpacked weights takes at most.
const widest = 6

// fetched is how many lines ahead a block prefetches.
const fetched = 6

// gemm is a kernel of unpacked weights in the making: two panels, 32 rows, by cols activation rows. The integer sums
// stay in registers; so do the accumulators, unless blocks have two parts, whose sums leave no room.
type gemm struct {
	scaling
	cols int

	acc, codes, panel, scales, acts, next, ahead, n Register
	sums                                            [2][]VecVirtual // [panel][column], in registers
}

const gemmSignature = "func(acc *float32, first bool, y *float32, yStride uintptr, codes *byte, panel uintptr, scales, acts, next, ahead *byte, blocks int)"

// gemm512 writes one.
func gemm512(s scaling, cols int) {
	name := fmt.Sprintf("gemm%sx%dAVX512", s.name, cols)
	TEXT(name, NOSPLIT, gemmSignature)
	Pragma("noescape")
	Doc(fmt.Sprintf("%s multiplies two unpacked panels by %d rows of activations.", name, cols))
	k := &gemm{scaling: s, cols: cols}
	k.acc = Load(Param("acc"), GP64())
	k.codes, k.panel, k.scales = Load(Param("codes"), GP64()), Load(Param("panel"), GP64()), Load(Param("scales"), GP64())
	k.acts, k.next, k.ahead = Load(Param("acts"), GP64()), Load(Param("next"), GP64()), Load(Param("ahead"), GP64())
	k.n = Load(Param("blocks"), GP64())
	if s.parts == 1 {
		k.sums = k.tile()
	}
	k.begin()
	Label("block")
	ints := k.dots()
	for p := range 2 {
		k.apply(p, ints[p])
	}
	k.advance()
	DECQ(k.n)
	JNZ(LabelRef("block"))
	k.end()
}

func (k *gemm) advance() {
	ADDQ(U32(512), k.codes)
	ADDQ(U32(2*64*k.lines()), k.scales)
	ADDQ(U32(k.cols*actBytes), k.acts)
	ADDQ(U32(k.cols*actBytes), k.next)
	ADDQ(U32(64*fetched), k.ahead)
}

// tile is [panel][column].
func (k *gemm) tile() [2][]VecVirtual {
	var t [2][]VecVirtual
	for p := range t {
		for range k.cols {
			t[p] = append(t[p], ZMM())
		}
	}
	return t
}

// each calls f for every sum of the tile.
func (k *gemm) each(f func(p, c int)) {
	for c := range k.cols {
		for p := range 2 {
			f(p, c)
		}
	}
}

// place is where a sum is kept between calls.
func (k *gemm) place(p, c int) Mem { return Mem{Base: k.acc, Disp: 64 * (2*c + p)} }

// begin sets the accumulators to zero at first, else to what they were.
func (k *gemm) begin() {
	first, zero := Load(Param("first"), GP8()), ZMM()
	TESTB(first, first)
	JZ(LabelRef("resume"))
	if k.sums[0] == nil {
		VPXORD(zero, zero, zero)
		k.each(func(p, c int) { VMOVUPS(zero, k.place(p, c)) })
		Label("resume")
		return
	}
	k.each(func(p, c int) { VPXORD(k.sums[p][c], k.sums[p][c], k.sums[p][c]) })
	JMP(LabelRef("block"))
	Label("resume")
	k.each(func(p, c int) { VMOVUPS(k.place(p, c), k.sums[p][c]) })
}

// end stores the accumulators: in y, where it is given, or to be resumed.
func (k *gemm) end() {
	y, stride, t := Load(Param("y"), GP64()), Load(Param("yStride"), GP64()), ZMM()
	get := func(p, c int) VecVirtual {
		if k.sums[0] != nil {
			return k.sums[p][c]
		}
		VMOVUPS(k.place(p, c), t)
		return t
	}
	TESTQ(y, y)
	JZ(LabelRef("keep"))
	for c := range k.cols {
		VMOVUPS(get(0, c), Mem{Base: y})
		VMOVUPS(get(1, c), Mem{Base: y, Disp: 64})
		if c < k.cols-1 {
			ADDQ(stride, y)
		}
	}
	VZEROUPPER()
	RET()
	Label("keep")
	if k.sums[0] != nil {
		k.each(func(p, c int) { VMOVUPS(k.sums[p][c], k.place(p, c)) })
	}
	VZEROUPPER()
	RET()
}

// act addresses the activation block of column c.
func (k *gemm) act(c, at int) Mem { return Mem{Base: k.acts, Disp: c*actBytes + at} }

// dots gives the integer dots of a block, plus magic: [panel][part][column].
func (k *gemm) dots() (ints [2][][]VecVirtual) {
	for p := range ints {
		for range k.parts {
			ints[p] = append(ints[p], k.tile()[0])
		}
	}
	for part := range k.parts {
		for c := range k.cols {
			k.start(part, c, ints[0][part][c], ints[1][part][c])
		}
		w0, w1, x := ZMM(), ZMM(), ZMM()
		for s := part * 4; s < part*4+8/k.parts; s++ {
			VMOVDQU64(Mem{Base: k.codes, Disp: 64 * s}, w0)
			VMOVDQU64(Mem{Base: k.codes, Index: k.panel, Scale: 1, Disp: 64 * s}, w1)
			if s < k.cols {
				PREFETCHT0(Mem{Base: k.next, Disp: 64 * s})
			}
			if s < fetched {
				PREFETCHT1(Mem{Base: k.ahead, Disp: 64 * s})
			}
			for c := range k.cols {
				VPBROADCASTD(k.act(c, 4*s), x)
				VPDPBUSD(x, w0, ints[0][part][c])
				VPDPBUSD(x, w1, ints[1][part][c])
			}
		}
	}
	return ints
}

// start sets two integer sums to where they begin: codes with mins are stored as they are, others plus 128.
func (k *gemm) start(part, c int, s0, s1 VecVirtual) {
	from := constant("magicInt")
	if k.mins == 0 {
		from = k.act(c, actStart+4*(part+k.parts-1))
	}
	VPBROADCASTD(from, s0)
	VPBROADCASTD(from, s1)
}

// line is line i of panel p's scales.
func (k *gemm) line(p, i int) Mem { return Mem{Base: k.scales, Disp: 64 * (p*k.lines() + i)} }

// apply scales a panel's integers and adds them to its accumulators.
func (k *gemm) apply(p int, ints [][]VecVirtual) {
	last := k.parts - 1
	ws, offset := ZMM(), ZMM()
	VMOVUPS(k.line(p, last), ws)
	VMOVUPS(k.line(p, k.parts), offset)
	for c := range k.cols {
		VFMADD213PS(offset, ws, ints[last][c])
	}
	u := ints[0]
	if last == 1 {
		VMOVUPS(k.line(p, 0), ws)
		for c := range k.cols {
			VSUBPS_BCST(constant("magicInt"), u[c], u[c])
			VFMADD213PS(ints[1][c], ws, u[c])
		}
	}
	for i := range k.mins {
		VMOVUPS(k.line(p, k.parts+1+i), ws)
		for c := range k.cols {
			VFMADD231PS_BCST(k.act(c, actSum+4*(i+k.parts-1)), ws, u[c])
		}
	}
	for c := range k.cols {
		if k.sums[0] != nil {
			VFMADD231PS_BCST(k.act(c, actScale), u[c], k.sums[p][c])
			continue
		}
		VBROADCASTSS(k.act(c, actScale), ws)
		VFMADD213PS(k.place(p, c), ws, u[c])
		VMOVUPS(u[c], k.place(p, c))
	}
}
