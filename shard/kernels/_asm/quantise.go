package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The layout of actBlock.
const (
	actScale = 32 // float32
	actSum   = 36 // float32: -Σ; then those of the halves
	actStart = 48 // int32: magic's bits - 128·Σ; then those of the halves
	actBytes = 64
)

// magic is 1.5·2^23: an integer below 2^22 added to its bits is the integer added to the number.
const magic = 0x1.8p23

func init() {
	values["magicInt"] = math.Float32bits(magic)
	values["minusMagic"] = math.Float32bits(-magic)
}

// quantiseKernel rounds blocks of 32 to integers. No clamp is needed: |x|·(127/amax) is below 127.5.
func quantiseKernel() {
	text("quantiseAVX2", "dst *byte, step uintptr, x *float32, blocks int",
		"fills activation blocks, step bytes apart; x must be finite.")
	dst, step, x, n := pointer("dst"), pointer("step"), pointer("x"), pointer("blocks")
	values["abs"] = 0x7fffffff
	v := []VecVirtual{YMM(), YMM(), YMM(), YMM()}
	top, t := YMM(), YMM()
	Label("loop")
	for i := range v {
		VMOVUPS(Mem{Base: x, Disp: 32 * i}, v[i])
		if i == 0 {
			VPAND(constant32("abs"), v[i], top)
		} else {
			VPAND(constant32("abs"), v[i], t)
			VPMAXUD(t, top, top)
		}
	}
	amax, scale := XMM(), XMM()
	VEXTRACTI128(U8(1), top, amax)
	VPMAXUD(top.AsX(), amax, amax)
	VPSHUFD(U8(0x4e), amax, t.AsX())
	VPMAXUD(t.AsX(), amax, amax)
	VPSHUFD(U8(0xb1), amax, t.AsX())
	VPMAXUD(t.AsX(), amax, amax)
	VUCOMISS(f32("tiny", 0x1p-100), amax)
	JAE(LabelRef("fill"))
	VPXOR(t, t, t)
	VMOVDQU(t, at(dst))
	VMOVDQU(t.AsX(), Mem{Base: dst, Disp: actScale})
	VMOVDQU(constant32("magicInt"), t.AsX())
	VMOVDQU(t.AsX(), Mem{Base: dst, Disp: actStart})
	JMP(LabelRef("next"))
	Label("fill")
	VDIVSS(f32("topLevel", 127), amax, t.AsX())
	VMOVAPS(t.AsX(), scale)
	VMOVSS(f32("topLevel", 127), t.AsX())
	VDIVSS(amax, t.AsX(), t.AsX())
	VBROADCASTSS(t.AsX(), t)
	for i := range v {
		VMULPS(t, v[i], v[i])
		VCVTPS2DQ(v[i], v[i])
	}
	VPACKSSDW(v[1], v[0], v[0])
	VPACKSSDW(v[3], v[2], v[2])
	VPACKSSWB(v[2], v[0], v[0])
	VMOVDQU(order(), t)
	VPERMD(v[0], t, v[0])
	VMOVDQU(v[0], at(dst))
	negatedSums(v[0], dst)
	VMOVSS(scale, Mem{Base: dst, Disp: actScale})
	Label("next")
	ADDQ(Imm(128), x)
	ADDQ(step, dst)
	DECQ(n)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// order undoes the packs, which work within halves of a register.
func order() Mem {
	return once("order", func() {
		for i, v := range []uint32{0, 4, 1, 5, 2, 6, 3, 7} {
			DATA(4*i, U32(v))
		}
	})
}

// negatedSums stores -Σ of all and of the halves, a word too low for the scale's place in front of them, and the
// starts of the dot products.
func negatedSums(q VecVirtual, dst Register) {
	values["bytes"] = 0x01010101
	t, zero := YMM(), YMM()
	VMOVDQU(constant32("bytes"), t)
	VPMADDUBSW(q, t, t)
	VPMADDWD(constant32("ones"), t, t)
	VPHADDD(t, t, t)
	VPHADDD(t, t, t)
	VPXOR(zero, zero, zero)
	VPSUBD(t, zero, t)
	first, hi, all := t.AsX(), XMM(), XMM()
	VEXTRACTI128(U8(1), t, hi)
	VPADDD(first, hi, all)
	VPBLENDD(U8(4), first, all, all)
	VPBLENDD(U8(8), hi, all, all)
	VCVTDQ2PS(all, first)
	VMOVUPS(first, Mem{Base: dst, Disp: actScale})
	VPSLLD(U8(7), all, all)
	VPADDD(constant32("magicInt"), all, all)
	VPSHUFD(U8(0x39), all, all)
	VMOVDQU(all, Mem{Base: dst, Disp: actStart})
}
