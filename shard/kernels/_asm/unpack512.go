package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

const unpackSignature = "func(dst *byte, lines *byte, codes, scales *byte, n int)"

// unpack512 writes what widens n records of a panel: codes to bytes, plus 128 where a code stands for zero, and scales
// to the lines of float32 that gemm wants. Those of two panels alternate. Codes of eight bits stay where they are.
func unpack512(f format) {
	k := &dot{f: f}
	name := "unpack" + f.name + "AVX512"
	TEXT(name, NOSPLIT, unpackSignature)
	Pragma("noescape")
	Doc(name + " widens records of sixteen rows.")
	dst, lines := Load(Param("dst"), GP64()), Load(Param("lines"), GP64())
	k.codes, k.scales = Load(Param("codes"), GP64()), Load(Param("scales"), GP64())
	k.n = Load(Param("n"), GP64()).(GPVirtual)
	k.inner = GP64()
	masks := k.masks512()
	var shift VecVirtual
	if f.zero != 0 && f.zero != 128 {
		shift = ZMM()
		values["shift"+f.name] = uint32(128-f.zero) * 0x01010101
		VPBROADCASTD(constant("shift"+f.name), shift)
	}
	var d, dmin VecVirtual
	Label("record")
	d = ZMM()
	VCVTPH2PS(k.scale(0), d)
	if f.kind.hasMin() {
		dmin = ZMM()
		VCVTPH2PS(k.scale(32), dmin)
	}
	if f.kind.span() > 1 {
		ADDQ(U32(f.kind.head()), k.scales)
		MOVQ(U32(8), k.inner)
		Label("block")
	}
	if f.bits < 8 {
		w := ZMM()
		for s := range 8 {
			k.unpack512(s, w, masks)
			if shift != nil {
				VPADDB(shift, w, w)
			}
			VMOVDQU64(w, Mem{Base: dst, Disp: 64 * s})
		}
		ADDQ(U32(512), dst)
	}
	k.widen512(lines, d, dmin)
	ADDQ(U32(2*64*f.kind.scaling().lines()), lines)
	k.moveOn()
	VZEROUPPER()
	RET()
}

// widen512 stores a block's lines.
func (k *dot) widen512(lines Register, d, dmin VecVirtual) {
	s := k.scales512(d, dmin)
	all := append(append([]VecVirtual{}, s.ws...), s.offset)
	for _, m := range s.wm {
		if k.f.kind == affine {
			VPXORD_BCST(constant("sign"), m, m)
		}
		all = append(all, m)
	}
	for i, v := range all {
		VMOVUPS(v, Mem{Base: lines, Disp: 64 * i})
	}
}
