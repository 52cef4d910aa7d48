package main

import "math"

// largest leaves NaN out of the lanes, as v > m does, and reports it.
func (f *file) largest() {
	doc := "raises sixteen lanes to the largest of their elements and tells whether x holds neither NaN nor +Inf."
	f.function("largestNEON", doc, with(pointers("x", "lanes"), count), "bool", func(k *kernel) {
		x, lanes, n, top := k.pointer("x"), k.pointer("lanes"), k.pointer("n"), k.vecs(4)
		v, more, fine := k.vec(), k.vec(), k.bits(0xffffffff)
		most, bits := k.bits(math.Float32bits(math.MaxFloat32)), k.reg()
		for i, m := range top {
			k.load(m, lanes, 16*i)
		}
		k.loop("loop", n, 16, func() {
			for i, m := range top {
				k.load(v, x, 16*i)
				k.three(fcmgt, more, v, m)
				k.native("VBIT", "B16", m, v, more)
				k.three(fcmge, more, most, v)
				k.native("VAND", "B16", fine, fine, more)
			}
			k.add(x, 64)
		})
		for i, m := range top {
			k.store(m, lanes, 16*i)
		}
		k.two(uminv, fine, fine)
		k.op("VMOV", fine.as("S[0]"), bits)
		k.op("AND", "$1", bits)
		k.op("MOVB", bits, k.fp("ret"))
		k.op("RET")
	})
}

// atLeast looks at sixteen elements a turn.
func (f *file) atLeast() {
	args := with(pointers("x"), count, arg{"low", "float32"})
	f.function("atLeastNEON", "is where sixteen elements begin of which one is at least low, or n.", args, "int", func(k *kernel) {
		x, n, low, v, found := k.pointer("x"), k.pointer("n"), k.spread("low"), k.vecs(4), k.vec()
		at, bits := k.reg(), k.reg()
		k.op("MOVD", "$0", at)
		k.label("loop")
		for i := range v {
			k.load(v[i], x, 16*i)
			k.three(fcmge, v[i], v[i], low)
		}
		k.native("VORR", "B16", v[0], v[0], v[1])
		k.native("VORR", "B16", v[2], v[2], v[3])
		k.native("VORR", "B16", found, v[0], v[2])
		k.two(umaxv, found, found)
		k.op("VMOV", found.as("S[0]"), bits)
		k.op("CBNZW", bits, "found")
		k.add(x, 64)
		k.add(at, 16)
		k.op("CMP", at, n)
		k.op("BNE", "loop")
		k.label("found")
		k.op("MOVD", at, k.fp("ret"))
		k.op("RET")
	})
}
