package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// ahead is how far the codes are prefetched: over the page's end, where the hardware stops. The scales, a sixteenth of
// them, follow as far.
const (
	ahead       = 4096
	scalesAhead = 512
)

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
func (k kind) span() int {
	if k == plain || k == affine {
		return 1
	}
	return 8
}

// head is the size of a record's f16 lines, step that of a block's line after them.
func (k kind) head() int {
	if k.hasMin() {
		return 64
	}
	return 32
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

// mins is the number of mins to a block.
func (k kind) mins() int {
	if k == nibble {
		return 2
	}
	return 1
}

// format is a weight format as package kernels repacks it.
type format struct {
	name  string
	bits  int
	zero  int
	table bool
	kind  kind
}

var formats = []format{
	{"Q8_0", 8, 128, false, plain},
	{"Q4_0", 4, 8, false, plain},
	{"Q4_1", 4, 0, false, affine},
	{"Q5_0", 5, 16, false, plain},
	{"Q5_1", 5, 0, false, affine},
	{"IQ4_NL", 4, 128, true, plain},
	{"IQ4_XS", 4, 128, true, signed},
	{"Q4_K", 4, 0, false, super},
	{"Q5_K", 5, 0, false, super},
	{"Q6_K", 6, 32, false, pair},
	{"Q3_K", 3, 4, false, pair},
	{"Q2_K", 2, 0, false, nibble},
}

// constants are the names of the masks that unpacking needs.
func (f *format) constants() []string {
	names := map[int][]string{
		2: {"two"}, 3: {"two", "third"}, 4: {"four"}, 5: {"four", "fifth"}, 6: {"four", "sixth"}, 8: nil,
	}[f.bits]
	if f.table {
		names = append(names, "table")
	}
	return names
}

// blockBytes is the size of sixteen rows' codes of 32 columns.
func (f *format) blockBytes() int { return 64 * f.bits }

// dot is a kernel in the making.
type dot struct {
	f    format
	cols int
	tag  string // of the labels
	vnni bool   // 256 bits with VPDPBUSD

	y, yStride, codes, scales, acts Register
	n, inner                        GPVirtual
}

const signature = "func(y *float32, yStride uintptr, codes, scales, acts *byte, n int)"

// newDot begins a kernel: y [cols, yStride bytes] receives n records' products.
func newDot(f format, cols int, isa string) *dot {
	name := fmt.Sprintf("dot%sx%d%s", f.name, cols, isa)
	TEXT(name, NOSPLIT, signature)
	Pragma("noescape")
	Doc(fmt.Sprintf("%s multiplies sixteen rows of %s by %d rows of activations.", name, f.name, cols))
	k := &dot{f: f, cols: cols, inner: GP64()}
	k.y, k.yStride = Load(Param("y"), GP64()), Load(Param("yStride"), GP64())
	k.codes, k.scales = Load(Param("codes"), GP64()), Load(Param("scales"), GP64())
	k.acts, k.n = Load(Param("acts"), GP64()), Load(Param("n"), GP64()).(GPVirtual)
	return k
}

// act addresses the activation block of column c.
func (k *dot) act(c, at int) Mem { return Mem{Base: k.acts, Disp: c*actBytes + at} }

// sumAt is where the negated sum of a part lies, startAt where its dot product begins.
func (k *dot) sumAt(part int) int   { return actSum + k.word(part) }
func (k *dot) startAt(part int) int { return actStart + k.word(part) }

// word is a part's place among those of all, of the first half and of the second.
func (k *dot) word(part int) int {
	if k.f.kind.parts() == 1 {
		return 0
	}
	return 4 + 4*part
}

func (k *dot) code(at int) Mem  { return Mem{Base: k.codes, Disp: at} }
func (k *dot) scale(at int) Mem { return Mem{Base: k.scales, Disp: at} }

// advance goes on to the next block or record.
func (k *dot) advance() {
	ADDQ(U32(k.cols*actBytes), k.acts)
	k.moveOn()
}

// moveOn goes on to the next block or record of the weights.
func (k *dot) moveOn() {
	ADDQ(U32(k.f.blockBytes()), k.codes)
	if k.f.kind.span() == 1 {
		ADDQ(U32(k.f.kind.head()), k.scales)
	} else {
		ADDQ(U32(k.f.kind.step()), k.scales)
		DECQ(k.inner)
		JNZ(LabelRef("block" + k.tag))
	}
	DECQ(k.n)
	JNZ(LabelRef("record" + k.tag))
}
