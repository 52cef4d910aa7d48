package main

import "fmt"

// peakChains hide the latency of any instruction here.
const peakChains = 12

// ceilings are loops of nothing but one kind of work: what the products are judged against.
func (f *file) ceilings() {
	f.function("readNEON", "loads 512 bytes a turn.", []arg{{"p", "*byte"}, {"turns", "int"}}, "", func(k *kernel) {
		p, n, v := k.pointer("p"), k.pointer("turns"), k.vecs(8)
		k.loop("turn", n, 1, func() {
			for at := 0; at < 512; at += 32 {
				a, b := v[at/16%8], v[at/16%8+1]
				k.op("FLDPQ", mem(p, at), fmt.Sprintf("(%s, %s)", a.f(), b.f()))
			}
			k.add(p, 512)
		})
		k.op("RET")
	})
	f.peak("floatPeakNEON", "FMLA", func(k *kernel, sum, x V) { k.element(fmlaE, sum, x, x, 0) })
	f.peak("int8PeakNEON", "SMLAL", func(k *kernel, sum, x V) { k.three(smlal, sum, x, x) })
	f.peak("int8PeakNEONDot", "SDOT", func(k *kernel, sum, x V) { k.element(sdotE, sum, x, x, 0) })
}

// peak is a loop of independent chains of an instruction.
func (f *file) peak(name, of string, step func(k *kernel, sum, x V)) {
	doc := fmt.Sprintf("computes %d times %s a turn.", peakChains, of)
	f.function(name, doc, []arg{{"turns", "int"}}, "", func(k *kernel) {
		n, x, sums := k.pointer("turns"), k.vec(), k.vecs(peakChains)
		for _, v := range append(sums, x) {
			k.zero(v)
		}
		k.loop("turn", n, 1, func() {
			for _, sum := range sums {
				step(k, sum, x)
			}
		})
		k.op("RET")
	})
}
