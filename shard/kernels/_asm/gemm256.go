package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// gemm256 is gemm512 with the sixteen registers of AVX-VNNI: one panel after the other, and where blocks have two
// parts one half after the other. They hold the integer sums; the accumulators are in memory.
func gemm256(s scaling, cols int) {
	name := fmt.Sprintf("gemm%sx%dAVXVNNI", s.name, cols)
	TEXT(name, NOSPLIT, gemmSignature)
	Pragma("noescape")
	Doc(fmt.Sprintf("%s multiplies two unpacked panels by %d rows of activations.", name, cols))
	k := &gemm{scaling: s, cols: cols}
	k.acc = Load(Param("acc"), GP64())
	k.next, k.ahead = Load(Param("next"), GP64()), Load(Param("ahead"), GP64())
	k.clear256()
	codes, scales, panels := Load(Param("codes"), GP64()), Load(Param("scales"), GP64()), GP64()
	MOVQ(U32(2), panels)
	Label("panel")
	for _, halves := range [][][]int{{{0, 1}}, {{0}, {1}}}[s.parts-1] {
		label := fmt.Sprintf("block%d", halves[0])
		k.codes, k.scales = GP64(), GP64()
		MOVQ(codes, k.codes)
		MOVQ(scales, k.scales)
		k.acts, k.n = Load(Param("acts"), GP64()), Load(Param("blocks"), GP64())
		Label(label)
		k.block256(halves)
		if halves[0] == 0 {
			k.fetch256()
		}
		ADDQ(U32(512), k.codes)
		ADDQ(U32(2*64*k.lines()), k.scales)
		ADDQ(U32(k.cols*actBytes), k.acts)
		DECQ(k.n)
		JNZ(LabelRef(label))
	}
	ADDQ(Load(Param("panel"), GP64()), codes)
	ADDQ(U32(64*k.lines()), scales)
	ADDQ(U32(64), k.acc)
	DECQ(panels)
	JNZ(LabelRef("panel"))
	k.end256()
}

// clear256 sets the accumulators to zero at first.
func (k *gemm) clear256() {
	first, zero := Load(Param("first"), GP8()), YMM()
	TESTB(first, first)
	JZ(LabelRef("resume"))
	VPXOR(zero, zero, zero)
	for at := 0; at < 128*k.cols; at += 32 {
		VMOVDQU(zero, Mem{Base: k.acc, Disp: at})
	}
	Label("resume")
}

// end256 copies the accumulators to y, where it is given.
func (k *gemm) end256() {
	y, stride, t := Load(Param("y"), GP64()), Load(Param("yStride"), GP64()), YMM()
	TESTQ(y, y)
	JZ(LabelRef("keep"))
	for c := range k.cols {
		for at := 0; at < 128; at += 32 {
			VMOVUPS(Mem{Base: k.acc, Disp: 128*(c-1) + at}, t)
			VMOVUPS(t, Mem{Base: y, Disp: at})
		}
		ADDQ(stride, y)
	}
	Label("keep")
	VZEROUPPER()
	RET()
}

// block256 adds a block to some halves of a panel.
func (k *gemm) block256(halves []int) {
	var u vectors
	for part := k.parts - 1; part >= 0; part-- {
		ints := k.dots256(halves, part)
		ws := YMM()
		for h, half := range halves {
			VMOVUPS(k.half(part, half), ws)
			for c, i := range ints {
				if part == k.parts-1 {
					VFMADD213PS(k.half(k.parts, half), ws, i[h])
					continue
				}
				VSUBPS(constant32("magicInt"), i[h], i[h])
				VFMADD213PS(u[c][h], ws, i[h])
			}
		}
		u = ints
	}
	x := YMM()
	for i := range k.mins {
		for c := range u {
			VBROADCASTSS(k.act(c, actSum+4*(i+k.parts-1)), x)
			for h, half := range halves {
				VFMADD231PS(k.half(k.parts+1+i, half), x, u[c][h])
			}
		}
	}
	for c := range u {
		VBROADCASTSS(k.act(c, actScale), x)
		for h, half := range halves {
			at := Mem{Base: k.acc, Disp: 128*c + 32*half}
			VFMADD213PS(at, x, u[c][h])
			VMOVUPS(u[c][h], at)
		}
	}
}

// fetch256 prefetches half as much as gemm512 does a block: there are two passes.
func (k *gemm) fetch256() {
	for i := range fetched / 2 {
		PREFETCHT1(Mem{Base: k.ahead, Disp: 64 * i})
	}
	for i := range (k.cols + 1) / 2 {
		PREFETCHT0(Mem{Base: k.next, Disp: 64 * i})
	}
	ADDQ(U32(64*(fetched/2)), k.ahead)
	ADDQ(U32(64*((k.cols+1)/2)), k.next)
}

// half is a half of line i of the scales.
func (k *gemm) half(i, half int) Mem { return Mem{Base: k.scales, Disp: 64*i + 32*half} }

// dots256 gives the integer dots of a part, plus magic: [column][half].
func (k *gemm) dots256(halves []int, part int) vectors {
	ints := newVectors(k.cols, len(halves))
	for c := range ints {
		for h := range halves {
			if k.mins > 0 {
				VMOVDQU(constant32("magicInt"), ints[c][h])
			} else {
				VPBROADCASTD(k.act(c, actStart+4*(part+k.parts-1)), ints[c][h])
			}
		}
	}
	x := YMM()
	w := newVectors(1, len(halves))[0]
	for s := part * 4; s < part*4+8/k.parts; s++ {
		for h, half := range halves {
			VMOVDQU(Mem{Base: k.codes, Disp: 64*s + 32*half}, w[h])
		}
		for c := range ints {
			VPBROADCASTD(k.act(c, 4*s), x)
			for h := range halves {
				VPDPBUSD(x, w[h], ints[c][h])
			}
		}
	}
	return ints
}
