package main

import (
	"fmt"
	"math"
)

// Element by element: n counts elements and is a positive multiple of 16. Each kernel does what its namesake in
// package kernels does, operation for operation.

// each runs body for every 16 elements of n, four registers of them, and moves the pointers on.
func (k *kernel) each(n R, body func(at int), pointers ...R) {
	k.loop("loop", n, 16, func() {
		for at := 0; at < 64; at += 16 {
			body(at)
		}
		for _, p := range pointers {
			k.add(p, 64)
		}
	})
	k.op("RET")
}

// exponential holds the constants of Exp and room for its steps.
type exponential struct {
	k                              *kernel
	low, high, inf, log2e, hi, lo  V
	c6, c5, c4, c3, half, one      V
	n, power, below, above, horner V
}

func (k *kernel) exponential() *exponential {
	c := func(v float32) V { return k.bits(math.Float32bits(v)) }
	return &exponential{
		k: k, low: c(-87.3), high: c(88.7), inf: c(float32(math.Inf(1))), log2e: c(0x1.715476p+0),
		hi: c(0x1.62e43p-1), lo: c(-0x1.05c61p-29),
		c6: c(0x1.6d10fcp-10), c5: c(0x1.120b62p-7), c4: c(0x1.55551ap-5), c3: c(0x1.5554dep-3), half: c(0.5), one: c(1),
		n: k.vec(), power: k.vec(), below: k.vec(), above: k.vec(), horner: k.vec(),
	}
}

// replace is x = e^x.
func (e *exponential) replace(x V) {
	k := e.k
	k.three(fcmge, e.below, x, e.low) // false for NaN, which gives 0
	k.three(fcmgt, e.above, x, e.high)
	k.three(fmul, e.n, x, e.log2e)
	k.two(frintn, e.n, e.n)
	k.two(fcvtns, e.power, e.n)
	k.native("VFMLS", "S4", x, e.n, e.hi)
	k.native("VFMLS", "S4", x, e.n, e.lo)
	p, q := e.horner, e.n
	k.move(p, e.c5)
	k.native("VFMLA", "S4", p, e.c6, x)
	for _, c := range []V{e.c4, e.c3, e.half, e.one, e.one} {
		k.move(q, c)
		k.native("VFMLA", "S4", q, p, x)
		p, q = q, p
	}
	k.op("VSHL", "$23", e.power.as("S4"), e.power.as("S4"))
	k.native("VADD", "S4", p, p, e.power)
	k.native("VAND", "B16", x, p, e.below)
	k.native("VBIT", "B16", x, e.inf, e.above)
}

func pointers(names ...string) []arg {
	args := make([]arg, len(names))
	for i, n := range names {
		args[i] = arg{n, "*float32"}
	}
	return args
}

func with(args []arg, more ...arg) []arg { return append(args, more...) }

var count = arg{"n", "int"}

func (f *file) exp() {
	f.function("expNEON", "is x = e^x.", with(pointers("x"), count), "", func(k *kernel) {
		x, n, v := k.pointer("x"), k.pointer("n"), k.vec()
		e := k.exponential()
		k.each(n, func(at int) {
			k.load(v, x, at)
			e.replace(v)
			k.store(v, x, at)
		}, x)
	})
}

// lanes loads sixteen sums, runs body and stores them.
func (k *kernel) lanes(body func(sum []V)) {
	p, sum := k.pointer("lanes"), k.vecs(4)
	for i, s := range sum {
		k.load(s, p, 16*i)
	}
	body(sum)
	for i, s := range sum {
		k.store(s, p, 16*i)
	}
	k.op("RET")
}

func (f *file) expShift() {
	args := []arg{{"x", "*float32"}, {"lanes", "*float32"}, count, {"shift", "float32"}}
	f.function("expShiftNEON", "is x = e^(x-shift) and adds it to sixteen lanes.", args, "", func(k *kernel) {
		x, n, v, shift := k.pointer("x"), k.pointer("n"), k.vec(), k.spread("shift")
		e := k.exponential()
		k.lanes(func(sum []V) {
			k.loop("loop", n, 16, func() {
				for i, s := range sum {
					k.load(v, x, 16*i)
					k.three(fsub, v, v, shift)
					e.replace(v)
					k.store(v, x, 16*i)
					k.three(fadd, s, s, v)
				}
				k.add(x, 64)
			})
		})
	})
}

func (f *file) sumSquares() {
	f.function("sumSquaresNEON", "adds squares to sixteen lanes.", with(pointers("x", "lanes"), count), "", func(k *kernel) {
		x, n, v := k.pointer("x"), k.pointer("n"), k.vecs(4)
		k.lanes(func(sum []V) {
			k.loop("loop", n, 16, func() {
				for i, s := range sum {
					k.load(v[i], x, 16*i)
					k.three(fmul, v[i], v[i], v[i])
					k.three(fadd, s, s, v[i])
				}
				k.add(x, 64)
			})
		})
	})
}

// max leaves NaN out, as v > m does.
func (f *file) max() {
	f.function("maxNEON", "raises sixteen lanes to the largest of their elements.", with(pointers("x", "lanes"), count), "", func(k *kernel) {
		x, n, v, more := k.pointer("x"), k.pointer("n"), k.vec(), k.vec()
		k.lanes(func(top []V) {
			k.loop("loop", n, 16, func() {
				for i, m := range top {
					k.load(v, x, 16*i)
					k.three(fcmgt, more, v, m)
					k.native("VBIT", "B16", m, v, more)
				}
				k.add(x, 64)
			})
		})
	})
}

func (f *file) swiglu() {
	args := with(pointers("dst", "gate", "up"), count)
	f.function("swigluNEON", "is dst = (gate/(1+e^-gate))·up.", args, "", func(k *kernel) {
		dst, gate, up, n := k.pointer("dst"), k.pointer("gate"), k.pointer("up"), k.pointer("n")
		g, u, v, e := k.vec(), k.vec(), k.vec(), k.exponential()
		k.each(n, func(at int) {
			k.load(g, gate, at)
			k.load(u, up, at)
			k.two(fneg, v, g)
			e.replace(v)
			k.three(fadd, v, v, e.one)
			k.three(fdiv, g, g, v)
			k.three(fmul, g, g, u)
			k.store(g, dst, at)
		}, dst, gate, up)
	})
}

func (f *file) scaleBy() {
	args := with(pointers("dst", "x", "w"), count, arg{"r", "float32"})
	f.function("scaleByNEON", "is dst = (x·r)·w.", args, "", func(k *kernel) {
		dst, x, w, n := k.pointer("dst"), k.pointer("x"), k.pointer("w"), k.pointer("n")
		r, v, u := k.spread("r"), k.vec(), k.vec()
		k.each(n, func(at int) {
			k.load(v, x, at)
			k.load(u, w, at)
			k.three(fmul, v, v, r)
			k.three(fmul, v, v, u)
			k.store(v, dst, at)
		}, dst, x, w)
	})
}

func (f *file) divide() {
	args := with(pointers("dst", "x"), count, arg{"l", "float32"})
	f.function("divideNEON", "is dst = x / l.", args, "", func(k *kernel) {
		dst, x, n, l, v := k.pointer("dst"), k.pointer("x"), k.pointer("n"), k.spread("l"), k.vec()
		k.each(n, func(at int) {
			k.load(v, x, at)
			k.three(fdiv, v, v, l)
			k.store(v, dst, at)
		}, dst, x)
	})
}

func (f *file) addTo() {
	f.function("addNEON", "is x += y.", with(pointers("x", "y"), count), "", func(k *kernel) {
		x, y, n, v, u := k.pointer("x"), k.pointer("y"), k.pointer("n"), k.vec(), k.vec()
		k.each(n, func(at int) {
			k.load(v, x, at)
			k.load(u, y, at)
			k.three(fadd, v, v, u)
			k.store(v, x, at)
		}, x, y)
	})
}

func (f *file) merge() {
	args := with(pointers("o", "oc"), count, arg{"a", "float32"}, arg{"b", "float32"})
	f.function("mergeNEON", "is o = fma(o, a, oc·b).", args, "", func(k *kernel) {
		o, oc, n := k.pointer("o"), k.pointer("oc"), k.pointer("n")
		a, b, v, u := k.spread("a"), k.spread("b"), k.vec(), k.vec()
		k.each(n, func(at int) {
			k.load(v, o, at)
			k.load(u, oc, at)
			k.three(fmul, u, u, b)
			k.native("VFMLA", "S4", u, v, a)
			k.store(u, o, at)
		}, o, oc)
	})
}

// finite looks for an exponent of all ones.
func (f *file) finite() {
	f.function("finiteNEON", "tells whether x holds neither Inf nor NaN.", with(pointers("x"), count), "bool", func(k *kernel) {
		x, n, v, top, exponent := k.pointer("x"), k.pointer("n"), k.vec(), k.vec(), k.bits(0x7f800000)
		k.zero(top)
		k.loop("loop", n, 16, func() {
			for at := 0; at < 64; at += 16 {
				k.load(v, x, at)
				k.native("VAND", "B16", v, v, exponent)
				k.native("VUMAX", "S4", top, top, v)
			}
			k.add(x, 64)
		})
		k.two(umaxv, top, top)
		k.below(top, "S[0]", 0x7f800000)
	})
}

// below returns whether an element, as an integer, differs from its largest possible value.
func (k *kernel) below(v V, element string, limit uint32) {
	bits, most := k.reg(), k.reg()
	k.op("VMOV", v.as(element), bits)
	k.op("MOVD", fmt.Sprintf("$%#x", limit), most)
	k.op("CMPW", most, bits)
	k.op("CSET", "NE", bits)
	k.op("MOVB", bits, k.fp("ret"))
	k.op("RET")
}

// rotate turns n elements of both halves of a head.
func (f *file) rotate() {
	args := with(pointers("a", "b", "cos", "sin"), count)
	f.function("rotateNEON", "is a, b = fma(a, cos, -(b·sin)), fma(a, sin, b·cos).", args, "", func(k *kernel) {
		a, b, cos, sin, n := k.pointer("a"), k.pointer("b"), k.pointer("cos"), k.pointer("sin"), k.pointer("n")
		x0, x1, c, s, t, u := k.vec(), k.vec(), k.vec(), k.vec(), k.vec(), k.vec()
		k.each(n, func(at int) {
			k.load(x0, a, at)
			k.load(x1, b, at)
			k.load(c, cos, at)
			k.load(s, sin, at)
			k.three(fmul, t, x1, s)
			k.two(fneg, t, t)
			k.three(fmul, u, x1, c)
			k.native("VFMLA", "S4", t, x0, c)
			k.native("VFMLA", "S4", u, x0, s)
			k.store(t, a, at)
			k.store(u, b, at)
		}, a, b, cos, sin)
	})
}

func (f *file) pause() {
	f.function("pause", "tells the core that this is a spin loop.", nil, "", func(k *kernel) {
		k.op("YIELD")
		k.op("RET")
	})
}
