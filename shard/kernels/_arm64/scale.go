package main

// half widens a quarter's f16 scales.
func (d *dot) half(v V, at, q int) {
	d.op("FMOVD", mem(d.record, at+8*q), v.f())
	d.two(fcvtl, v, v)
}

// line widens a quarter's 8-bit scales of the block.
func (d *dot) line(v V, at, q int, signed bool) {
	d.op("FMOVS", mem(d.scales, at+4*q), v.f())
	if signed {
		d.two(sxtl8, v, v)
		d.two(sxtl4, v, v)
		return
	}
	d.op("VUXTL", v.as("B8"), v.as("H8"))
	d.op("VUXTL", v.as("H4"), v.as("S4"))
}

// timesHalf is w = w·(a quarter's f16 scales).
func (d *dot) timesHalf(at, q int) {
	d.half(d.t, at, q)
	d.two(scvtf, d.w, d.w)
	d.three(fmul, d.w, d.w, d.t)
}

// scale makes a quarter's scale of a part in w.
func (d *dot) scale(q, part int) {
	if d.f.bits == panel {
		d.load(d.w, d.record, 64*part+16*q)
		return
	}
	switch d.f.kind {
	case plain, affine:
		d.half(d.w, 0, q)
		return
	case super, nibble:
		d.line(d.w, 16*part, q, false)
	case signed, pair:
		d.line(d.w, 16*part, q, true)
	}
	if d.f.kind == nibble {
		d.shift(d.w, d.w, "S4", 28)
		d.shift(d.w, d.w, "S4", -28)
	}
	d.timesHalf(0, q)
}

// mins adds the mins of a quarter, the one with index i of the width, ascending, to negated sums.
func (d *dot) mins(q, i int) {
	if !d.f.kind.hasMin() {
		return
	}
	for part := range d.f.kind.parts() {
		d.min(q, part)
		for c := range d.cols {
			d.element(fmlaE, d.sum(d.f.kind.parts()-1, c, i).lo, d.w, d.x[c], d.sumLane(part))
		}
	}
}

// min makes a quarter's min of a part in w, with the sign that it is added with to a negated sum.
func (d *dot) min(q, part int) {
	if d.f.bits == panel {
		d.load(d.w, d.record, 64*(d.f.kind.parts()+part)+16*q)
		return
	}
	switch d.f.kind {
	case affine:
		d.half(d.w, 32, q)
		d.two(fneg, d.w, d.w)
		return
	case super:
		d.line(d.w, 16, q, false)
	case nibble:
		d.line(d.w, 16*part, q, false)
		d.shift(d.w, d.w, "S4", -4)
	}
	d.timesHalf(32, q)
}
