package main

// kind is a scaleKind of package kernels, in the same order.
type kind int

const (
	plain kind = iota
	affine
	super
	signed
	pair
	nibble
)

func (k kind) hasMin() bool { return k == affine || k == super || k == nibble }

// span is the number of blocks to a record of scales.
func (f *format) span() int {
	if f.bits == panel || f.kind == plain || f.kind == affine {
		return 1
	}
	return 8
}

// head is the size of a record's f16 lines, step that of a block's line after them.
func (f *format) head() int {
	switch {
	case f.bits == panel:
		return 64 * f.lines()
	case f.kind.hasMin():
		return 64
	}
	return 32
}

// lines are a block's scales and mins.
func (f *format) lines() int {
	if f.kind.hasMin() {
		return 2 * f.kind.parts()
	}
	return f.kind.parts()
}

func (k kind) step() int {
	if k == signed {
		return 16
	}
	return 32
}

// parts is 2 where the halves of a block have scales of their own.
func (k kind) parts() int {
	if k == pair || k == nibble {
		return 2
	}
	return 1
}

// format is a weight format as package kernels repacks it.
type format struct {
	name  string
	bits  int
	zero  int // the code that stands for 0, taken off by way of the activations' sum; codes of 8 bits are made signed
	table bool
	kind  kind
}

var formats = []format{
	{"Q8_0", 8, 0, false, plain},
	{"Q4_0", 4, 8, false, plain},
	{"Q4_1", 4, 0, false, affine},
	{"Q5_0", 5, 16, false, plain},
	{"Q5_1", 5, 0, false, affine},
	{"IQ4_NL", 4, 0, true, plain},
	{"IQ4_XS", 4, 0, true, signed},
	{"Q4_K", 4, 0, false, super},
	{"Q5_K", 5, 0, false, super},
	{"Q6_K", 6, 32, false, pair},
	{"Q3_K", 3, 4, false, pair},
	{"Q2_K", 2, 0, false, nibble},
}

// wide tells whether the products of two steps fill 16 bits: 2·128·127. Of narrower codes, those of all steps that
// have a scale in common fit: 8·31·127 or 4·63·127.
func (f *format) wide() bool { return f.bits == 8 || f.table }

// blockBytes is the size of sixteen rows' codes of 32 columns.
func (f *format) blockBytes() int {
	if f.bits == panel {
		return 512
	}
	return 64 * f.bits
}

// panel stands for the bits of a code that is unpacked already, to a signed byte, with scales and mins in float32.
const panel = 0

// panels are the formats of unpacked weights, by what scales and mins they have.
var panels = []format{
	{name: "Panel", kind: plain}, {name: "PanelMin", kind: affine},
	{name: "PanelPair", kind: pair}, {name: "PanelPairMin", kind: nibble},
}

// iq4 is the value of each code of IQ4_NL and IQ4_XS.
var iq4 = [16]int8{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}
