package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// Attention of a single position reads each key and value once, so its kernels widen them in registers, two tiles at a
// time, and prefetch the next block meanwhile: the memory is what counts. There are kernels for 1 to 8 queries.

// decode is one of them in the making.
type decode struct {
	coefs
	acc    [][2]VecVirtual // [queries][tiles]
	blocks Register        // pointers
	at     Register        // bytes of the blocks that are done
}

// coefs are rows of coefficients, up to eight.
type coefs struct {
	base   [2]Register // rows 0 and 4
	stride [2]Register // the stride, and three times that
}

func newDecode(name, args, doc string, queries int) *decode {
	text(fmt.Sprintf("%sx%dAVX512", name, queries), args, fmt.Sprintf(doc, queries))
	k := &decode{}
	k.base[0], k.stride[0] = pointer("coef"), pointer("coefStride")
	if queries > 3 {
		s3 := GP64()
		LEAQ(Mem{Base: k.stride[0], Index: k.stride[0], Scale: 2}, s3)
		k.stride[1] = s3
	}
	if queries > 4 {
		p4 := GP64()
		LEAQ(Mem{Base: k.base[0], Index: k.stride[0], Scale: 4}, p4)
		k.base[1] = p4
	}
	k.blocks, k.at = pointer("blocks"), GP64()
	for range queries {
		k.acc = append(k.acc, [2]VecVirtual{ZMM(), ZMM()})
	}
	return k
}

func (k *decode) clear() {
	for _, a := range k.acc {
		VXORPS(a[0], a[0], a[0])
		VXORPS(a[1], a[1], a[1])
	}
}

// step multiplies two tiles' vectors by the coefficients that lie disp bytes on.
func (k *decode) step(a, b Mem, disp int) {
	w0, w1, c := ZMM(), ZMM(), ZMM()
	VCVTPH2PS(a, w0)
	VCVTPH2PS(b, w1)
	for h, acc := range k.acc {
		VBROADCASTSS(row(k.base, k.stride, h, disp), c)
		VFMADD231PS(c, w0, acc[0])
		VFMADD231PS(c, w1, acc[1])
	}
}

// advance moves the coefficients on by n elements.
func (k *decode) advance(n int) {
	for _, p := range k.base {
		if p != nil {
			ADDQ(Imm(uint64(4*n)), p)
		}
	}
}

// rewind moves them back by count elements, which it changes.
func (k *decode) rewind(count Register) {
	SHLQ(U8(2), count)
	for _, p := range k.base {
		if p != nil {
			SUBQ(count, p)
		}
	}
}

// store writes the sums, times f where there is one.
func (k *decode) store(out Register, f VecVirtual) {
	to := GP64()
	MOVQ(out, to)
	for h, acc := range k.acc {
		for i, a := range acc {
			if f != nil {
				VMULPS(f, a, a)
			}
			VMOVUPS(a, Mem{Base: to, Disp: 64 * i})
		}
		if h < len(k.acc)-1 {
			ADDQ(argument("outStride"), to)
		}
	}
}

// decodeScores takes two blocks of keys [d][16] at a time, two elements a turn.
func decodeScores(queries int) {
	k := newDecode("scores", "out *float32, outStride uintptr, coef *float32, coefStride uintptr, blocks **uint16, d, pairs int, f float32",
		"is the scores of %d queries in pairs of blocks. Two more blocks are prefetched.", queries)
	out, d, pairs, f := pointer("out"), pointer("d"), pointer("pairs"), ZMM()
	VBROADCASTSS(argument("f"), f)
	a, b, nextA, nextB, left := GP64(), GP64(), GP64(), GP64(), GP64()
	Label("pair")
	for i, p := range []Register{a, b, nextA, nextB} {
		MOVQ(Mem{Base: k.blocks, Disp: 8 * i}, p)
	}
	k.clear()
	XORQ(k.at, k.at)
	MOVQ(d, left)
	Label("step")
	for i := range 2 {
		PREFETCHT0(Mem{Base: []Register{nextA, nextB}[i], Index: k.at, Scale: 1})
		k.step(Mem{Base: a, Index: k.at, Scale: 1, Disp: 32 * i}, Mem{Base: b, Index: k.at, Scale: 1, Disp: 32 * i}, 4*i)
	}
	ADDQ(Imm(64), k.at)
	k.advance(2)
	SUBQ(Imm(2), left)
	JNZ(LabelRef("step"))
	k.store(out, f)
	MOVQ(d, left)
	k.rewind(left)
	ADDQ(Imm(16), k.blocks)
	ADDQ(U32(128), out)
	DECQ(pairs)
	JNZ(LabelRef("pair"))
	VZEROUPPER()
	RET()
}

// decodeValues takes two tiles [16 positions][16] of each block, a position a turn.
func decodeValues(queries int) {
	k := newDecode("values", "out *float32, outStride uintptr, coef *float32, coefStride uintptr, blocks **uint16, offset uintptr, positions, pairs int",
		"is the mix of values for %d queries, in pairs of tiles from offset bytes of each block on. One more block is prefetched.", queries)
	out, offset := pointer("out"), pointer("offset")
	block, a, next, left, steps := GP64(), GP64(), GP64(), GP64(), GP64()
	Label("pair")
	k.clear()
	MOVQ(k.blocks, block)
	MOVQ(argument("positions"), left)
	Label("block")
	MOVQ(Mem{Base: block}, a)
	MOVQ(Mem{Base: block, Disp: 8}, next)
	ADDQ(offset, a)
	ADDQ(offset, next)
	ADDQ(Imm(8), block)
	MOVQ(U32(16), steps)
	CMPQ(left, steps)
	CMOVQLT(left, steps)
	SUBQ(steps, left)
	Label("step")
	PREFETCHT0(Mem{Base: next})
	k.step(Mem{Base: a}, Mem{Base: a, Disp: 512}, 0)
	ADDQ(Imm(32), a)
	ADDQ(Imm(64), next)
	k.advance(1)
	DECQ(steps)
	JNZ(LabelRef("step"))
	TESTQ(left, left)
	JNZ(LabelRef("block"))
	k.store(out, nil)
	MOVQ(argument("positions"), left)
	k.rewind(left)
	ADDQ(U32(1024), offset)
	ADDQ(U32(128), out)
	DECQ(argument("pairs"))
	JNZ(LabelRef("pair"))
	VZEROUPPER()
	RET()
}

func decodes() {
	for queries := 1; queries <= 8; queries++ {
		decodeScores(queries)
		decodeValues(queries)
	}
}
