package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// What attention does between its two products.

// softmax512 treats rows scores of n elements: first the maxima of all rows, then the rest, so that no row waits for its
// maximum. The last vector of a row is completed with -Inf, whose e^x is 0: it adds nothing to a lane, and clears what
// follows the row. Then zeros follow up to fill elements.
func softmax512() {
	text("softmaxAVX512", "s *float32, stride uintptr, rows, n, fill int, m, l *float32",
		"turns rows of n scores into e^(s-m), zeros up to fill elements behind them, and gives each row's m and sum.")
	k := &softmax{row: GP64(), stride: pointer("stride"), c: newExpConstants()}
	n, fill := pointer("n"), pointer("fill")
	k.low = ZMM()
	VBROADCASTSS(bcast("minusInf", float32(math.Inf(-1))), k.low)
	k.counts(n, fill)
	k.each("maxima", k.largest, "m")
	k.each("rows", k.exponentials, "m", "l")
	VZEROUPPER()
	RET()
}

// each runs body for every row, with pointers to the row's element of some arguments.
func (k *softmax) each(label string, body func(p []Register), args ...string) {
	left := GP64()
	MOVQ(argument("s"), k.row)
	MOVQ(argument("rows"), left)
	var p []Register
	for _, a := range args {
		p = append(p, pointer(a))
	}
	Label(label)
	body(p)
	ADDQ(k.stride, k.row)
	for _, r := range p {
		ADDQ(Imm(4), r)
	}
	DECQ(left)
	JNZ(LabelRef(label))
}

type softmax struct {
	row, stride           Register
	quads, singles, zeros Register // vectors of a row: four at a time, one at a time, and of zeros behind the last
	rest                  Register // elements of the last, 0 to 15
	last                  Register // their mask
	low                   VecVirtual
	c                     *expConstants
}

// counts divides a row.
func (k *softmax) counts(n, fill Register) {
	k.quads, k.singles, k.zeros, k.rest = GP64(), GP64(), GP64(), RCX
	MOVQ(n, k.rest)
	ANDQ(Imm(15), k.rest)
	mask, last := GP64(), K()
	MOVQ(U32(1), mask)
	SHLQ(CL, mask)
	DECQ(mask)
	KMOVW(mask.As32(), last)
	k.last = last
	used := GP64()
	MOVQ(n, used)
	ADDQ(Imm(15), used)
	SHRQ(U8(4), used)
	MOVQ(fill, k.zeros)
	SHRQ(U8(4), k.zeros)
	SUBQ(used, k.zeros)
	MOVQ(n, k.quads)
	SHRQ(U8(6), k.quads)
	MOVQ(n, k.singles)
	SHRQ(U8(4), k.singles)
	ANDQ(Imm(3), k.singles)
}

// walk runs body for the vectors of the row: four at a time, one at a time, and for the last, whose missing elements
// are -Inf. It returns where the row ends.
func (k *softmax) walk(label string, body func(at Register, v ...VecVirtual)) Register {
	at := GP64()
	MOVQ(k.row, at)
	loop := func(label string, count Register, n int) {
		left := GP64()
		MOVQ(count, left)
		TESTQ(left, left)
		JZ(LabelRef(label + "Done"))
		Label(label)
		v := make([]VecVirtual, n)
		for i := range v {
			v[i] = ZMM()
			VMOVUPS(Mem{Base: at, Disp: 64 * i}, v[i])
		}
		body(at, v...)
		ADDQ(U32(64*n), at)
		DECQ(left)
		JNZ(LabelRef(label))
		Label(label + "Done")
	}
	loop(label+"Quad", k.quads, 4)
	loop(label+"Single", k.singles, 1)
	TESTQ(k.rest, k.rest)
	JZ(LabelRef(label + "Done"))
	v := ZMM()
	VMOVAPS(k.low, v)
	VMOVUPS(Mem{Base: at}, k.last, v)
	body(at, v)
	ADDQ(Imm(64), at)
	Label(label + "Done")
	return at
}

// largest stores the row's maximum. NaN is left out: VMAXPS gives its second source where one is NaN.
func (k *softmax) largest(p []Register) {
	m := ZMM()
	VMOVAPS(k.low, m)
	k.walk("max", func(_ Register, v ...VecVirtual) {
		for _, x := range v {
			VMAXPS(m, x, m)
		}
	})
	fold(m, VMAXPS)
	VMOVSS(m.AsX(), Mem{Base: p[0]})
}

// exponentials stores e^(s-m), the sum in sixteen lanes, and zeros behind the row.
func (k *softmax) exponentials(p []Register) {
	m, sum := ZMM(), ZMM()
	VBROADCASTSS(Mem{Base: p[0]}, m)
	VXORPS(sum, sum, sum)
	at := k.walk("exp", func(at Register, v ...VecVirtual) {
		for _, x := range v {
			VSUBPS(m, x, x)
		}
		vexp512(k.c, v...)
		for i, x := range v {
			VMOVUPS(x, Mem{Base: at, Disp: 64 * i})
			VADDPS(x, sum, sum)
		}
	})
	fold(sum, VADDPS)
	VMOVSS(sum.AsX(), Mem{Base: p[1]})
	k.clear(at)
}

// clear writes zeros from at on.
func (k *softmax) clear(at Register) {
	zero, left := ZMM(), GP64()
	VXORPS(zero, zero, zero)
	MOVQ(k.zeros, left)
	TESTQ(left, left)
	JLE(LabelRef("cleared"))
	Label("clear")
	VMOVUPS(zero, Mem{Base: at})
	ADDQ(Imm(64), at)
	DECQ(left)
	JNZ(LabelRef("clear"))
	Label("cleared")
}

// fold combines lanes by halves of 8, 4, 2, 1, down to the lowest.
func fold(v VecVirtual, op func(...Op)) {
	t := YMM()
	VEXTRACTF64X4(U8(1), v, t)
	op(t, v.AsY(), v.AsY())
	VEXTRACTF128(U8(1), v.AsY(), t.AsX())
	op(t.AsX(), v.AsX(), v.AsX())
	VPSHUFD(U8(0x4e), v.AsX(), t.AsX())
	op(t.AsX(), v.AsX(), v.AsX())
	VPSHUFD(U8(0xb1), v.AsX(), t.AsX())
	op(t.AsX(), v.AsX(), v.AsX())
}

// widenKernel copies rows of binary16 as float32, n elements at a time, n a multiple of 16.
func widenKernel(isa string, vector func() VecVirtual, elems int) {
	text("widen"+isa, "dst *float32, dstStride uintptr, src *uint16, n, rows int", "is dst = src, rows of n elements; the stride is in bytes.")
	dst, stride, src, n, rows := pointer("dst"), pointer("dstStride"), pointer("src"), pointer("n"), pointer("rows")
	at, left := GP64(), GP64()
	Label("row")
	MOVQ(dst, at)
	MOVQ(n, left)
	Label("loop")
	for i := 0; i < 16; i += elems {
		v := vector()
		VCVTPH2PS(Mem{Base: src, Disp: 2 * i}, v)
		VMOVUPS(v, Mem{Base: at, Disp: 4 * i})
	}
	ADDQ(Imm(32), src)
	ADDQ(Imm(64), at)
	SUBQ(Imm(16), left)
	JNZ(LabelRef("loop"))
	ADDQ(stride, dst)
	DECQ(rows)
	JNZ(LabelRef("row"))
	VZEROUPPER()
	RET()
}

// mergeRows512 merges rows of n elements, each with weights of its own.
func mergeRows512() {
	text("mergeRowsAVX512", "o, oc *float32, rows, n int, a, b *float32", "is o = fma(o, a, oc·b) for rows of n elements.")
	o, oc, rows, n, a, b := pointer("o"), pointer("oc"), pointer("rows"), pointer("n"), pointer("a"), pointer("b")
	wa, wb, u, v, left := ZMM(), ZMM(), ZMM(), ZMM(), GP64()
	Label("row")
	VBROADCASTSS(Mem{Base: a}, wa)
	VBROADCASTSS(Mem{Base: b}, wb)
	MOVQ(n, left)
	Label("loop")
	VMOVUPS(Mem{Base: o}, v)
	VMULPS(Mem{Base: oc}, wb, u)
	VFMADD213PS(u, wa, v)
	VMOVUPS(v, Mem{Base: o})
	ADDQ(Imm(64), o)
	ADDQ(Imm(64), oc)
	SUBQ(Imm(16), left)
	JNZ(LabelRef("loop"))
	ADDQ(Imm(4), a)
	ADDQ(Imm(4), b)
	DECQ(rows)
	JNZ(LabelRef("row"))
	VZEROUPPER()
	RET()
}

// divideKernel is the end of a row of attention.
func divideKernel() {
	text("divideAVX2", "dst, x *float32, l float32, n int", "is dst = x/l.")
	dst, x, n := pointer("dst"), pointer("x"), pointer("n")
	l, v := YMM(), YMM()
	VBROADCASTSS(argument("l"), l)
	each(n, func() {
		VMOVUPS(at(x), v)
		VDIVPS(l, v, v)
		VMOVUPS(v, at(dst))
	}, dst, x)
	VZEROUPPER()
	RET()
}

// halfKernel rounds to binary16 and finds what has become Inf or NaN by the carry out of its exponent.
func halfKernel() {
	TEXT("toHalfAVX2", NOSPLIT, "func(dst *uint16, x *float32, n int) bool")
	Pragma("noescape")
	Doc("toHalfAVX2 rounds x to binary16 and tells whether all of it is finite.")
	values["exponents16"], values["units16"], values["signs16"] = 0x7c007c00, 0x04000400, 0x80008000
	dst, x, n := pointer("dst"), pointer("x"), pointer("n")
	v, bad, exponent, unit := YMM(), XMM(), XMM(), XMM()
	VPBROADCASTD(constant("exponents16"), exponent)
	VPBROADCASTD(constant("units16"), unit)
	VPXOR(bad, bad, bad)
	Label("loop")
	VMOVUPS(at(x), v)
	VCVTPS2PH(U8(0), v, v.AsX())
	VMOVDQU(v.AsX(), at(dst))
	VPAND(exponent, v.AsX(), v.AsX())
	VPADDW(unit, v.AsX(), v.AsX())
	VPOR(v.AsX(), bad, bad)
	ADDQ(Imm(32), x)
	ADDQ(Imm(16), dst)
	SUBQ(Imm(8), n)
	JNZ(LabelRef("loop"))
	signs, ok := XMM(), GP8()
	VPBROADCASTD(constant("signs16"), signs)
	VPTEST(signs, bad)
	SETEQ(ok)
	Store(ok, ReturnIndex(0))
	VZEROUPPER()
	RET()
}

func attention() {
	tileProducts()
	softmax512()
	exp512()
	swiglu512()
	widenKernel("AVX512", func() VecVirtual { return ZMM() }, 16)
	widenKernel("AVX2", func() VecVirtual { return YMM() }, 8)
	mergeRows512()
	divideKernel()
	halfKernel()
}
