package main

// unpack makes panels: for many rows of activations, unpacking once is less work.
func (f *file) unpack(of format) {
	args := []arg{{"panel", "*byte"}, {"lines", "*float32"}, {"codes", "*byte"}, {"scales", "*byte"}, {"n", "int"}}
	doc := "unpacks n records: to a panel of signed bytes, and for each block a line of every scale and min."
	f.function("unpack"+of.name+"NEON", doc, args, "", func(k *kernel) {
		d := newDot(k, of)
		to, lines, zero := k.pointer("panel"), k.pointer("lines"), k.bits(uint32(of.zero)*0x01010101)
		d.records(func() {
			for s := range 8 {
				for at := 0; at < 64; at += 16 {
					d.unpack(s, at)
					if of.zero > 0 {
						k.native("VSUB", "B16", d.w, d.w, zero)
					}
					k.store(d.w, to, 64*s+at)
				}
			}
			d.storeLines(lines)
			k.add(to, 512)
			k.add(d.codes, of.blockBytes())
		})
		k.op("RET")
	})
}

// storeLines stores a block's scales and then its mins.
func (d *dot) storeLines(to R) {
	makers := []func(q, part int){d.scale}
	if d.f.kind.hasMin() {
		makers = append(makers, d.min)
	}
	for i, line := range makers {
		for part := range d.f.kind.parts() {
			for q := range 4 {
				line(q, part)
				d.store(d.w, to, 64*(i*d.f.kind.parts()+part)+16*q)
			}
		}
	}
	d.add(to, 64*d.f.lines())
}
