package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// dot512 writes one kernel: sixteen rows in the lanes of a register, cols activation rows at once. Codes are taken as
// unsigned, code = q + zero, so the integer accumulators begin at zero·(-Σa).
func dot512(f format, cols int) {
	k := newDot(f, cols, "AVX512")
	masks := k.masks512()
	acc := make([]VecVirtual, cols)
	for c := range acc {
		acc[c] = ZMM()
		VXORPS(acc[c], acc[c], acc[c])
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
	ints := k.dots512(masks)
	k.apply512(acc, ints, d, dmin)
	k.advance()
	for c := range acc {
		VMOVUPS(acc[c], Mem{Base: k.y})
		if c < cols-1 {
			ADDQ(k.yStride, k.y)
		}
	}
	VZEROUPPER()
	RET()
}

// masks512 are the constants that unpacking needs.
func (k *dot) masks512() map[string]VecVirtual {
	m := map[string]VecVirtual{}
	for _, name := range k.f.constants() {
		m[name] = ZMM()
		if name == "table" {
			VBROADCASTI32X4(constant(name), m[name])
		} else {
			VPBROADCASTD(constant(name), m[name])
		}
	}
	return m
}

// dots512 gives the integer dots of a block: [cols], or [2][cols] for halves with scales of their own.
func (k *dot) dots512(masks map[string]VecVirtual) [][]VecVirtual {
	parts := k.f.kind.parts()
	ints := make([][]VecVirtual, parts)
	for p := range ints {
		for c := range k.cols {
			a := ZMM()
			if z := k.f.shift(); z > 0 {
				VPSLLD_BCST(U8(z), k.act(c, k.sumAt(p)), a)
			} else {
				VPXORD(a, a, a)
			}
			ints[p] = append(ints[p], a)
		}
	}
	w := ZMM()
	for s := range 8 {
		k.unpack512(s, w, masks)
		p := 0
		if parts == 2 {
			p = s / 4
		}
		for c := range k.cols {
			VPDPBUSD_BCST(k.act(c, 4*s), w, ints[p][c])
		}
	}
	return ints
}

// unpack512 makes step s's sixty-four unsigned codes in w.
func (k *dot) unpack512(s int, w VecVirtual, masks map[string]VecVirtual) {
	switch k.f.bits {
	case 8:
		VPXORD(k.code(64*s), masks["flip"], w)
	case 2, 3:
		shifted512(k.code(s/4*64), -2*(s%4), masks["two"], w)
		if k.f.bits == 3 {
			k.plane512(128, 2-s, masks["third"], w)
		}
	default:
		shifted512(k.code(s%4*64), -4*(s/4), masks["four"], w)
		if k.f.bits == 5 {
			k.plane512(256, 4-s, masks["fifth"], w)
		} else if k.f.bits == 6 {
			k.plane512(256+s/4*64, 4-2*(s%4), masks["sixth"], w)
		}
	}
	if k.f.table {
		VPSHUFB(w, masks["table"], w)
	}
}

// plane512 moves a plane's bits into place and adds them to w.
func (k *dot) plane512(at, shift int, mask, w VecVirtual) {
	t := ZMM()
	shifted512(k.code(at), shift, mask, t)
	VPORD(t, w, w)
}

// shifted512 is (m << shift) & mask, to the right for a negative shift.
func shifted512(m Mem, shift int, mask, dst VecVirtual) {
	switch {
	case shift == 0:
		VPANDD(m, mask, dst)
		return
	case shift > 0:
		VPSLLW(U8(shift), m, dst)
	default:
		VPSRLW(U8(-shift), m, dst)
	}
	VPANDD(mask, dst, dst)
}

// apply512 scales a block's integers and adds them to the accumulators.
func (k *dot) apply512(acc []VecVirtual, ints [][]VecVirtual, d, dmin VecVirtual) {
	ws, wm := k.scales512(d, dmin)
	t := ZMM()
	for c := range acc {
		u := ints[0][c]
		VCVTDQ2PS(u, u)
		if len(ints) == 2 {
			hi := ints[1][c]
			VCVTDQ2PS(hi, hi)
			VMULPS(ws[1], hi, hi)
			VFMADD213PS(hi, ws[0], u)
		} else {
			VMULPS(ws[0], u, u)
		}
		for i := range wm {
			at := actSum
			if len(wm) == 2 {
				at = k.sumAt(i)
			}
			VCVTDQ2PS_BCST(k.act(c, at), t)
			VFMADD231PS(t, wm[i], u)
		}
		VFMADD231PS_BCST(k.act(c, actScale), u, acc[c])
	}
}

// scales512 are the block's scales, and mins with the sign that they are added with to a negated sum.
func (k *dot) scales512(d, dmin VecVirtual) (ws, wm []VecVirtual) {
	widen := func(at int, signed bool) VecVirtual {
		v := ZMM()
		if signed {
			VPMOVSXBD(k.scale(at), v)
		} else {
			VPMOVZXBD(k.scale(at), v)
		}
		return v
	}
	times := func(v, d VecVirtual) VecVirtual {
		VCVTDQ2PS(v, v)
		VMULPS(d, v, v)
		return v
	}
	switch k.f.kind {
	case plain:
		return []VecVirtual{d}, nil
	case affine:
		return []VecVirtual{d}, []VecVirtual{negated512(dmin)}
	case super:
		return []VecVirtual{times(widen(0, false), d)}, []VecVirtual{times(widen(16, false), dmin)}
	case signed:
		return []VecVirtual{times(widen(0, true), d)}, nil
	case pair:
		return []VecVirtual{times(widen(0, true), d), times(widen(16, true), d)}, nil
	}
	for i := range 2 {
		b := widen(16*i, false)
		m := ZMM()
		VPSRLD(U8(4), b, m)
		mask := ZMM()
		VPBROADCASTD(constant("nibble"), mask)
		VPANDD(mask, b, b)
		ws, wm = append(ws, times(b, d)), append(wm, times(m, dmin))
	}
	return ws, wm
}

// negated512 flips signs in place.
func negated512(v VecVirtual) VecVirtual {
	VPXORD_BCST(constant("sign"), v, v)
	return v
}
