package kv

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stagecoach-llm/stagecoach/shard/kernels"
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

// sequence is one sequence's keys and values, in a cache whose other blocks are poisoned.
type sequence struct {
	cache *Cache
	table []int32
	k, v  [][]float32 // [positions][kvHeads*dim]
}

const layer = 1 // of two

func newSequence(t *testing.T, r *rand.Rand, typ Type, kvHeads, dim, positions int) *sequence {
	t.Helper()
	blocks := (positions + BlockTokens - 1) / BlockTokens
	n := blocks + 7
	for n%7 == 0 {
		n++
	}
	s := &sequence{cache: newCache(t, Shape{Layers: 2, KVHeads: kvHeads, HeadDim: dim}, typ, n)}
	s.cache.poison()
	for i := range blocks {
		s.table = append(s.table, int32((i*7+3)%n))
	}
	for p := range positions {
		kp, vp := normal(r, kvHeads*dim), normal(r, kvHeads*dim)
		if !s.cache.Store(layer, s.table[p/BlockTokens], p%BlockTokens, kp, vp) {
			t.Fatal("a normal number does not fit")
		}
		s.k, s.v = append(s.k, kp), append(s.v, vp)
	}
	return s
}

// attend computes the queries q [rows, heads*dim] of positions from pos on, in one step.
func (s *sequence) attend(pool *kernels.Pool, heads, pos int, q []float32) []float32 {
	width := heads * s.cache.shape.HeadDim
	rows := len(q) / width
	a := NewAttention(s.cache, pool, heads, float32(1/math.Sqrt(float64(s.cache.shape.HeadDim))))
	out := make([]float32, len(q))
	used := (pos + rows + BlockTokens - 1) / BlockTokens
	a.Add(0, rows, pos, append(slices.Clone(s.table[:used]), slices.Repeat([]int32{1 << 20}, 40)...)) // what lies behind is no block
	a.Run(layer, q, func(r int) []float32 { return out[r*width : (r+1)*width] })
	return out
}

func TestAttend(t *testing.T) {
	pool := kernels.NewPool(1)
	for _, typ := range []Type{F16, F32} {
		for _, c := range []struct{ dim, heads int }{{64, 7}, {128, 1}, {40, 3}, {16, 8}, {80, 2}} {
			t.Run(fmt.Sprint(typ, c.dim, c.heads), func(t *testing.T) {
				r := rand.New(rand.NewPCG(1, uint64(c.dim)))
				const positions, kvHeads = 530, 2
				s := newSequence(t, r, typ, kvHeads, c.dim, positions)
				scale := 1 / math.Sqrt(float64(c.dim))
				for _, pos := range []int{0, 1, 15, 16, 254, 255, 256, 300, 511, 512, 529} {
					q := normal(r, kvHeads*c.heads*c.dim)
					out := s.attend(pool, kvHeads*c.heads, pos, q)
					for h := range kvHeads {
						var k, v [][]float32
						for p := range pos + 1 {
							k, v = append(k, s.k[p][h*c.dim:(h+1)*c.dim]), append(v, s.v[p][h*c.dim:(h+1)*c.dim])
						}
						at := h * c.heads * c.dim
						want := exactAttention(typ, q[at:at+c.heads*c.dim], k, v, scale)
						for i := range want {
							if !(math.Abs(float64(out[at+i])-want[i]) < 2e-6) {
								t.Fatalf("position %d, element %d is %g, want %g", pos, at+i, out[at+i], want[i])
							}
						}
					}
				}
			})
		}
	}
}

// TestAttendGivesTheSameBits: rows together or alone, on any path and number of threads, across blocks and chunks.
func TestAttendGivesTheSameBits(t *testing.T) {
	pools := []*kernels.Pool{kernels.NewPool(1), kernels.NewPool(3)}
	t.Cleanup(pools[1].Close)
	for _, c := range []struct{ dim, heads, kvHeads int }{
		{64, 14, 2}, {128, 7, 1}, {80, 4, 2}, {128, 28, 4}, {64, 3, 3}, {40, 5, 1}, {32, 17, 1},
	} {
		t.Run(fmt.Sprint(c.dim, c.heads, c.kvHeads), func(t *testing.T) {
			r := rand.New(rand.NewPCG(2, uint64(c.dim*c.heads)))
			const positions = 600
			types := []Type{F16}
			if c.dim <= 64 {
				types = append(types, F32)
			}
			for _, typ := range types {
				s := newSequence(t, r, typ, c.kvHeads, c.dim, positions)
				for _, at := range []struct{ pos, rows int }{
					{0, 1}, {0, 40}, {3, 2}, {247, 11}, {256, 5}, {510, 4}, {599, 1},
				} {
					s.sameBits(t, pools, c.heads, at.pos, normal(r, at.rows*c.heads*c.dim))
				}
			}
		})
	}
}

// sameBits compares with the generic path, row by row.
func (s *sequence) sameBits(t *testing.T, pools []*kernels.Pool, heads, pos int, q []float32) {
	t.Helper()
	was := kernels.Path()
	defer func() { _ = kernels.ForcePath(was) }()
	width := heads * s.cache.shape.HeadDim
	var want []float32
	for _, path := range kernels.Paths() {
		if err := kernels.ForcePath(path); err != nil {
			t.Fatal(err)
		}
		if want == nil {
			for r := range len(q) / width {
				want = append(want, s.attend(pools[0], heads, pos+r, q[r*width:(r+1)*width])...)
			}
		}
		for _, pool := range pools {
			got := s.attend(pool, heads, pos, q)
			for i := range want {
				if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
					t.Fatalf("%s, %d threads, position %d on: row %d, element %d is %g (%08x), want %g (%08x)", path, pool.Threads(),
						pos, i/width, i%width, got[i], math.Float32bits(got[i]), want[i], math.Float32bits(want[i]))
				}
			}
		}
	}
}

// TestAttendManySequences: a step's sequences, decoded and prefilled, do not touch each other.
func TestAttendManySequences(t *testing.T) {
	const dim, heads, width = 64, 7, 7 * 64
	pool := kernels.NewPool(2)
	t.Cleanup(pool.Close)
	r := rand.New(rand.NewPCG(3, 3))
	s := newSequence(t, r, F16, 1, dim, 800)
	a := NewAttention(s.cache, pool, heads, 0.125)
	for round := range 5 {
		var want []float32
		type part struct{ pos, rows int }
		parts := []part{{700, 1}, {10, 40}, {799, 1}, {300, 3}, {0, 1}}[:5-round]
		a.Reset()
		var q []float32
		rows := 0
		for _, p := range parts {
			x := normal(r, p.rows*width)
			a.Add(rows, p.rows, p.pos, s.table)
			want = append(want, s.attend(pool, heads, p.pos, x)...)
			q, rows = append(q, x...), rows+p.rows
		}
		for range 2 { // two layers of one step
			out := make([]float32, len(q))
			a.Run(layer, q, func(r int) []float32 { return out[r*width : (r+1)*width] })
			for i := range want {
				if out[i] != want[i] {
					t.Fatalf("round %d, row %d, element %d is %g, want %g", round, i/width, i%width, out[i], want[i])
				}
			}
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

// FuzzAttend compares a step of any shape with the generic path, row by row.
func FuzzAttend(f *testing.F) {
	f.Add(uint64(1), uint8(1), uint8(6), uint8(1), uint16(250), uint8(12))
	f.Add(uint64(2), uint8(3), uint8(0), uint8(2), uint16(0), uint8(0))
	f.Add(uint64(3), uint8(0), uint8(15), uint8(0), uint16(300), uint8(4))
	pools := []*kernels.Pool{kernels.NewPool(1), kernels.NewPool(2)}
	f.Cleanup(pools[1].Close)
	f.Fuzz(func(t *testing.T, seed uint64, dim, group, kvHeads uint8, pos uint16, rows uint8) {
		d, heads, at, n := 16*(1+int(dim)%8), 1+int(group)%18, int(pos)%530, 1+int(rows)%40
		kvs := 1 + int(kvHeads)%3
		if at*n*heads*kvs*d > 1<<22 { // the generic path emulates each multiply-add
			t.Skip()
		}
		r := rand.New(rand.NewPCG(seed, 4))
		s := newSequence(t, r, Type(seed%2), kvs, d, at+n)
		s.sameBits(t, pools, kvs*heads, at, normal(r, n*kvs*heads*d))
	})
}
