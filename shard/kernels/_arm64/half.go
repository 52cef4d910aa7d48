package main

// widenRows copies rows of binary16 as float32; n is a positive multiple of 16.
func (f *file) widenRows() {
	args := []arg{{"dst", "*float32"}, {"dstStride", "uintptr"}, {"src", "*uint16"}, {"n", "int"}, {"rows", "int"}}
	f.function("widenNEON", "copies rows of n halves as float32. The stride is in bytes.", args, "", func(k *kernel) {
		dst, stride, src, n := k.pointer("dst"), k.pointer("dstStride"), k.pointer("src"), k.pointer("n")
		to, left, w := k.reg(), k.reg(), k.vecs(4)
		k.loop("row", k.pointer("rows"), 1, func() {
			k.op("MOVD", dst, to)
			k.op("MOVD", n, left)
			k.loop("loop", left, 16, func() {
				elems[0].widen(k, w, src, 0)
				for i, v := range w {
					k.store(v, to, 16*i)
				}
				k.add(src, 32)
				k.add(to, 64)
			})
			k.op("ADD", stride, dst)
		})
		k.op("RET")
	})
}

// toHalf rounds to binary16 as FPCR has it from the start: to nearest even, IEEE's own format, with subnormals.
func (f *file) toHalf() {
	args := []arg{{"dst", "*uint16"}, {"x", "*float32"}, count}
	f.function("toHalfNEON", "rounds x to halves and tells whether all are finite.", args, "bool", func(k *kernel) {
		dst, x, n := k.pointer("dst"), k.pointer("x"), k.pointer("n")
		v, top, exponent := k.vecs(4), k.vec(), k.bits(0x7c007c00)
		k.zero(top)
		k.loop("loop", n, 16, func() {
			for i := range v {
				k.load(v[i], x, 16*i)
			}
			for i := 0; i < 4; i += 2 {
				k.two(fcvtn, v[i], v[i])
				k.two(fcvtn2, v[i], v[i+1])
				k.store(v[i], dst, 8*i)
				k.native("VAND", "B16", v[i], v[i], exponent)
				k.native("VUMAX", "H8", top, top, v[i])
			}
			k.add(x, 64)
			k.add(dst, 32)
		})
		k.two(umaxv8, top, top)
		k.below(top, "H[0]", 0x7c00)
	})
}
