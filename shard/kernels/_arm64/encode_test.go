package main

import (
	"strings"
	"testing"
)

// encoded is what GNU as makes of every instruction, with different registers in every place.
var encoded = map[string]uint32{
	"fadd v1.4s, v2.4s, v19.4s":     0x4e33d441,
	"fsub v1.4s, v2.4s, v19.4s":     0x4eb3d441,
	"fmul v1.4s, v2.4s, v19.4s":     0x6e33dc41,
	"fdiv v1.4s, v2.4s, v19.4s":     0x6e33fc41,
	"fcmge v1.4s, v2.4s, v19.4s":    0x6e33e441,
	"fcmgt v1.4s, v2.4s, v19.4s":    0x6eb3e441,
	"smull v1.8h, v2.8b, v19.8b":    0x0e33c041,
	"smlal v1.8h, v2.8b, v19.8b":    0x0e338041,
	"smull2 v1.8h, v2.16b, v19.16b": 0x4e33c041,
	"smlal2 v1.8h, v2.16b, v19.16b": 0x4e338041,
	"fneg v1.4s, v18.4s":            0x6ea0fa41,
	"fabs v1.4s, v18.4s":            0x4ea0fa41,
	"frintn v1.4s, v18.4s":          0x4e218a41,
	"fcvtns v1.4s, v18.4s":          0x4e21aa41,
	"scvtf v1.4s, v18.4s":           0x4e21da41,
	"fcvtl v1.4s, v18.4h":           0x0e217a41,
	"fcvtl2 v1.4s, v18.8h":          0x4e217a41,
	"shll v1.4s, v18.4h, #16":       0x2e613a41,
	"shll2 v1.4s, v18.8h, #16":      0x6e613a41,
	"fcvtzs v1.4s, v18.4s, #2":      0x4f3efe41,
	"fcvtzs v1.4s, v18.4s, #3":      0x4f3dfe41,
	"fcvtzs v1.4s, v18.4s, #4":      0x4f3cfe41,
	"fcvtzs v1.4s, v18.4s, #5":      0x4f3bfe41,
	"fcvtn v1.4h, v18.4s":           0x0e216a41,
	"fcvtn2 v1.8h, v18.4s":          0x4e216a41,
	"umaxv h1, v18.8h":              0x6e70aa41,
	"uminv s1, v18.4s":              0x6eb1aa41,
	"umaxv s1, v18.4s":              0x6eb0aa41,
	"saddlv h1, v18.16b":            0x4e303a41,
	"sqxtn v1.4h, v18.4s":           0x0e614a41,
	"sqxtn2 v1.8h, v18.4s":          0x4e614a41,
	"sqxtn v1.8b, v18.8h":           0x0e214a41,
	"sqxtn2 v1.16b, v18.8h":         0x4e214a41,
	"saddlp v1.4s, v18.8h":          0x4e602a41,
	"sadalp v1.4s, v18.8h":          0x4e606a41,
	"sshll v1.8h, v18.8b, #0":       0x0f08a641,
	"sshll v1.4s, v18.4h, #0":       0x0f10a641,
	"fmul v1.4s, v2.4s, v19.s[0]":   0x4f939041,
	"fmul v1.4s, v2.4s, v19.s[1]":   0x4fb39041,
	"fmul v1.4s, v2.4s, v19.s[2]":   0x4f939841,
	"fmul v1.4s, v2.4s, v19.s[3]":   0x4fb39841,
	"fmla v1.4s, v2.4s, v19.s[0]":   0x4f931041,
	"fmla v1.4s, v2.4s, v19.s[1]":   0x4fb31041,
	"fmla v1.4s, v2.4s, v19.s[2]":   0x4f931841,
	"fmla v1.4s, v2.4s, v19.s[3]":   0x4fb31841,
	"sdot v1.4s, v2.16b, v19.4b[0]": 0x4f93e041,
	"sdot v1.4s, v2.16b, v19.4b[1]": 0x4fb3e041,
	"sdot v1.4s, v2.16b, v19.4b[2]": 0x4f93e841,
	"sdot v1.4s, v2.16b, v19.4b[3]": 0x4fb3e841,
}

func TestEncodings(t *testing.T) {
	check := func(word uint32, text string) {
		if want := encoded[text]; word != want {
			t.Errorf("%s: %08x, want %08x", text, word, want)
		}
	}
	for _, i := range instructions {
		switch strings.Count(i.syntax, "%d") {
		case 2:
			check(i.two(1, 18), i.comment(1, 18))
		case 3:
			check(i.three(1, 2, 19), i.comment(1, 2, 19))
		default:
			for e := range 4 {
				check(i.element(1, 2, 19, e), i.comment(1, 2, 19, e))
			}
		}
	}
}
