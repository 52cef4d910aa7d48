package kv

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stagecoach-llm/stagecoach/shard/quant"
)

func newCache(t *testing.T, s Shape, typ Type, blocks int) *Cache {
	t.Helper()
	c, err := New(s, typ, blocks)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// poison fills the cache with NaN, as an earlier owner's blocks could hold.
func (c *Cache) poison() {
	for i := range c.memory {
		c.memory[i] = 0xff
	}
}

func normal(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// kept is x as the cache keeps it.
func kept(typ Type, x float32) float64 {
	if typ == F32 {
		return float64(x)
	}
	return float64(quant.F16ToF32(quant.F32ToF16(x)))
}

// exactAttention is the formula in float64: q [heads, d], k and v [positions][d].
func exactAttention(typ Type, q []float32, k, v [][]float32, scale float64) []float64 {
	d := len(k[0])
	out := make([]float64, len(q))
	for h := 0; h < len(q); h += d {
		var sum float64
		for p := range k {
			var s float64
			for i := range d {
				s += float64(q[h+i]) * kept(typ, k[p][i])
			}
			w := math.Exp(s * scale)
			sum += w
			for i := range d {
				out[h+i] += w * kept(typ, v[p][i])
			}
		}
		for i := range d {
			out[h+i] /= sum
		}
	}
	return out
}

func TestAttend(t *testing.T) {
	for _, typ := range []Type{F16, F32} {
		for _, c := range []struct{ dim, heads int }{{64, 7}, {128, 1}, {40, 3}, {16, 8}} {
			t.Run(fmt.Sprint(typ, c.dim, c.heads), func(t *testing.T) {
				r := rand.New(rand.NewPCG(1, uint64(c.dim)))
				const positions, layer, kvHeads, head = 530, 1, 2, 1
				cache := newCache(t, Shape{Layers: 2, KVHeads: kvHeads, HeadDim: c.dim}, typ, 40)
				cache.poison()
				table := make([]int32, 34)
				for i := range table {
					table[i] = int32((i*7 + 3) % 40)
				}
				var k, v [][]float32
				for p := range positions {
					kp, vp := normal(r, kvHeads*c.dim), normal(r, kvHeads*c.dim)
					if !cache.Store(layer, table[p/16], p%16, kp, vp) {
						t.Fatal("a normal number does not fit")
					}
					k, v = append(k, kp[head*c.dim:]), append(v, vp[head*c.dim:])
				}
				scratch := NewScratch(cache.shape, c.heads)
				q, out := normal(r, c.heads*c.dim), make([]float32, c.heads*c.dim)
				scale := 1 / math.Sqrt(float64(c.dim))
				for _, pos := range []int{0, 1, 15, 16, 254, 255, 256, 300, 511, 512, 529} {
					cache.Attend(scratch, layer, table, pos, head, float32(scale), q, out)
					want := exactAttention(typ, q, k[:pos+1], v[:pos+1], scale)
					for i := range want {
						if !(math.Abs(float64(out[i])-want[i]) < 2e-6) {
							t.Fatalf("position %d, element %d is %g, want %g", pos, i, out[i], want[i])
						}
					}
				}
			})
		}
	}
}

func TestStoreReportsWhatDoesNotFit(t *testing.T) {
	s := Shape{Layers: 1, KVHeads: 1, HeadDim: 16}
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	for _, c := range []struct {
		typ Type
		x   float32
		fit bool
	}{{F16, 65504, true}, {F16, -65520, false}, {F16, nan, false}, {F32, 1e30, true}, {F32, inf, false}, {F32, nan, false}} {
		for place := range 2 {
			k, v := make([]float32, 16), make([]float32, 16)
			[][]float32{k, v}[place][7] = c.x
			if got := newCache(t, s, c.typ, 1).Store(0, 0, 3, k, v); got != c.fit {
				t.Errorf("%v %g: fits %v, want %v", c.typ, c.x, got, c.fit)
			}
		}
	}
}

func TestParseType(t *testing.T) {
	for s, want := range map[string]Type{"f16": F16, "": F16, "f32": F32} {
		if got, err := ParseType(s); err != nil || got != want {
			t.Errorf("%q is %v, %v, want %v", s, got, err, want)
		}
		if s != "" && want.String() != s {
			t.Errorf("%v prints as %q", want, want.String())
		}
	}
	if _, err := ParseType("q8"); err == nil {
		t.Error("q8 was taken")
	}
}

func TestSizes(t *testing.T) {
	s := Shape{Layers: 3, KVHeads: 2, HeadDim: 64}
	if got, want := s.BlockBytes(F16), int64(3*2*2*64*16*2); got != want {
		t.Errorf("a block takes %d bytes, want %d", got, want)
	}
	c := newCache(t, s, F32, 5)
	if got, want := c.Bytes(), 5*s.BlockBytes(F32); got != want {
		t.Errorf("the cache takes %d bytes, want %d", got, want)
	}
	if c.Holds(-1) || c.Holds(5) || !c.Holds(4) {
		t.Error("the cache holds other blocks than 0 to 4")
	}
	if _, err := New(s, F16, -1); err == nil {
		t.Error("a cache of -1 blocks was made")
	}
	if _, err := New(s, F16, math.MaxInt); err == nil {
		t.Error("a cache of all blocks was made")
	}
	newCache(t, Shape{Layers: 0, KVHeads: 1, HeadDim: 64}, F16, 4) // a shard of the head alone
}
