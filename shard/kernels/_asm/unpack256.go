package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// unpack256 writes what unpack512 does, for AVX-VNNI.
func unpack256(f format) {
	k := &dot{f: f, vnni: true}
	name := "unpack" + f.name + "AVXVNNI"
	TEXT(name, NOSPLIT, unpackSignature)
	Pragma("noescape")
	Doc(name + " widens records of sixteen rows.")
	dst, lines, record := Load(Param("dst"), GP64()), Load(Param("lines"), GP64()), GP64()
	k.codes, k.scales = Load(Param("codes"), GP64()), Load(Param("scales"), GP64())
	k.n, k.inner = Load(Param("n"), GP64()).(GPVirtual), GP64()
	Label("record")
	MOVQ(k.scales, record)
	if f.kind.span() > 1 {
		ADDQ(U32(f.kind.head()), k.scales)
		MOVQ(U32(8), k.inner)
		Label("block")
	}
	for half := range 2 {
		if f.bits < 8 {
			k.widenCodes256(half, dst)
		}
		k.widen256(half, record, lines)
	}
	if f.bits < 8 {
		ADDQ(U32(512), dst)
	}
	ADDQ(U32(2*64*f.kind.scaling().lines()), lines)
	k.moveOn()
	VZEROUPPER()
	RET()
}

// widenCodes256 stores a half's codes.
func (k *dot) widenCodes256(half int, dst Register) {
	w := YMM()
	for s := range 8 {
		k.unpack256(s, half, w)
		if k.f.zero != 0 && k.f.zero != 128 {
			values["shift"+k.f.name] = uint32(128-k.f.zero) * 0x01010101
			VPADDB(constant32("shift"+k.f.name), w, w)
		}
		VMOVDQU(w, Mem{Base: dst, Disp: 64*s + 32*half})
	}
}

// widen256 stores a half of a block's lines.
func (k *dot) widen256(half int, record, lines Register) {
	at := 32 * half
	store := func(v VecVirtual) {
		VMOVUPS(v, Mem{Base: lines, Disp: at})
		at += 64
	}
	var last VecVirtual
	for part := range k.f.kind.parts() {
		last = k.scale256(half, part, record)
		store(last)
	}
	VMULPS(constant32("minusMagic"), last, last)
	store(last)
	if k.f.kind.hasMin() {
		for part := range k.f.kind.mins() {
			store(k.min256(half, part, record))
		}
	}
}
