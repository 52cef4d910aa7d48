package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// tiles writes the float product (see MulTiles) for rows of coefficients against wide tiles at once. The accumulators of
// 14 x 2 or 6 x 1 tiles fill the registers, so that a step loads one coefficient for every two multiply-adds.
type tiles struct {
	rows, wide  int
	vector      func() VecVirtual
	bytes       int // of a vector
	out         Register
	coef        []Register     // rows 0, 4, 8, 12
	coefS       [2]Register    // the stride, and three times that
	tile, tileS Register       // stride in bytes
	n           Register       // counts wide tiles
	next, nextS Register       // what to prefetch, and how many bytes of it for each step
	acc         [][]VecVirtual // [rows][vectors]
}

func newTiles(rows, wide int, isa string) *tiles {
	k := &tiles{rows: rows, wide: wide, vector: func() VecVirtual { return ZMM() }, bytes: 64}
	if isa == "AVX2" {
		k.vector, k.bytes = func() VecVirtual { return YMM() }, 32
	}
	name := fmt.Sprintf("tilesx%d%s", rows, isa)
	text(name, "out *float32, outStride uintptr, coef *float32, coefStride uintptr, tile *float32, tileStride uintptr, steps, n int, f float32, next *byte, nextStep uintptr",
		fmt.Sprintf("is out = (coef x tiles)·f for %d rows and n times %d tiles; meanwhile it prefetches from next on. Strides are in bytes.", rows, wide))
	k.out = pointer("out")
	k.coef, k.coefS[0] = []Register{pointer("coef")}, pointer("coefStride")
	k.tile, k.tileS = pointer("tile"), pointer("tileStride")
	k.n, k.next, k.nextS = pointer("n"), pointer("next"), pointer("nextStep")
	if rows > 3 {
		s3 := GP64()
		LEAQ(Mem{Base: k.coefS[0], Index: k.coefS[0], Scale: 2}, s3)
		k.coefS[1] = s3
	}
	for r := 4; r < rows; r += 4 {
		next := GP64()
		LEAQ(Mem{Base: k.coef[r/4-1], Index: k.coefS[0], Scale: 4}, next)
		k.coef = append(k.coef, next)
	}
	for range rows {
		var acc []VecVirtual
		for range wide * 64 / k.bytes {
			acc = append(acc, k.vector())
		}
		k.acc = append(k.acc, acc)
	}
	return k
}

// coefficient addresses row r's.
func (k *tiles) coefficient(r int) Mem {
	m := Mem{Base: k.coef[r/4]}
	switch r % 4 {
	case 1, 2:
		m.Index, m.Scale = k.coefS[0], uint8(r%4)
	case 3:
		m.Index, m.Scale = k.coefS[1], 1
	}
	return m
}

// emit writes the loops over tiles and steps.
func (k *tiles) emit() {
	at, left := GP64(), GP64()
	Label("tiles")
	for _, acc := range k.acc {
		for _, a := range acc {
			VXORPS(a, a, a)
		}
	}
	MOVQ(k.tile, at)
	MOVQ(argument("steps"), left)
	Label("step")
	PREFETCHT1(Mem{Base: k.next})
	k.step(at)
	ADDQ(k.nextS, k.next)
	ADDQ(Imm(64), at)
	for _, c := range k.coef {
		ADDQ(Imm(4), c)
	}
	DECQ(left)
	JNZ(LabelRef("step"))
	k.store(at)
	MOVQ(argument("steps"), left)
	SHLQ(U8(2), left)
	for _, c := range k.coef {
		SUBQ(left, c)
	}
	for range k.wide {
		ADDQ(k.tileS, k.tile)
	}
	ADDQ(U32(64*k.wide), k.out)
	DECQ(k.n)
	JNZ(LabelRef("tiles"))
	VZEROUPPER()
	RET()
}

// step is one multiply-add of every accumulator.
func (k *tiles) step(at Register) {
	var w []VecVirtual
	for t := range k.wide {
		for b := 0; b < 64; b += k.bytes {
			m := Mem{Base: at, Disp: b}
			if t > 0 {
				m.Index, m.Scale = k.tileS, 1
			}
			v := k.vector()
			VMOVUPS(m, v)
			w = append(w, v)
		}
	}
	c := k.vector()
	for r, acc := range k.acc {
		VBROADCASTSS(k.coefficient(r), c)
		for i, a := range acc {
			VFMADD231PS(c, w[i], a)
		}
	}
}

// store scales and writes the accumulators; at is free.
func (k *tiles) store(at Register) {
	f := k.vector()
	VBROADCASTSS(argument("f"), f)
	MOVQ(k.out, at)
	for r, acc := range k.acc {
		for i, a := range acc {
			VMULPS(f, a, a)
			VMOVUPS(a, Mem{Base: at, Disp: k.bytes * i})
		}
		if r < k.rows-1 {
			ADDQ(argument("outStride"), at)
		}
	}
}

// tileProducts are the products of 1, 2, 3, … rows.
func tileProducts() {
	for rows := 1; rows <= 14; rows++ {
		newTiles(rows, 2, "AVX512").emit()
	}
	for rows := 1; rows <= 6; rows++ {
		newTiles(rows, 1, "AVX2").emit()
	}
}
