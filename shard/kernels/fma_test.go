package kernels

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// exactFMA rounds once, by exact arithmetic; x, y and z are finite.
func exactFMA(x, y, z float32) float32 {
	f := func(v float32) *big.Float { return new(big.Float).SetPrec(1000).SetFloat64(float64(v)) }
	p := new(big.Float).SetPrec(1000).Mul(f(x), f(y))
	r, _ := p.Add(p, f(z)).Float32()
	return r
}

// TestFMARoundsOnce pins the sum that float64 rounds onto the middle between two float32.
func TestFMARoundsOnce(t *testing.T) {
	a, b, c := float32(1+0x1p-18), float32((1-0x1p-18)*0x1p-24), float32(1+0x1p-23)
	if got := math.Float32bits(fma(a, b, c)); got != 0x3f800001 {
		t.Errorf("got %08x, want 3f800001", got)
	}
	if twice := float32(math.FMA(float64(a), float64(b), float64(c))); math.Float32bits(twice) != 0x3f800002 {
		t.Errorf("rounding twice gives %08x: the vector shows nothing", math.Float32bits(twice))
	}
}

func FuzzFMA(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 3000 {
		f.Add(r.Uint32(), r.Uint32(), r.Uint32())
		// products close to the addend's last bits
		x, y := 0x3f000000|r.Uint32()&0xffffff, 0x3f000000|r.Uint32()&0xffffff
		f.Add(x, y-uint32(20+r.IntN(10))<<23, 0x3f000000|r.Uint32()&0xffffff)
		f.Add(r.Uint32()&0x80ffffff|uint32(r.IntN(130))<<23, r.Uint32()&0x80ffffff, r.Uint32()&0x80ffffff) // subnormals
	}
	f.Fuzz(func(t *testing.T, a, b, c uint32) {
		x, y, z := math.Float32frombits(a), math.Float32frombits(b), math.Float32frombits(c)
		if !Finite([]float32{x, y, z}) {
			t.Skip()
		}
		if got, want := fma(x, y, z), exactFMA(x, y, z); !identical(got, want) {
			t.Errorf("fma(%x, %x, %x) is %x, want %x", x, y, z, got, want)
		}
	})
}
