package main

import (
	"fmt"
	"math"
)

// The layout of actBlock of package kernels.
const (
	actScale = 32 // float32
	actSum   = 36 // float32: -Σ; then those of the halves
	actSum0  = 40
	actStart = 48 // int32: where x86's dot products begin, magic - 128·Σ in three words
	actBytes = 64
)

// magic is the bits of 1.5·2^23.
const magic = 0x4b400000

// quantise rounds blocks of 32 to integers. No clamp is needed: |x|·(127/amax) is below 127.5.
func (f *file) quantise() {
	args := []arg{{"dst", "*byte"}, {"x", "*float32"}, {"blocks", "int"}}
	f.function("quantiseNEON", "fills activation blocks; x must be finite.", args, "", func(k *kernel) {
		dst, x, n := k.pointer("dst"), k.pointer("x"), k.pointer("blocks")
		v, magnitude, amax, zero := k.vecs(8), k.vec(), k.vec(), k.vec()
		start := k.reg()
		k.op("MOVW", fmt.Sprintf("$%#x", magic), start)
		tiny, top, scale := k.bits(math.Float32bits(0x1p-100)), k.bits(math.Float32bits(127)), k.vec()
		k.zero(zero)
		k.loop("loop", n, 1, func() {
			for i := range v {
				k.load(v[i], x, 16*i)
				k.two(fabs, magnitude, v[i])
				if i == 0 {
					k.move(amax, magnitude)
				} else {
					k.native("VUMAX", "S4", amax, amax, magnitude)
				}
			}
			k.two(umaxv, amax, amax)
			k.op("FCMPS", tiny.f(), amax.f())
			k.op("BGE", "fill")
			for at := 0; at < actBytes; at += 16 {
				k.store(zero, dst, at)
			}
			for i := range 3 {
				k.op("MOVW", start, mem(dst, actStart+4*i))
			}
			k.op("B", "next")
			k.label("fill")
			k.op("FDIVS", top.f(), amax.f(), scale.f())
			k.op("FMOVS", scale.f(), mem(dst, actScale))
			k.op("FDIVS", amax.f(), top.f(), scale.f())
			k.integers(v, scale)
			k.store(v[0], dst, 0)
			k.store(v[4], dst, 16)
			k.negatedSums(v[0], v[4], dst, start)
			k.label("next")
			k.add(x, 128)
			k.add(dst, actBytes)
		})
		k.op("RET")
	})
}

// integers rounds v times an element of scale to bytes: sixteen in v[0] and sixteen in v[4].
func (k *kernel) integers(v []V, scale V) {
	for i := range v {
		k.element(fmulE, v[i], v[i], scale, 0)
		k.two(fcvtns, v[i], v[i])
	}
	for i := 0; i < 8; i += 4 {
		k.two(sqxtn4, v[i], v[i])
		k.two(sqxtn4h, v[i], v[i+1])
		k.two(sqxtn4, v[i+2], v[i+2])
		k.two(sqxtn4h, v[i+2], v[i+3])
		k.two(sqxtn8, v[i], v[i])
		k.two(sqxtn8h, v[i], v[i+2])
	}
}

// negatedSums stores -Σ of all and of the halves, and the starts of x86's dot products. It uses up lo and hi.
func (k *kernel) negatedSums(lo, hi V, dst, start R) {
	all, s0, s1 := k.reg(), k.reg(), k.reg()
	for _, half := range []struct {
		v V
		s R
	}{{lo, s0}, {hi, s1}} {
		k.two(saddlv, half.v, half.v)
		k.op("VMOV", half.v.as("H[0]"), half.s)
		k.op("SXTH", half.s, half.s)
		k.op("NEG", half.s, half.s)
	}
	k.op("ADD", s1, s0, all)
	for i, sum := range []R{all, s0, s1} {
		k.op("SCVTFWS", sum, lo.f())
		k.op("FMOVS", lo.f(), mem(dst, actSum+4*i))
		k.op("ADD", fmt.Sprintf("%v<<7", sum), start, sum)
		k.op("MOVW", sum, mem(dst, actStart+4*i))
	}
}
