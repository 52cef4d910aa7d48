package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// ceilings are loops of nothing but one kind of work: what the products are judged against.
func ceilings() {
	for _, isa := range []string{"AVX512", "AVX2"} {
		v, lanes := ZMM, 64
		if isa == "AVX2" {
			v, lanes = YMM, 32
		}
		read(isa, v, lanes)
		peak("int8Peak"+isa, "VPDPBUSD or VPMADDUBSW with VPMADDWD and VPADDD", v, int8Step(isa, v))
		if isa == "AVX2" {
			peak("int8PeakAVXVNNI", "VPDPBUSD", v, func(x, y, sum VecVirtual) { VPDPBUSD(x, y, sum) })
		}
		peak("floatPeak"+isa, "VFMADD231PS", v, func(x, y, sum VecVirtual) { VFMADD231PS(x, y, sum) })
	}
}

// readAhead is how far prefetches run before the loads, which gains some per cent over what the hardware does alone.
const readAhead = 4096

// read is a loop of loads, 512 bytes a turn.
func read(isa string, v func() VecVirtual, size int) {
	TEXT("read"+isa, NOSPLIT, "func(p *byte, turns int)")
	Pragma("noescape")
	Doc("read" + isa + " loads 512 bytes a turn.")
	p, n := Load(Param("p"), GP64()), Load(Param("turns"), GP64())
	sums := vectorsOf(v, 4)
	Label("turn")
	for at := 0; at < 512; at += size {
		m, sum := Mem{Base: p, Disp: at}, sums[at/size%4]
		if at%64 == 0 {
			PREFETCHT1(Mem{Base: p, Disp: readAhead + at})
		}
		if isa == "AVX512" {
			VPORD(m, sum, sum)
		} else {
			VPOR(m, sum, sum)
		}
	}
	ADDQ(U32(512), p)
	DECQ(n)
	JNZ(LabelRef("turn"))
	VZEROUPPER()
	RET()
}

// peakChains hide the latency of any instruction here.
const peakChains = 12

// peak is a loop of independent chains of an instruction.
func peak(name, of string, v func() VecVirtual, step func(x, y, sum VecVirtual)) {
	TEXT(name, NOSPLIT, "func(turns int)")
	Doc(name + " computes twelve times " + of + " a turn.")
	n := Load(Param("turns"), GP64())
	x, y := v(), v()
	VPXOR(x.AsX(), x.AsX(), x.AsX())
	VPXOR(y.AsX(), y.AsX(), y.AsX())
	sums := vectorsOf(v, peakChains)
	Label("turn")
	for _, sum := range sums {
		step(x, y, sum)
	}
	DECQ(n)
	JNZ(LabelRef("turn"))
	VZEROUPPER()
	RET()
}

func int8Step(isa string, v func() VecVirtual) func(x, y, sum VecVirtual) {
	if isa == "AVX512" {
		return func(x, y, sum VecVirtual) { VPDPBUSD(x, y, sum) }
	}
	return func(x, y, sum VecVirtual) {
		t := v()
		VPMADDUBSW(x, y, t)
		VPMADDWD(y, t, t)
		VPADDD(t, sum, sum)
	}
}

// vectorsOf are n registers of zeros.
func vectorsOf(v func() VecVirtual, n int) []VecVirtual {
	r := make([]VecVirtual, n)
	for i := range r {
		r[i] = v()
		VPXOR(r[i].AsX(), r[i].AsX(), r[i].AsX())
	}
	return r
}
