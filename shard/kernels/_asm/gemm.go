package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// gemm writes the float product (see Gemm) for rows of coefficients against wide tiles at once. The accumulators of
// 14 x 2 or 6 x 1 tiles fill the registers, so that a step loads one coefficient for every two multiply-adds.
type gemm struct {
	rows, wide  int
	isa         string
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

func newGemm(rows, wide int, isa string) *gemm {
	g := &gemm{rows: rows, wide: wide, isa: isa, vector: func() VecVirtual { return ZMM() }, bytes: 64}
	if isa == "AVX2" {
		g.vector, g.bytes = func() VecVirtual { return YMM() }, 32
	}
	name := fmt.Sprintf("gemmx%d%s", rows, isa)
	text(name, "out *float32, outStride uintptr, coef *float32, coefStride uintptr, tile *float32, tileStride uintptr, steps, n int, f float32, next *byte, nextStep uintptr",
		fmt.Sprintf("is out = (coef x tiles)·f for %d rows and n times %d tiles; meanwhile it prefetches from next on. Strides are in bytes.", rows, wide))
	g.out = pointer("out")
	g.coef, g.coefS[0] = []Register{pointer("coef")}, pointer("coefStride")
	g.tile, g.tileS = pointer("tile"), pointer("tileStride")
	g.n, g.next, g.nextS = pointer("n"), pointer("next"), pointer("nextStep")
	if rows > 3 {
		s3 := GP64()
		LEAQ(Mem{Base: g.coefS[0], Index: g.coefS[0], Scale: 2}, s3)
		g.coefS[1] = s3
	}
	for r := 4; r < rows; r += 4 {
		next := GP64()
		LEAQ(Mem{Base: g.coef[r/4-1], Index: g.coefS[0], Scale: 4}, next)
		g.coef = append(g.coef, next)
	}
	for range rows {
		var acc []VecVirtual
		for range wide * 64 / g.bytes {
			acc = append(acc, g.vector())
		}
		g.acc = append(g.acc, acc)
	}
	return g
}

// coefficient addresses row r's.
func (g *gemm) coefficient(r int) Mem {
	m := Mem{Base: g.coef[r/4]}
	switch r % 4 {
	case 1, 2:
		m.Index, m.Scale = g.coefS[0], uint8(r%4)
	case 3:
		m.Index, m.Scale = g.coefS[1], 1
	}
	return m
}

// emit writes the loops over tiles and steps.
func (g *gemm) emit() {
	at, left := GP64(), GP64()
	Label("tiles")
	for _, acc := range g.acc {
		for _, a := range acc {
			VXORPS(a, a, a)
		}
	}
	MOVQ(g.tile, at)
	MOVQ(argument("steps"), left)
	Label("step")
	PREFETCHT1(Mem{Base: g.next})
	g.step(at)
	ADDQ(g.nextS, g.next)
	ADDQ(Imm(64), at)
	for _, c := range g.coef {
		ADDQ(Imm(4), c)
	}
	DECQ(left)
	JNZ(LabelRef("step"))
	g.store(at)
	MOVQ(argument("steps"), left)
	SHLQ(U8(2), left)
	for _, c := range g.coef {
		SUBQ(left, c)
	}
	for range g.wide {
		ADDQ(g.tileS, g.tile)
	}
	ADDQ(U32(64*g.wide), g.out)
	DECQ(g.n)
	JNZ(LabelRef("tiles"))
	VZEROUPPER()
	RET()
}

// step is one multiply-add of every accumulator.
func (g *gemm) step(at Register) {
	var w []VecVirtual
	for t := range g.wide {
		for b := 0; b < 64; b += g.bytes {
			m := Mem{Base: at, Disp: b}
			if t > 0 {
				m.Index, m.Scale = g.tileS, 1
			}
			v := g.vector()
			VMOVUPS(m, v)
			w = append(w, v)
		}
	}
	c := g.vector()
	for r, acc := range g.acc {
		VBROADCASTSS(g.coefficient(r), c)
		for i, a := range acc {
			VFMADD231PS(c, w[i], a)
		}
	}
}

// store scales and writes the accumulators; at is free.
func (g *gemm) store(at Register) {
	f := g.vector()
	VBROADCASTSS(argument("f"), f)
	MOVQ(g.out, at)
	for r, acc := range g.acc {
		for i, a := range acc {
			VMULPS(f, a, a)
			VMOVUPS(a, Mem{Base: at, Disp: g.bytes * i})
		}
		if r < g.rows-1 {
			ADDQ(argument("outStride"), at)
		}
	}
}

// gemms are the products of 1, 2, 3, … rows.
func gemms() {
	for rows := 1; rows <= 14; rows++ {
		newGemm(rows, 2, "AVX512").emit()
	}
	for rows := 1; rows <= 6; rows++ {
		newGemm(rows, 1, "AVX2").emit()
	}
}
