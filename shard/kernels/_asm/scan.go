package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// What a sampler looks for in a vocabulary's logits, 32 of them a turn.

const scanVectors = 4

// peakKernel leaves NaN out of the lanes: VMAXPS gives its second source where one is NaN.
func peakKernel() {
	TEXT("largestAVX2", NOSPLIT, "func(x *float32, n int, lanes *float32) bool")
	Pragma("noescape")
	Doc("largestAVX2 raises 32 lanes to the largest of their elements; false where one is NaN or +Inf. n is a multiple of 32.")
	x, n, lanes := pointer("x"), pointer("n"), pointer("lanes")
	finite, bad, v, t := YMM(), YMM(), YMM(), YMM()
	VBROADCASTSS(bcast("maxFloat", math.MaxFloat32), finite)
	VXORPS(bad, bad, bad)
	top := load256(lanes)
	Label("loop")
	for i, m := range top {
		VMOVUPS(Mem{Base: x, Disp: 32 * i}, v)
		VCMPPS(U8(0x16), finite, v, t) // not v <= finite, true for NaN
		VORPS(t, bad, bad)
		VMAXPS(m, v, m)
	}
	ADDQ(U32(32*scanVectors), x)
	SUBQ(Imm(8*scanVectors), n)
	JNZ(LabelRef("loop"))
	for i, m := range top {
		VMOVUPS(m, Mem{Base: lanes, Disp: 32 * i})
	}
	mask, ok := GP32(), GP8()
	VMOVMSKPS(bad, mask)
	TESTL(mask, mask)
	SETEQ(ok)
	Store(ok, ReturnIndex(0))
	VZEROUPPER()
	RET()
}

func load256(p Register) []VecVirtual {
	v := make([]VecVirtual, scanVectors)
	for i := range v {
		v[i] = YMM()
		VMOVUPS(Mem{Base: p, Disp: 32 * i}, v[i])
	}
	return v
}

// atLeastKernel looks at 32 elements a turn, and in the last at each.
func atLeastKernel() {
	TEXT("atLeastAVX2", NOSPLIT, "func(x *float32, n int, low float32) int")
	Pragma("noescape")
	Doc("atLeastAVX2 is the first multiple of 32 with an element of at least low in the 32 from there on, or n. n is a multiple of 32.")
	x, n, i := pointer("x"), pointer("n"), GP64()
	low, any, mask := YMM(), YMM(), GP32()
	VBROADCASTSS(argument("low"), low)
	XORQ(i, i)
	Label("loop")
	v := load256(x)
	for k, r := range v {
		VCMPPS(U8(0x1d), low, r, r) // r >= low, false for NaN
		if k == 0 {
			VMOVAPS(r, any)
		} else {
			VORPS(r, any, any)
		}
	}
	VMOVMSKPS(any, mask)
	TESTL(mask, mask)
	JNZ(LabelRef("found"))
	ADDQ(U32(32*scanVectors), x)
	ADDQ(Imm(8*scanVectors), i)
	CMPQ(i, n)
	JL(LabelRef("loop"))
	Label("found")
	Store(i, ReturnIndex(0))
	VZEROUPPER()
	RET()
}

// expSum512 is LogSum's.
func expSum512() {
	text("expSumAVX512", "x *float32, n int, shift float32, lanes *float32", "adds e^(x-shift), of which no exponent exceeds 0, to sixteen lanes.")
	x, n, lanes, c := pointer("x"), pointer("n"), pointer("lanes"), newExpConstants()
	shift, sum := ZMM(), ZMM()
	VBROADCASTSS(argument("shift"), shift)
	VMOVUPS(Mem{Base: lanes}, sum)
	vectors512(n, func(vectors int) {
		v := load512(x, vectors)
		for _, e := range v {
			VSUBPS(shift, e, e)
		}
		vexp512(c, v...)
		for _, e := range v {
			VADDPS(e, sum, sum)
		}
	}, func() { VMOVUPS(sum, Mem{Base: lanes}) }, x)
}

// expTerms512 computes the terms of SumExp step for step, eight at a time.
func expTerms512() {
	text("expTermsAVX512", "dst *float64, x *float32, n int, max, inv float64, table *float64", "is dst = e^((x-max)·inv); n is a multiple of 8.")
	dst, x, n, table := pointer("dst"), pointer("x"), pointer("n"), pointer("table")
	constant := func(name string, v float64) VecVirtual {
		r := ZMM()
		VBROADCASTSD(once(name, func() { DATA(0, F64(v)) }), r)
		return r
	}
	const steps, ln2Hi, ln2Lo = 2048, 6.93147180369123816490e-01, 1.90821492927058770002e-10
	low, perStep, magic := constant("termLow", -708), constant("termSteps", steps/math.Ln2), constant("termMagic", 0x1.8p52)
	stepHi, stepLo := constant("termHi", ln2Hi/steps), constant("termLo", ln2Lo/steps)
	sixth, half, index := constant("termSixth", 1.0/6), constant("termHalf", 0.5), ZMM()
	VPBROADCASTQ(once("termIndex", func() { DATA(0, U64(steps-1)) }), index)
	max, inv := ZMM(), ZMM()
	VBROADCASTSD(argument("max"), max)
	VBROADCASTSD(argument("inv"), inv)
	Label("loop")
	v, k, t, p, q, ok, all := ZMM(), ZMM(), ZMM(), ZMM(), ZMM(), K(), K()
	VCVTPS2PD(Mem{Base: x}, v)
	VSUBPD(max, v, v)
	VMULPD(inv, v, v)
	VCMPPD(U8(0x1d), low, v, ok) // v >= low, false for NaN
	VMULPD(perStep, v, t)
	VADDPD(magic, t, t)
	VPSUBQ(magic, t, k) // the integer
	VSUBPD(magic, t, t) // as a number
	VMULPD(stepHi, t, p)
	VSUBPD(p, v, v)
	VMULPD(stepLo, t, p)
	VSUBPD(p, v, v)
	VMULPD(sixth, v, p)
	VADDPD(half, p, p)
	VMULPD(v, v, q)
	VMULPD(q, p, p)
	VADDPD(v, p, p)
	VPANDQ(index, k, q)
	KXNORB(all, all, all)
	VGATHERQPD(Mem{Base: table, Index: q, Scale: 8}, all, t)
	VMULPD(t, p, p)
	VADDPD(t, p, p)
	VPSRAQ(U8(11), k, k)
	VPSLLQ(U8(52), k, k)
	VPADDQ_Z(k, p, ok, p)
	VMOVUPD(p, Mem{Base: dst})
	ADDQ(Imm(32), x)
	ADDQ(Imm(64), dst)
	SUBQ(Imm(8), n)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

func scans() {
	expTerms512()
	peakKernel()
	atLeastKernel()
	expSum512()
}
