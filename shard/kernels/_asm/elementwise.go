package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// Element by element, AVX2 for both paths unless it says otherwise: n counts elements and is a positive multiple of 16.

// f32 is a float constant, a register wide.
func f32(name string, v float32) Mem {
	values[name] = math.Float32bits(v)
	return constant32(name)
}

// vexp replaces x by e^x, as Exp of package kernels does step for step.
func vexp(x VecVirtual) {
	const magic = 0x1.8p23
	n, p, low, high := YMM(), YMM(), YMM(), YMM()
	VCMPPS(U8(0x1d), f32("expLow", -87.3), x, low)  // x >= low, false for NaN
	VCMPPS(U8(0x1e), f32("expHigh", 88.7), x, high) // x > high
	VMULPS(f32("log2e", 0x1.715476p+0), x, n)
	VADDPS(f32("magic", magic), n, n)
	VSUBPS(f32("magic", magic), n, n)
	VFMADD231PS(f32("minusLn2Hi", -0x1.62e43p-1), n, x)
	VFMADD231PS(f32("minusLn2Lo", 0x1.05c61p-29), n, x)
	VMOVUPS(f32("expC6", 0x1.6d10fcp-10), p)
	VFMADD213PS(f32("expC5", 0x1.120b62p-7), x, p)
	VFMADD213PS(f32("expC4", 0x1.55551ap-5), x, p)
	VFMADD213PS(f32("expC3", 0x1.5554dep-3), x, p)
	VFMADD213PS(f32("expC2", 0x1p-1), x, p)
	VFMADD213PS(f32("one", 1), x, p)
	VFMADD213PS(f32("one", 1), x, p)
	VCVTPS2DQ(n, n)
	VPSLLD(U8(23), n, n)
	VPADDD(n, p, p)
	VPAND(low, p, p)
	VBLENDVPS(high, f32("inf", float32(math.Inf(1))), p, x)
}

// text begins a kernel.
func text(name, args, doc string) {
	TEXT(name, NOSPLIT, "func("+args+")")
	Pragma("noescape")
	Doc(name + " " + doc)
}

func pointer(name string) Register { return Load(Param(name), GP64()) }

// argument is where an argument lies.
func argument(name string) Mem {
	b, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return b.Addr
}

// each runs body for every 8 elements of n, moving the pointers on.
func each(n Register, body func(), pointers ...Register) {
	Label("loop")
	body()
	for _, p := range pointers {
		ADDQ(Imm(32), p)
	}
	SUBQ(Imm(8), n)
	JNZ(LabelRef("loop"))
}

// at addresses the eight elements at p.
func at(p Register) Mem { return Mem{Base: p} }

func expKernel() {
	text("expAVX2", "x *float32, n int", "is x = e^x.")
	x, n := pointer("x"), pointer("n")
	v := YMM()
	each(n, func() {
		VMOVUPS(at(x), v)
		vexp(v)
		VMOVUPS(v, at(x))
	}, x)
	VZEROUPPER()
	RET()
}

// expShiftKernel adds each p to its lane.
func expShiftKernel() {
	text("expShiftAVX2", "x *float32, n int, shift float32, lanes *float32", "is x = e^(x-shift) and adds it to sixteen lanes.")
	x, n, lanes := pointer("x"), pointer("n"), pointer("lanes")
	shift, a, b, sum0, sum1 := YMM(), YMM(), YMM(), YMM(), YMM()
	VBROADCASTSS(argument("shift"), shift)
	VMOVUPS(at(lanes), sum0)
	VMOVUPS(Mem{Base: lanes, Disp: 32}, sum1)
	Label("loop")
	VMOVUPS(at(x), a)
	VMOVUPS(Mem{Base: x, Disp: 32}, b)
	VSUBPS(shift, a, a)
	VSUBPS(shift, b, b)
	vexp(a)
	vexp(b)
	VMOVUPS(a, at(x))
	VMOVUPS(b, Mem{Base: x, Disp: 32})
	VADDPS(a, sum0, sum0)
	VADDPS(b, sum1, sum1)
	ADDQ(Imm(64), x)
	SUBQ(Imm(16), n)
	JNZ(LabelRef("loop"))
	VMOVUPS(sum0, at(lanes))
	VMOVUPS(sum1, Mem{Base: lanes, Disp: 32})
	VZEROUPPER()
	RET()
}

// maxKernel leaves NaN out, as v > m does: VMAXPS gives its second source where one is NaN.
func maxKernel() {
	text("maxAVX2", "x *float32, n int, lanes *float32", "raises eight lanes to the largest of their elements.")
	x, n, lanes := pointer("x"), pointer("n"), pointer("lanes")
	v, m := YMM(), YMM()
	VMOVUPS(at(lanes), m)
	each(n, func() {
		VMOVUPS(at(x), v)
		VMAXPS(m, v, m)
	}, x)
	VMOVUPS(m, at(lanes))
	VZEROUPPER()
	RET()
}

func swigluKernel() {
	text("swigluAVX2", "dst, gate, up *float32, n int", "is dst = (gate/(1+e^-gate))·up.")
	dst, gate, up, n := pointer("dst"), pointer("gate"), pointer("up"), pointer("n")
	g, e := YMM(), YMM()
	each(n, func() {
		VMOVUPS(at(gate), g)
		VXORPS(constant32("sign"), g, e)
		vexp(e)
		VADDPS(f32("one", 1), e, e)
		VDIVPS(e, g, g)
		VMULPS(at(up), g, g)
		VMOVUPS(g, at(dst))
	}, dst, gate, up)
	VZEROUPPER()
	RET()
}

func sumSquaresKernel() {
	text("sumSquaresAVX2", "x *float32, n int, lanes *float32", "adds squares to sixteen lanes.")
	x, n, lanes := pointer("x"), pointer("n"), pointer("lanes")
	a, b, sum0, sum1 := YMM(), YMM(), YMM(), YMM()
	VMOVUPS(at(lanes), sum0)
	VMOVUPS(Mem{Base: lanes, Disp: 32}, sum1)
	Label("loop")
	VMOVUPS(at(x), a)
	VMOVUPS(Mem{Base: x, Disp: 32}, b)
	VMULPS(a, a, a)
	VMULPS(b, b, b)
	VADDPS(a, sum0, sum0)
	VADDPS(b, sum1, sum1)
	ADDQ(Imm(64), x)
	SUBQ(Imm(16), n)
	JNZ(LabelRef("loop"))
	VMOVUPS(sum0, at(lanes))
	VMOVUPS(sum1, Mem{Base: lanes, Disp: 32})
	VZEROUPPER()
	RET()
}

func scaleKernel() {
	text("scaleByAVX2", "dst, x, w *float32, r float32, n int", "is dst = (x·r)·w.")
	dst, x, w, n := pointer("dst"), pointer("x"), pointer("w"), pointer("n")
	r, v := YMM(), YMM()
	VBROADCASTSS(argument("r"), r)
	each(n, func() {
		VMULPS(at(x), r, v)
		VMULPS(at(w), v, v)
		VMOVUPS(v, at(dst))
	}, dst, x, w)
	VZEROUPPER()
	RET()
}

func addKernel() {
	text("addAVX2", "x, y *float32, n int", "is x += y.")
	x, y, n := pointer("x"), pointer("y"), pointer("n")
	v := YMM()
	each(n, func() {
		VMOVUPS(at(x), v)
		VADDPS(at(y), v, v)
		VMOVUPS(v, at(x))
	}, x, y)
	VZEROUPPER()
	RET()
}

func mergeKernel() {
	text("mergeAVX2", "o *float32, a float32, oc *float32, b float32, n int", "is o = fma(o, a, oc·b).")
	o, oc, n := pointer("o"), pointer("oc"), pointer("n")
	a, b, u, v := YMM(), YMM(), YMM(), YMM()
	VBROADCASTSS(argument("a"), a)
	VBROADCASTSS(argument("b"), b)
	each(n, func() {
		VMOVUPS(at(o), v)
		VMULPS(at(oc), b, u)
		VFMADD213PS(u, a, v)
		VMOVUPS(v, at(o))
	}, o, oc)
	VZEROUPPER()
	RET()
}

// finiteKernel collects the carry out of an exponent of all ones.
func finiteKernel() {
	TEXT("finiteAVX2", NOSPLIT, "func(x *float32, n int) bool")
	Pragma("noescape")
	Doc("finiteAVX2 tells whether x holds neither Inf nor NaN.")
	x, n := pointer("x"), pointer("n")
	v, bad, exponent, unit := YMM(), YMM(), YMM(), YMM()
	values["exponent"], values["unit"] = 0x7f800000, 0x00800000
	VMOVUPS(constant32("exponent"), exponent)
	VMOVUPS(constant32("unit"), unit)
	VPXOR(bad, bad, bad)
	each(n, func() {
		VPAND(at(x), exponent, v)
		VPADDD(unit, v, v)
		VPOR(v, bad, bad)
	}, x)
	mask, ok := GP32(), GP8()
	VMOVMSKPS(bad, mask)
	TESTL(mask, mask)
	SETEQ(ok)
	Store(ok, ReturnIndex(0))
	VZEROUPPER()
	RET()
}

// rotateKernel turns n elements of both halves of a head.
func rotateKernel() {
	text("rotateAVX2", "a, b, cos, sin *float32, n int", "is a, b = fma(a, cos, -(b·sin)), fma(a, sin, b·cos).")
	a, b, cos, sin, n := pointer("a"), pointer("b"), pointer("cos"), pointer("sin"), pointer("n")
	x0, x1, c, s, t, u := YMM(), YMM(), YMM(), YMM(), YMM(), YMM()
	each(n, func() {
		VMOVUPS(at(a), x0)
		VMOVUPS(at(b), x1)
		VMOVUPS(at(cos), c)
		VMOVUPS(at(sin), s)
		VMULPS(s, x1, t)
		VMULPS(c, x1, u)
		VFMSUB231PS(c, x0, t)
		VFMADD231PS(s, x0, u)
		VMOVUPS(t, at(a))
		VMOVUPS(u, at(b))
	}, a, b, cos, sin)
	VZEROUPPER()
	RET()
}

func systemKernels() {
	TEXT("pause", NOSPLIT, "func()")
	Doc("pause tells the core that this is a spin loop.")
	PAUSE()
	RET()

	TEXT("features", NOSPLIT, "func() (ecx uint32)")
	Doc("features is ECX of CPUID leaf 1; bit 29 is F16C.")
	MOVL(U32(1), EAX)
	XORL(ECX, ECX)
	CPUID()
	Store(ECX, ReturnIndex(0))
	RET()
}

func elementwise() {
	for _, kernel := range []func(){
		expKernel, expShiftKernel, maxKernel, swigluKernel, sumSquaresKernel, scaleKernel, addKernel, mergeKernel,
		finiteKernel,
		rotateKernel, systemKernels,
	} {
		kernel()
	}
}
