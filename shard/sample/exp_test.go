package sample

import (
	"hash/crc64"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stagecoach-llm/stagecoach/shard/kernels"
)

// exp is e^x for x <= 0.
func exp(x float64) float64 { return kernels.SumExp([]float32{-1}, 0, -x) }

func TestExp(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 200000 {
		x := -r.Float64() * math.Pow(10, float64(r.IntN(7)-4))
		if x < -708 {
			continue
		}
		if got, want := exp(x), math.Exp(x); math.Abs(got-want) > want*0x1p-49 {
			t.Fatalf("exp(%v) = %v, want %v", x, got, want)
		}
	}
	for x, want := range map[float64]float64{0: 1, math.Copysign(0, -1): 1, -708.5: 0, math.Inf(-1): 0, math.NaN(): 0} {
		if got := exp(x); got != want {
			t.Errorf("exp(%v) = %v, want %v", x, got, want)
		}
	}
}

// The bits are a promise between machines: these were computed on amd64.
func TestExpBits(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	h := crc64.New(crc64.MakeTable(crc64.ECMA))
	for range 100000 {
		bits := math.Float64bits(exp(-r.Float64() * 100))
		for i := range 8 {
			h.Write([]byte{byte(bits >> (8 * i))})
		}
	}
	if got, want := h.Sum64(), uint64(0x86d59216e2cf4e25); got != want {
		t.Errorf("checksum %#x, want %#x: another arithmetic, other tokens", got, want)
	}
}

func TestUniformBits(t *testing.T) {
	for _, c := range []struct {
		seed   uint64
		choice uint32
		pos    int
		want   float64
	}{
		{0, 0, 0, 0x1.f7d31066be6d9p-1},
		{0, 0, 1, 0x1.e120b6f9ddbcep-2},
		{0, 1, 0, 0x1.12605da9c256cp-3},
		{1, 0, 0, 0x1.b7c50855d2c34p-2},
		{math.MaxUint64, 7, 4096, 0x1.ff21263992987p-1},
	} {
		if got := uniform(c.seed, c.choice, c.pos); got != c.want {
			t.Errorf("uniform(%d, %d, %d) = %x, want %x", c.seed, c.choice, c.pos, got, c.want)
		}
	}
}

func TestUniformIsUniform(t *testing.T) {
	const cells, n = 64, 64 * 1000
	for name, at := range map[string]func(i int) float64{
		"seeds":     func(i int) float64 { return uniform(uint64(i), 0, 0) },
		"choices":   func(i int) float64 { return uniform(1, uint32(i), 0) },
		"positions": func(i int) float64 { return uniform(1, 0, i) },
	} {
		var seen [cells]float64
		for i := range n {
			u := at(i)
			if u < 0 || u >= 1 {
				t.Fatalf("%s: %v", name, u)
			}
			seen[int(u*cells)]++
		}
		chi := 0.0
		for _, c := range seen {
			chi += (c - n/cells) * (c - n/cells) / (n / cells)
		}
		if chi > 63+5*math.Sqrt(2*63) { // 63 degrees of freedom, five standard deviations
			t.Errorf("%s: chi-squared %v", name, chi)
		}
	}
}
