package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// elem is the type of a tile's elements.
type elem struct {
	name string
	size int
}

var elems = []elem{{"Half", 2}, {"Float", 4}, {"BF16", 2}}

// tileStep is the distance between the tiles of one call, in elements.
const tileStep = 256

// widen loads 16 (ZMM) or 8 (YMM) elements as float32.
func (e elem) widen(m Mem, v VecVirtual) {
	switch e.name {
	case "Half":
		VCVTPH2PS(m, v)
	case "Float":
		VMOVUPS(m, v)
	default:
		VPMOVZXWD(m, v)
		VPSLLD(U8(16), v, v)
	}
}

// mix is the kernel of float weights, out[h, i] += Σ coef[h, s]·tile[s][i], for n rows of coefficients in the making.
type mix struct {
	e           elem
	n           int
	out, coef   [2]Register // rows 0 and 4
	outS, coefS [2]Register // strides, and three times that
	tile        Register
	steps       Register
	tiles       Register
}

func newMix(e elem, n int, isa string) *mix {
	name := fmt.Sprintf("mix%sx%d%s", e.name, n, isa)
	TEXT(name, NOSPLIT, "func(out *float32, outStride uintptr, coef *float32, coefStride uintptr, tile *byte, steps, tiles int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s adds tiles to %d rows. Strides are in bytes.", name, n))
	k := &mix{e: e, n: n}
	k.out[0], k.outS[0] = Load(Param("out"), GP64()), Load(Param("outStride"), GP64())
	k.coef[0], k.coefS[0] = Load(Param("coef"), GP64()), Load(Param("coefStride"), GP64())
	k.tile, k.steps, k.tiles = Load(Param("tile"), GP64()), Load(Param("steps"), GP64()), Load(Param("tiles"), GP64())
	for _, p := range []struct{ base, stride *[2]Register }{{&k.out, &k.outS}, {&k.coef, &k.coefS}} {
		if n > 3 {
			s3 := GP64()
			LEAQ(Mem{Base: p.stride[0], Index: p.stride[0], Scale: 2}, s3)
			p.stride[1] = s3
		}
		if n > 4 {
			p4 := GP64()
			LEAQ(Mem{Base: p.base[0], Index: p.stride[0], Scale: 4}, p4)
			p.base[1] = p4
		}
	}
	return k
}

// row addresses element at of row h.
func row(base, stride [2]Register, h, at int) Mem {
	m := Mem{Base: base[h/4], Disp: at}
	switch h % 4 {
	case 1, 2:
		m.Index, m.Scale = stride[0], uint8(h%4)
	case 3:
		m.Index, m.Scale = stride[1], 1
	}
	return m
}

// loops runs body for every step of every tile, with load before and store after a tile.
func (k *mix) loops(load, body, store func()) {
	Label("tile")
	at, left := GP64(), GP64()
	MOVQ(k.tile, at)
	MOVQ(k.steps, left)
	load()
	Label("step")
	whole := k.tile
	k.tile = at
	body()
	k.tile = whole
	ADDQ(U32(16*k.e.size), at)
	k.moveCoef(4)
	DECQ(left)
	JNZ(LabelRef("step"))
	store()
	// Back to the first coefficient, on to the next tile.
	MOVQ(k.steps, left)
	SHLQ(U8(2), left)
	SUBQ(left, k.coef[0])
	if k.n > 4 {
		SUBQ(left, k.coef[1])
	}
	ADDQ(U32(tileStep*k.e.size), k.tile)
	ADDQ(U32(64), k.out[0])
	if k.n > 4 {
		ADDQ(U32(64), k.out[1])
	}
	DECQ(k.tiles)
	JNZ(LabelRef("tile"))
	VZEROUPPER()
	RET()
}

func (k *mix) moveCoef(by int) {
	ADDQ(Imm(uint64(by)), k.coef[0])
	if k.n > 4 {
		ADDQ(Imm(uint64(by)), k.coef[1])
	}
}

func mix512(e elem, n int) {
	k := newMix(e, n, "AVX512")
	acc := make([]VecVirtual, n)
	for h := range acc {
		acc[h] = ZMM()
	}
	w := ZMM()
	k.loops(func() {
		for h := range acc {
			VMOVUPS(row(k.out, k.outS, h, 0), acc[h])
		}
	}, func() {
		e.widen(Mem{Base: k.tile}, w)
		for h := range acc {
			VFMADD231PS_BCST(row(k.coef, k.coefS, h, 0), w, acc[h])
		}
	}, func() {
		for h := range acc {
			VMOVUPS(acc[h], row(k.out, k.outS, h, 0))
		}
	})
}

func mix256(e elem, n int) {
	k := newMix(e, n, "AVX2")
	acc := newVectors(n, 2)
	w0, w1, t := YMM(), YMM(), YMM()
	k.loops(func() {
		for h := range acc {
			VMOVUPS(row(k.out, k.outS, h, 0), acc[h][0])
			VMOVUPS(row(k.out, k.outS, h, 32), acc[h][1])
		}
	}, func() {
		e.widen(Mem{Base: k.tile}, w0)
		e.widen(Mem{Base: k.tile, Disp: 8 * e.size}, w1)
		for h := range acc {
			VBROADCASTSS(row(k.coef, k.coefS, h, 0), t)
			VFMADD231PS(t, w0, acc[h][0])
			VFMADD231PS(t, w1, acc[h][1])
		}
	}, func() {
		for h := range acc {
			VMOVUPS(acc[h][0], row(k.out, k.outS, h, 0))
			VMOVUPS(acc[h][1], row(k.out, k.outS, h, 32))
		}
	})
}
