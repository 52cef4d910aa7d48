// Command asm writes the assembly kernels of package kernels. Run it by go generate there.
package main

import (
	"flag"
	"log"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// sets are what -set writes, each to files of its own.
var sets = map[string]func(){"dot": dots, "float": floats, "pack": packs}

func main() {
	set := flag.String("set", "", "which kernels to write: dot (matrix products), pack (repacking) or float (the rest)")
	flag.Parse()
	write, ok := sets[*set]
	if !ok {
		log.Fatalf("asm: no set of kernels named %q: give -set dot, pack or float", *set)
	}
	ConstraintExpr("amd64,!purego")
	write()
	Generate()
	if err := encodeVEX(flag.Lookup("out").Value.String()); err != nil {
		log.Fatalf("asm: %v", err)
	}
}

func dots() {
	ceilings()
	quantiseKernel()
	for _, f := range formats {
		for cols := 1; cols <= 8; cols++ {
			dot512(f, cols)
		}
		for cols := 1; cols <= 4; cols++ {
			dot256(f, cols, false)
			dot256(f, cols, true)
		}
		unpack512(f)
		unpack256(f)
	}
	for _, s := range scalings {
		for cols := 1; cols <= widest; cols++ {
			gemm512(s, cols)
			gemm256(s, cols)
		}
	}
}

func floats() {
	for _, e := range elems {
		for n := 1; n <= 8; n++ {
			mix512(e, n)
		}
		for n := 1; n <= 4; n++ {
			mix256(e, n)
		}
	}
	elementwise()
	attention()
	decodes()
	scans()
}

// values are the constants that are broadcast.
var values = map[string]uint32{
	"flip": 0x80808080, "two": 0x03030303, "third": 0x04040404, "four": 0x0f0f0f0f, "fifth": 0x10101010,
	"sixth": 0x30303030, "nibble": 15, "six": 0x3f3f3f3f, "pairs": 0x33333333, "evens": 0x55555555,
	"fifth14": 0x0000cccc, "fifth7": 0x00aa00aa, "fifth2": 0x0c0c0c0c, "fifth1": 0x22222222, "sign": 0x80000000, "ones": 0x00010001,
}

// iq4 is the value of each code of IQ4_NL and IQ4_XS.
var iq4 = [16]int8{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}

var constants = map[string]Mem{}

// once makes a constant at its first use.
func once(name string, fill func()) Mem {
	m, ok := constants[name]
	if !ok {
		m = GLOBL(name, RODATA|NOPTR)
		fill()
		constants[name] = m
	}
	return m
}

// constant is four bytes to broadcast; "table" is sixteen, IQ4's values plus 128.
func constant(name string) Mem {
	if name == "table" {
		return once("iq4Unsigned", func() {
			for i, v := range iq4 {
				DATA(i, U8(int(v)+128))
			}
		})
	}
	return once(name, func() { DATA(0, U32(values[name])) })
}

// constant32 is a register's width of a constant; "iq4" is the table as it is, "iq4Unsigned" plus 128.
func constant32(name string) Mem {
	return once(name+"x8", func() {
		if base, ok := map[string]int{"iq4": 0, "iq4Unsigned": 128}[name]; ok {
			for i := range 32 {
				DATA(i, U8(int(iq4[i%16])+base))
			}
			return
		}
		for i := range 8 {
			DATA(4*i, U32(values[name]))
		}
	})
}
