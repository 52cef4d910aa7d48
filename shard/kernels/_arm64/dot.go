package main

import "fmt"

// A kernel of quantised weights takes its sixteen rows as four quarters of four, the 32-bit lanes of a register: one
// register holds four columns of a quarter's codes. Several quarters run at once, so that several sums are under way;
// the sums of all rows and columns stay in registers.

// dot is such a kernel in the making.
type dot struct {
	*kernel
	f    format
	cols int
	// width is how many quarters run at once, fused whether the machine has the dot product.
	width int
	fused bool

	codes, scales, record, inner R
	acts                         []R   // by column
	acc                          [][]V // [column][quarter]
	sums                         []sum // [part][column][quarter of the width]
	x                            []V   // by column: sixteen activations, later their scale and sums
	w, t                         V
	mask                         map[string]V
}

// sum is an integer dot product in the making. Without the dot product it is made of products of two rows, lo and hi,
// in 16 bits, and for wide codes also in 32.
type sum struct{ lo, hi, lo32, hi32 V }

// dot writes the kernel for cols activation rows.
func (f *file) dot(of format, cols int, fused bool) {
	isa, at := "NEON", 2
	if fused {
		isa, at = "NEONDot", 4
	}
	args := []arg{{"y", "*float32"}, {"yStride", "uintptr"}, {"codes", "*byte"}, {"scales", "*byte"},
		{"acts", "*byte"}, {"actStride", "uintptr"}, {"n", "int"}}
	name, doc := fmt.Sprintf("dot%sx%d%s", of.name, cols, isa),
		fmt.Sprintf("multiplies sixteen rows of %s by %d rows of activations.", of.name, cols)
	f.function(name, doc, args, "", func(k *kernel) {
		d := newDot(k, of)
		d.cols, d.width, d.fused, d.acts, d.x = cols, at/cols, fused, k.rows("acts", "actStride", cols), k.vecs(cols)
		d.registers()
		y := k.rows("y", "yStride", cols)
		d.records(d.block)
		for c, row := range d.acc {
			for q, v := range row {
				k.store(v, y[c], 16*q)
			}
		}
		k.op("RET")
	})
}

func newDot(k *kernel, of format) *dot {
	d := &dot{kernel: k, f: of, codes: k.pointer("codes"), scales: k.pointer("scales"), record: k.reg(), inner: k.reg(),
		w: k.vec(), t: k.vec(), mask: map[string]V{}}
	d.constants()
	return d
}

// registers are what the products need.
func (d *dot) registers() {
	for range d.cols {
		d.acc = append(d.acc, d.vecs(4))
	}
	for _, row := range d.acc {
		for _, v := range row {
			d.zero(v)
		}
	}
	d.sums = make([]sum, d.f.kind.parts()*d.cols*d.width)
	for i := range d.sums {
		s := &d.sums[i]
		s.lo = d.vec()
		if !d.fused {
			s.hi = d.vec()
			if d.f.wide() {
				s.lo32, s.hi32 = d.vec(), d.vec()
			}
		}
	}
}

// constants are what unpacking needs.
func (d *dot) constants() {
	for _, name := range map[int][]string{
		2: {"two"}, 3: {"two", "third"}, 4: {"four"}, 5: {"four", "fifth"}, 6: {"four", "sixth"}, 8: {"flip"},
	}[d.f.bits] {
		d.mask[name] = d.bits(masks[name])
	}
	if d.f.table {
		d.mask["table"] = d.vec()
		d.op("MOVD", "$iq4Codes<>(SB)", d.inner)
		d.load(d.mask["table"], d.inner, 0)
	}
}

// sum is the one of a part, column and quarter.
func (d *dot) sum(part, c, i int) *sum { return &d.sums[(part*d.cols+c)*d.width+i] }

// records runs body for every block of n records of scales.
func (d *dot) records(body func()) {
	d.loop("record", d.pointer("n"), 1, func() {
		d.op("MOVD", d.scales, d.record)
		d.add(d.scales, d.f.head())
		if d.f.span() == 1 {
			body()
			return
		}
		d.op("MOVD", "$8", d.inner)
		d.loop("block", d.inner, 1, func() {
			body()
			d.add(d.scales, d.f.kind.step())
		})
	})
}

func (d *dot) block() {
	for q := 0; q < 4; q += d.width {
		d.start()
		for s := range 8 {
			d.step(s, q)
		}
		d.finish()
		d.apply(q)
	}
	d.add(d.codes, d.f.blockBytes())
	for _, a := range d.acts {
		d.add(a, actBytes)
	}
}

// sumAt is where the negated sum of a part's activations lies.
func (d *dot) sumAt(part int) int {
	if d.f.kind.parts() == 1 {
		return actSum
	}
	return actSum0 + 4*part
}

// start sets the sums of fused products to zero·(-Σa).
func (d *dot) start() {
	if !d.fused {
		return
	}
	for c := range d.cols {
		if d.f.zero > 0 {
			d.offsets(c)
		}
		for part := range d.f.kind.parts() {
			for i := range d.width {
				if d.f.zero > 0 {
					d.op("VDUP", d.offset(c, part), d.sum(part, c, i).lo.as("S4"))
				} else {
					d.zero(d.sum(part, c, i).lo)
				}
			}
		}
	}
}

// offsets makes a column's zero·(-Σa), of all activations and of the halves, in x.
func (d *dot) offsets(c int) {
	d.load(d.x[c], d.acts[c], actScale)
	d.two(fcvtzs[d.f.zero], d.x[c], d.x[c])
}

// offset is where a part's lies.
func (d *dot) offset(c, part int) string { return d.x[c].as(fmt.Sprintf("S[%d]", d.sumLane(part))) }

// sumLane is the place of a part's sum in the register that begins with the scale.
func (d *dot) sumLane(part int) int { return (d.sumAt(part) - actScale) / 4 }

// step multiplies the four columns of step s.
func (d *dot) step(s, q int) {
	if s%4 == 0 {
		for c, a := range d.acts {
			d.load(d.x[c], a, 4*s)
		}
	}
	part := s / 4 * (d.f.kind.parts() - 1)
	for i := range d.width {
		d.unpack(s, 16*(q+i))
		for c := range d.cols {
			if d.fused {
				d.element(sdotE, d.sum(part, c, i).lo, d.w, d.x[c], s%4)
			} else {
				d.multiply(s, d.sum(part, c, i), d.x[c])
			}
		}
	}
}

// multiply adds the products of w to a sum of 16 bits, and for wide codes every second time that to one of 32.
func (d *dot) multiply(s int, to *sum, x V) {
	d.op("VDUP", x.as(fmt.Sprintf("S[%d]", s%4)), d.t.as("S4"))
	first := s == 0 || (s == 4 && d.f.kind.parts() == 2) || (s%2 == 0 && d.f.wide())
	if first {
		d.three(smull, to.lo, d.w, d.t)
		d.three(smull2, to.hi, d.w, d.t)
	} else {
		d.three(smlal, to.lo, d.w, d.t)
		d.three(smlal2, to.hi, d.w, d.t)
	}
	if !d.f.wide() || s%2 == 0 {
		return
	}
	add := sadalp
	if s == 1 {
		add = saddlp
	}
	d.two(add, to.lo32, to.lo)
	d.two(add, to.hi32, to.hi)
}

// finish makes one 32-bit sum of a row's parts, in lo, and adds zero·(-Σa).
func (d *dot) finish() {
	if d.fused {
		return
	}
	for c := range d.cols {
		if d.f.zero > 0 {
			d.offsets(c)
		}
		for part := range d.f.kind.parts() {
			d.finishPart(c, part)
		}
	}
}

func (d *dot) finishPart(c, part int) {
	if d.f.zero > 0 {
		d.op("VDUP", d.offset(c, part), d.t.as("S4"))
	}
	for i := range d.width {
		s := d.sum(part, c, i)
		lo, hi := s.lo32, s.hi32
		if !d.f.wide() {
			lo, hi = s.lo, s.hi
			d.two(saddlp, lo, lo)
			d.two(saddlp, hi, hi)
		}
		d.native("VADDP", "S4", s.lo, lo, hi)
		if d.f.zero > 0 {
			d.native("VADD", "S4", s.lo, s.lo, d.t)
		}
	}
}

// apply scales the sums of the quarters from q on and adds them to the accumulators.
func (d *dot) apply(q int) {
	for c, a := range d.acts {
		d.load(d.x[c], a, actScale)
	}
	for i := range d.width {
		last := d.f.kind.parts() - 1
		for part := last; part >= 0; part-- {
			d.scale(q+i, part)
			for c := range d.cols {
				s, u := d.sum(part, c, i).lo, d.sum(last, c, i).lo
				d.two(scvtf, s, s)
				if part == last {
					d.three(fmul, u, u, d.w)
				} else {
					d.native("VFMLA", "S4", u, s, d.w)
				}
			}
		}
		d.mins(q+i, i)
		for c := range d.cols {
			d.element(fmlaE, d.acc[c][q+i], d.sum(last, c, i).lo, d.x[c], 0)
		}
	}
}
