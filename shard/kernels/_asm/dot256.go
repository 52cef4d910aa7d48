package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// dot256 writes one kernel of AVX2: eight rows in the lanes of a register. Up to two columns both halves of the
// sixteen rows run at once, so that memory is read in order; more columns take one half after the other.
//
// VPMADDUBSW multiplies unsigned by signed bytes and adds pairs in 16 bits, saturating. Codes up to six bits are
// taken as unsigned: 2·63·127 fits. Q8_0 and the IQ4 table use |w| and give its sign to the activation:
// 2·128·127 = 32,512 fits, while w+128 would not. AVX-VNNI has AVX-512's VPDPBUSD, which takes all codes as unsigned.
func dot256(f format, cols int, vnni bool) {
	isa := "AVX2"
	if vnni {
		isa = "AVXVNNI"
	}
	k := newDot(f, cols, isa)
	k.vnni = vnni
	if cols <= 2 {
		k.pass256([]int{0, 1}, "")
		VZEROUPPER()
		RET()
		return
	}
	y, codes, scales, acts, n := GP64(), GP64(), GP64(), GP64(), GP64()
	for _, p := range [][2]Register{{k.y, y}, {k.codes, codes}, {k.scales, scales}, {k.acts, acts}, {k.n, n}} {
		MOVQ(p[0], p[1])
	}
	k.pass256([]int{0}, "0")
	for _, p := range [][2]Register{{k.y, y}, {k.codes, codes}, {k.scales, scales}, {k.acts, acts}, {k.n, n}} {
		MOVQ(p[1], p[0])
	}
	k.pass256([]int{1}, "1")
	VZEROUPPER()
	RET()
}

// vectors is [column][half] or the like.
type vectors [][]VecVirtual

func newVectors(n, m int) vectors {
	v := make(vectors, n)
	for i := range v {
		for range m {
			v[i] = append(v[i], YMM())
		}
	}
	return v
}

// pass256 computes all columns of some halves.
func (k *dot) pass256(halves []int, tag string) {
	k.tag = tag
	acc := newVectors(k.cols, len(halves))
	for c := range acc {
		for h := range halves {
			VXORPS(acc[c][h], acc[c][h], acc[c][h])
		}
	}
	record := k.scales
	Label("record" + tag)
	if k.f.kind.span() > 1 {
		record = GP64()
		MOVQ(k.scales, record)
		ADDQ(U32(k.f.kind.head()), k.scales)
		MOVQ(U32(8), k.inner)
		Label("block" + tag)
	}
	k.block256(acc, halves, record)
	k.advance()
	for c := range acc {
		for h, half := range halves {
			VMOVUPS(acc[c][h], Mem{Base: k.y, Disp: 32 * half})
		}
		if c < k.cols-1 {
			ADDQ(k.yStride, k.y)
		}
	}
}

// block256 adds a block. Where halves of the columns have scales of their own, the second comes first: its scaled
// value is the addend of the first's.
func (k *dot) block256(acc vectors, halves []int, record Register) {
	var u vectors
	for p := k.f.kind.parts() - 1; p >= 0; p-- {
		ints := k.dots256(halves, p)
		for h, half := range halves {
			ws := k.scale256(half, p, record)
			for c := range acc {
				i := ints[c][h]
				VSUBPS(constant32("magicInt"), i, i)
				if u == nil {
					VMULPS(ws, i, i)
				} else {
					VFMADD213PS(u[c][h], ws, i)
				}
			}
		}
		u = ints
	}
	k.mins256(u, halves, record)
	t := YMM()
	for c := range acc {
		VBROADCASTSS(k.act(c, actScale), t)
		for h := range halves {
			VFMADD231PS(t, u[c][h], acc[c][h])
		}
	}
}

// dots256 gives the integer dots of a block's part.
func (k *dot) dots256(halves []int, part int) vectors {
	ints := newVectors(k.cols, len(halves))
	first, last := 0, 8
	if k.f.kind.parts() == 2 {
		first, last = 4*part, 4*part+4
	}
	for c := range ints {
		for _, i := range ints[c] {
			if k.narrow() {
				VPXOR(i, i, i)
			} else {
				k.start256(c, part, i)
			}
		}
	}
	for s := first; s < last; s++ {
		k.prefetch256(halves[0], s)
		for h, half := range halves {
			w := YMM()
			k.unpack256(s, half, w)
			for c := range ints {
				k.multiply256(w, k.act(c, 4*s), ints[c][h])
			}
		}
	}
	if !k.narrow() {
		return ints
	}
	t := YMM()
	for c := range ints {
		k.start256(c, part, t)
		for _, i := range ints[c] {
			VPMADDWD(constant32("ones"), i, i)
			VPADDD(t, i, i)
		}
	}
	return ints
}

// prefetch256 runs ahead of the first reading of a block, with step s.
func (k *dot) prefetch256(half, s int) {
	if half > 0 {
		return
	}
	if s == 0 {
		PREFETCHT0(k.scale(scalesAhead))
	}
	if s < k.f.bits {
		PREFETCHT0(k.code(ahead + 64*s))
	}
}

// narrow tells whether eight steps' pair sums fit 16 bits: 8·2·15·127.
func (k *dot) narrow() bool { return !k.vnni && k.f.bits <= 4 && !k.f.table }

// magnitude tells whether codes are signed and need |w|.
func (k *dot) magnitude() bool { return !k.vnni && (k.f.bits == 8 || k.f.table) }

// start256 is where an integer sum begins: magic's bits, less zero·Σa where codes are taken as unsigned.
func (k *dot) start256(c, part int, sum VecVirtual) {
	if k.f.zero == 0 || k.magnitude() {
		VMOVDQU(constant32("magicInt"), sum)
		return
	}
	if k.f.zero == 128 {
		VPBROADCASTD(k.act(c, k.startAt(part)), sum)
		return
	}
	VBROADCASTSS(k.act(c, k.sumAt(part)), sum)
	VMULPS(f32("zero"+k.f.name, float32(k.f.zero)), sum, sum)
	VADDPS(constant32("magicInt"), sum, sum)
}

// multiply256 adds w times four activations to sum: 32-bit, or 16-bit where the format is narrow.
func (k *dot) multiply256(w VecVirtual, act Mem, sum VecVirtual) {
	t := YMM()
	VPBROADCASTD(act, t)
	if k.vnni {
		VPDPBUSD(t, w, sum)
		return
	}
	if k.magnitude() {
		VPSIGNB(w, t, t)
		a := YMM()
		VPABSB(w, a)
		VPMADDUBSW(t, a, t)
	} else {
		VPMADDUBSW(t, w, t)
	}
	if k.narrow() {
		VPADDW(t, sum, sum)
		return
	}
	VPMADDWD(constant32("ones"), t, t)
	VPADDD(t, sum, sum)
}

// unpack256 makes a half's thirty-two codes of step s in w, signed for Q8_0 and the table where the
// machine multiplies magnitudes, else unsigned.
func (k *dot) unpack256(s, half int, w VecVirtual) {
	at := 32 * half
	switch k.f.bits {
	case 8:
		VMOVDQU(k.code(64*s+at), w)
		if !k.vnni {
			VPXOR(constant32("flip"), w, w)
		}
	case 2, 3:
		shifted256(k.code(s/4*64+at), -2*(s%4), "two", w)
		if k.f.bits == 3 {
			k.plane256(128+at, 2-s, "third", w)
		}
	default:
		shifted256(k.code(s%4*64+at), -4*(s/4), "four", w)
		if k.f.bits == 5 {
			k.plane256(256+at, 4-s, "fifth", w)
		} else if k.f.bits == 6 {
			k.plane256(256+s/4*64+at, 4-2*(s%4), "sixth", w)
		}
	}
	if k.f.table {
		t := YMM()
		VMOVDQU(constant32(map[bool]string{false: "iq4", true: "iq4Unsigned"}[k.vnni]), t)
		VPSHUFB(w, t, w)
	}
}

func (k *dot) plane256(at, shift int, mask string, w VecVirtual) {
	t := YMM()
	shifted256(k.code(at), shift, mask, t)
	VPOR(t, w, w)
}

func shifted256(m Mem, shift int, mask string, dst VecVirtual) {
	VMOVDQU(m, dst)
	if shift > 0 {
		VPSLLW(U8(shift), dst, dst)
	} else if shift < 0 {
		VPSRLW(U8(-shift), dst, dst)
	}
	VPAND(constant32(mask), dst, dst)
}

// half256 widens a half's f16 scales.
func half256(record Register, at, half int) VecVirtual {
	v := YMM()
	VCVTPH2PS(Mem{Base: record, Disp: at + 16*half}, v)
	return v
}

// line256 widens a half's 8-bit scales of the block.
func (k *dot) line256(at, half int, signed bool) VecVirtual {
	v := YMM()
	if signed {
		VPMOVSXBD(k.scale(at+8*half), v)
	} else {
		VPMOVZXBD(k.scale(at+8*half), v)
	}
	return v
}

func times256(v, d VecVirtual) VecVirtual {
	VCVTDQ2PS(v, v)
	VMULPS(d, v, v)
	return v
}

// scale256 is a half's scale of a part.
func (k *dot) scale256(half, part int, record Register) VecVirtual {
	d := half256(record, 0, half)
	switch k.f.kind {
	case super:
		return times256(k.line256(0, half, false), d)
	case signed, pair:
		return times256(k.line256(16*part, half, true), d)
	case nibble:
		b := k.line256(16*part, half, false)
		VPAND(constant32("nibble"), b, b)
		return times256(b, d)
	}
	return d
}

// mins256 adds the mins to u, ascending, to negated sums.
func (k *dot) mins256(u vectors, halves []int, record Register) {
	if !k.f.kind.hasMin() {
		return
	}
	t := YMM()
	for part := range k.f.kind.mins() {
		at := k.sumAt(part)
		for h, half := range halves {
			wm := k.min256(half, part, record)
			for c := range u {
				VBROADCASTSS(k.act(c, at), t)
				VFMADD231PS(t, wm, u[c][h])
			}
		}
	}
}

func (k *dot) min256(half, part int, record Register) VecVirtual {
	d := half256(record, 32, half)
	switch k.f.kind {
	case affine:
		VXORPS(constant32("sign"), d, d)
		return d
	case super:
		return times256(k.line256(16, half, false), d)
	}
	b := k.line256(16*part, half, false)
	VPSRLD(U8(4), b, b)
	return times256(b, d)
}
