package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The exponential with AVX-512, and what is made of it.

// bcast is a float constant to broadcast from memory.
func bcast(name string, v float32) Mem {
	values[name] = math.Float32bits(v)
	return constant(name)
}

// vexp512 replaces each x by e^x, as Exp of package kernels does step for step; what is above its range must be seen to
// apart. n·2^23 needs no conversion: the low bits of n + 1.5·2^23 are n. The vectors go in step, so that one's instructions
// fill the latencies of the others'.
func vexp512(c *expConstants, xs ...VecVirtual) {
	ts, ps, oks := make([]VecVirtual, len(xs)), make([]VecVirtual, len(xs)), make([]Register, len(xs))
	each := func(body func(x, t, p VecVirtual)) {
		for i, x := range xs {
			body(x, ts[i], ps[i])
		}
	}
	for i, x := range xs {
		ts[i], ps[i], oks[i] = ZMM(), ZMM(), K()
		VCMPPS_BCST(U8(0x1d), bcast("expLow", -87.3), x, oks[i]) // x >= low, false for NaN
	}
	each(func(x, t, _ VecVirtual) { VMULPS(c.log2e, x, t) })
	each(func(_, t, _ VecVirtual) { VADDPS(c.magic, t, t) })
	each(func(_, t, n VecVirtual) { VSUBPS(c.magic, t, n) })
	each(func(x, _, n VecVirtual) { VFMADD231PS(c.minusLn2Hi, n, x) })
	each(func(x, _, n VecVirtual) { VFMADD231PS(c.minusLn2Lo, n, x) })
	each(func(_, t, _ VecVirtual) { VPSLLD(U8(23), t, t) })
	each(func(_, _, p VecVirtual) { VMOVAPS(c.c6, p) })
	for _, next := range []VecVirtual{c.c5, c.c4, c.c3, c.c2, c.one, c.one} {
		each(func(x, _, p VecVirtual) { VFMADD213PS(next, x, p) })
	}
	for i, x := range xs {
		VPADDD_Z(ts[i], ps[i], oks[i], x)
	}
}

// vexpAll512 replaces each x by e^x, whatever it is.
func vexpAll512(c *expConstants, xs ...VecVirtual) {
	high := make([]Register, len(xs))
	for i, x := range xs {
		high[i] = K()
		VCMPPS_BCST(U8(0x1e), bcast("expHigh", 88.7), x, high[i]) // x > high
	}
	vexp512(c, xs...)
	for i, x := range xs {
		VBROADCASTSS(bcast("inf", float32(math.Inf(1))), high[i], x)
	}
}

// expConstants are held in registers.
type expConstants struct {
	log2e, magic, minusLn2Hi, minusLn2Lo, one, c2, c3, c4, c5, c6 VecVirtual
}

func newExpConstants() *expConstants {
	load := func(name string, v float32) VecVirtual {
		r := ZMM()
		VBROADCASTSS(bcast(name, v), r)
		return r
	}
	return &expConstants{
		log2e: load("log2e", 0x1.715476p+0), magic: load("magic", 0x1.8p23),
		minusLn2Hi: load("minusLn2Hi", -0x1.62e43p-1), minusLn2Lo: load("minusLn2Lo", 0x1.05c61p-29),
		one: load("one", 1), c2: load("expC2", 0x1p-1), c3: load("expC3", 0x1.5554dep-3),
		c4: load("expC4", 0x1.55551ap-5), c5: load("expC5", 0x1.120b62p-7), c6: load("expC6", 0x1.6d10fcp-10),
	}
}

// vectors512 runs body for n elements, three vectors at a time, for which there are masks, and then one, and
// ends the kernel; n is a multiple of 16.
func vectors512(n Register, body func(vectors int), end func(), pointers ...Register) {
	loop := func(label string, vectors int) {
		CMPQ(n, U32(16*vectors))
		JL(LabelRef(label + "Done"))
		Label(label)
		body(vectors)
		for _, p := range pointers {
			ADDQ(U32(64*vectors), p)
		}
		SUBQ(U32(16*vectors), n)
		CMPQ(n, U32(16*vectors))
		JGE(LabelRef(label))
		Label(label + "Done")
	}
	loop("three", 3)
	loop("one", 1)
	end()
	VZEROUPPER()
	RET()
}

// load512 loads vectors from p on.
func load512(p Register, vectors int) []VecVirtual {
	v := make([]VecVirtual, vectors)
	for i := range v {
		v[i] = ZMM()
		VMOVUPS(Mem{Base: p, Disp: 64 * i}, v[i])
	}
	return v
}

func exp512() {
	text("expAVX512", "x *float32, n int", "is x = e^x.")
	x, n, c := pointer("x"), pointer("n"), newExpConstants()
	vectors512(n, func(vectors int) {
		v := load512(x, vectors)
		vexpAll512(c, v...)
		for i, v := range v {
			VMOVUPS(v, Mem{Base: x, Disp: 64 * i})
		}
	}, func() {}, x)
}

func swiglu512() {
	text("swigluAVX512", "dst, gate, up *float32, n int", "is dst = (gate/(1+e^-gate))·up.")
	dst, gate, up, n, c := pointer("dst"), pointer("gate"), pointer("up"), pointer("n"), newExpConstants()
	sign := ZMM()
	VBROADCASTSS(constant("sign"), sign)
	vectors512(n, func(vectors int) {
		v := load512(gate, vectors)
		for _, e := range v {
			VXORPS(sign, e, e)
		}
		vexpAll512(c, v...)
		for i, e := range v {
			g := ZMM()
			VADDPS(c.one, e, e)
			VMOVUPS(Mem{Base: gate, Disp: 64 * i}, g)
			VDIVPS(e, g, g)
			VMULPS(Mem{Base: up, Disp: 64 * i}, g, g)
			VMOVUPS(g, Mem{Base: dst, Disp: 64 * i})
		}
	}, func() {}, dst, gate, up)
}
