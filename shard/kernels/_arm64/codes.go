package main

import "fmt"

// masks are the bits that unpacking keeps, and those that make a code plus 128 signed.
var masks = map[string]uint32{
	"two": 0x03030303, "third": 0x04040404, "four": 0x0f0f0f0f, "fifth": 0x10101010, "sixth": 0x30303030,
	"flip": 0x80808080,
}

// unpack makes the sixteen codes of step s that lie at a quarter's offset in w.
func (d *dot) unpack(s, at int) {
	switch d.f.bits {
	case panel:
		d.load(d.w, d.codes, 64*s+at)
	case 8:
		d.load(d.w, d.codes, 64*s+at)
		d.native("VEOR", "B16", d.w, d.w, d.mask["flip"])
	case 2, 3:
		d.field(s/4*64+at, 2*(s%4), 2, "two")
		if d.f.bits == 3 {
			d.plane(128+at, 2-s, "third")
		}
	default:
		d.field(s%4*64+at, 4*(s/4), 4, "four")
		if d.f.bits == 5 {
			d.plane(256+at, 4-s, "fifth")
		} else if d.f.bits == 6 {
			d.plane(256+s/4*64+at, 4-2*(s%4), "sixth")
		}
	}
	if d.f.table {
		d.op("VTBL", d.w.as("B16"), "["+d.mask["table"].as("B16")+"]", d.w.as("B16"))
	}
}

// plane puts bits of a line in the mask's place of w.
func (d *dot) plane(at, shift int, mask string) {
	d.load(d.t, d.codes, at)
	d.shift(d.t, d.t, "B16", shift)
	d.native("VBIT", "B16", d.w, d.t, d.mask[mask])
}

// field makes n bits of a line in w, from bit at on. The highest need no mask.
func (d *dot) field(line, at, n int, mask string) {
	d.load(d.w, d.codes, line)
	d.shift(d.w, d.w, "B16", -at)
	if at < 8-n {
		d.native("VAND", "B16", d.w, d.w, d.mask[mask])
	}
}

// shift moves the bits of each element to the left, for a negative number to the right.
func (d *dot) shift(to, from V, arrangement string, by int) {
	switch {
	case by > 0:
		d.op("VSHL", fmt.Sprintf("$%d", by), from.as(arrangement), to.as(arrangement))
	case by < 0:
		d.op("VUSHR", fmt.Sprintf("$%d", -by), from.as(arrangement), to.as(arrangement))
	}
}

// iq4Table defines the values of IQ4's codes.
func (f *file) iq4Table() {
	fmt.Fprintf(&f.asm, "\n")
	for i := 0; i < 16; i += 8 {
		var word uint64
		for j, v := range iq4[i : i+8] {
			word |= uint64(uint8(v)) << (8 * j)
		}
		fmt.Fprintf(&f.asm, "DATA iq4Codes<>+%d(SB)/8, $0x%016x\n", i, word)
	}
	fmt.Fprintf(&f.asm, "GLOBL iq4Codes<>(SB), RODATA|NOPTR, $16\n")
}
