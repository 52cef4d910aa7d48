package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// dot512 writes one kernel: sixteen rows in the lanes of a register, cols activation rows at once, the weights
// unpacked on the way. It is for few rows, which memory binds.
//
// Codes are taken as unsigned, code = q + zero, and the integer sums begin at magic's bits - zero·Σa. So they end as
// the number magic + i, of which float(i)·ws is a single fused operation, (magic+i)·ws - magic·ws: the product and
// magic·ws are exact.
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
	PREFETCHT0(k.scale(scalesAhead))
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

// start512 sets an integer sum to where it begins.
func (k *dot) start512(c, part int, zero, sum VecVirtual) {
	switch k.f.zero {
	case 0:
		VPBROADCASTD(constant("magicInt"), sum)
	case 128:
		VPBROADCASTD(k.act(c, k.startAt(part)), sum)
	default:
		VPBROADCASTD(constant("magicInt"), sum)
		VFMADD231PS_BCST(k.act(c, k.sumAt(part)), zero, sum)
	}
}

// dots512 gives the integer dots of a block, plus magic: [cols], or [2][cols] for halves with scales of their own.
func (k *dot) dots512(masks map[string]VecVirtual) [][]VecVirtual {
	parts := k.f.kind.parts()
	zero := ZMM()
	if k.f.zero != 0 && k.f.zero != 128 {
		VBROADCASTSS(f32("zero"+k.f.name, float32(k.f.zero)), zero)
	}
	ints := make([][]VecVirtual, parts)
	for p := range ints {
		for c := range k.cols {
			a := ZMM()
			k.start512(c, p, zero, a)
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
	if s%8 < k.f.bits {
		PREFETCHT0(k.code(ahead + 64*s))
	}
	switch k.f.bits {
	case 8:
		VMOVDQU64(k.code(64*s), w)
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
	if shift == 0 {
		VMOVDQU64(k.code(at), t)
	} else {
		unmasked512(k.code(at), shift, t)
	}
	VPTERNLOGD(U8(orAnd), mask, t, w)
}

// orAnd is VPTERNLOGD's table of a | b&c.
const orAnd = 0xf8

func unmasked512(m Mem, shift int, dst VecVirtual) {
	if shift > 0 {
		VPSLLW(U8(shift), m, dst)
	} else {
		VPSRLW(U8(-shift), m, dst)
	}
}

// shifted512 is (m << shift) & mask, to the right for a negative shift.
func shifted512(m Mem, shift int, mask, dst VecVirtual) {
	if shift == 0 {
		VPANDD(m, mask, dst)
		return
	}
	unmasked512(m, shift, dst)
	VPANDD(mask, dst, dst)
}

// apply512 scales a block's integers and adds them to the accumulators.
func (k *dot) apply512(acc []VecVirtual, ints [][]VecVirtual, d, dmin VecVirtual) {
	s := k.scales512(d, dmin)
	for c := range acc {
		u := ints[0][c]
		if len(ints) == 2 {
			VFMADD213PS(s.offset, s.ws[1], ints[1][c])
			VSUBPS_BCST(constant("magicInt"), u, u)
			VFMADD213PS(ints[1][c], s.ws[0], u)
		} else {
			VFMADD213PS(s.offset, s.ws[0], u)
		}
		for i := range s.wm {
			at := k.sumAt(i)
			if k.f.kind == affine {
				VFNMADD231PS_BCST(k.act(c, at), s.wm[i], u)
			} else {
				VFMADD231PS_BCST(k.act(c, at), s.wm[i], u)
			}
		}
		VFMADD231PS_BCST(k.act(c, actScale), u, acc[c])
	}
}

// scales are a block's: offset is -magic·ws of the part that is scaled first, wm the mins.
type scales struct {
	ws, wm []VecVirtual
	offset VecVirtual
}

func (k *dot) scales512(d, dmin VecVirtual) (s scales) {
	switch k.f.kind {
	case plain:
		s.ws = []VecVirtual{d}
	case affine:
		s.ws, s.wm = []VecVirtual{d}, []VecVirtual{dmin}
	case super:
		s.ws, s.wm = []VecVirtual{times512(k.line512(0, false), d)}, []VecVirtual{times512(k.line512(16, false), dmin)}
	case signed:
		s.ws = []VecVirtual{times512(k.line512(0, true), d)}
	case pair:
		s.ws = []VecVirtual{times512(k.line512(0, true), d), times512(k.line512(16, true), d)}
	case nibble:
		for i := range 2 {
			b := k.line512(16*i, false)
			m := ZMM()
			VPSRLD(U8(4), b, m)
			VPANDD_BCST(constant("nibble"), b, b)
			s.ws, s.wm = append(s.ws, times512(b, d)), append(s.wm, times512(m, dmin))
		}
	}
	s.offset = ZMM()
	VMULPS_BCST(constant("minusMagic"), s.ws[len(s.ws)-1], s.offset)
	return s
}

// line512 widens the block's 8-bit scales.
func (k *dot) line512(at int, signed bool) VecVirtual {
	v := ZMM()
	if signed {
		VPMOVSXBD(k.scale(at), v)
	} else {
		VPMOVZXBD(k.scale(at), v)
	}
	return v
}

func times512(v, d VecVirtual) VecVirtual {
	VCVTDQ2PS(v, v)
	VMULPS(d, v, v)
	return v
}
