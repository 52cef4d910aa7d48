package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stagecoach-llm/stagecoach/shard/quant"
)

// Every path must give the bits of the generic one. compute runs once for each path and returns what it computed.
func sameBits(t *testing.T, compute func() []float32) {
	t.Helper()
	was := Path()
	defer func() { _ = ForcePath(was) }()
	var want []float32
	for _, p := range Paths() {
		if err := ForcePath(p); err != nil {
			t.Fatal(err)
		}
		got := compute()
		if p == "generic" {
			want = got
			continue
		}
		for i := range want {
			if !identical(got[i], want[i]) {
				t.Fatalf("%s gives %g (%08x) at %d, generic %g (%08x)",
					p, got[i], math.Float32bits(got[i]), i, want[i], math.Float32bits(want[i]))
			}
		}
	}
}

// identical compares bits, but not the sign of zero nor NaN's payload.
func identical(a, b float32) bool {
	return math.Float32bits(a) == math.Float32bits(b) || (a == 0 && b == 0) || (a != a && b != b)
}

// adversarial gives values that kernels get wrong: all magnitudes, subnormals, zeros, ties of the quantiser.
func adversarial(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		switch r.IntN(8) {
		case 0:
			x[i] = 0
		case 1:
			x[i] = math.Float32frombits(r.Uint32()&0x807fffff | uint32(r.IntN(4))<<23) // around the subnormals
		case 2:
			x[i] = float32(r.IntN(255)-127) + 0.5
		case 3:
			x[i] = math.Float32frombits(r.Uint32()&0x807fffff | uint32(100+r.IntN(54))<<23)
		default:
			x[i] = float32(r.NormFloat64())
		}
	}
	return x
}

// blocks gives a matrix's bytes with every code and scale possible, scales finite.
func blocks(r *rand.Rand, t quant.Type, rows, cols int) []byte {
	size, err := t.RowBytes(cols)
	if err != nil {
		panic(err)
	}
	b := make([]byte, rows*size)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	_, block := t.Block()
	for at := 0; at < len(b); at += block {
		for _, f := range halves[t] {
			h := &b[at+f+1]
			if *h&0x7c == 0x7c {
				*h &^= 0x40
			}
		}
	}
	if t == quant.F32 || t == quant.BF16 {
		for i := block - 1; i < len(b); i += block {
			if b[i]&0x7f == 0x7f {
				b[i] &^= 0x20
			}
		}
	}
	return b
}

// halves are the places of the f16 fields in a block.
var halves = map[quant.Type][]int{
	quant.F16: {0}, quant.Q8_0: {0}, quant.Q4_0: {0}, quant.Q4_1: {0, 2}, quant.Q5_0: {0}, quant.Q5_1: {0, 2},
	quant.Q2_K: {80, 82}, quant.Q3_K: {108}, quant.Q4_K: {0, 2}, quant.Q5_K: {0, 2}, quant.Q6_K: {208},
	quant.IQ4_NL: {0}, quant.IQ4_XS: {0},
}

func allTypes() []quant.Type {
	var types []quant.Type
	for t := range formats {
		types = append(types, t)
	}
	slices.Sort(types)
	return types
}

func pack(t *testing.T, typ quant.Type, rows, cols int, data []byte) *Matrix {
	t.Helper()
	m, err := Pack(typ, rows, cols, data, NewPool(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Free)
	return m
}

// TestMulEqual covers every type with every number of rows that has a kernel, ragged groups included, and checks
// that nothing is written outside the output.
func TestMulEqual(t *testing.T) {
	for _, typ := range allTypes() {
		t.Run(typ.String(), func(t *testing.T) {
			r := rand.New(rand.NewPCG(uint64(typ), 3))
			const rows, cols, stride = 40, 768, 43
			m := pack(t, typ, rows, cols, blocks(r, typ, rows, cols))
			for batch := 1; batch <= 17; batch++ {
				x := adversarial(r, batch*cols)
				sameBits(t, func() []float32 {
					var a Acts
					a.Reset(batch, cols, true)
					for i := range batch {
						copy(a.Row(i), x[i*cols:])
						a.Seal(i)
					}
					y := make([]float32, batch*stride)
					for g := range m.Groups() {
						m.Mul(y[:(batch-1)*stride+rows], stride, &a, 0, batch, g)
					}
					for i, v := range y {
						if i%stride >= rows && v != 0 {
							t.Fatalf("batch %d: element %d lies outside the output and was written", batch, i)
						}
					}
					return y
				})
			}
		})
	}
}

// TestMulExtremes has the largest codes meet the largest activations of either sign, where 16 bits could overflow.
func TestMulExtremes(t *testing.T) {
	for _, typ := range allTypes() {
		for _, fill := range []byte{0x00, 0x7f, 0x80, 0xff} {
			t.Run(fmt.Sprintf("%v/%02x", typ, fill), func(t *testing.T) {
				r := rand.New(rand.NewPCG(1, 1))
				const rows, cols, batch = 16, 512, 15
				data := blocks(r, typ, rows, cols)
				scales := map[int]bool{}
				for _, h := range halves[typ] {
					scales[h], scales[h+1] = true, true
				}
				_, size := typ.Block()
				for i := range data {
					if !scales[i%size] && typ.Scheme() != (quant.Scheme{}) {
						data[i] = fill
					}
				}
				m := pack(t, typ, rows, cols, data)
				sameBits(t, func() []float32 {
					var a Acts
					a.Reset(batch, cols, true)
					for i := range batch {
						for k := range a.Row(i) {
							a.Row(i)[k] = []float32{1, -1, float32(1 - k%2*2)}[i%3]
						}
						a.Seal(i)
					}
					y := make([]float32, batch*rows)
					m.Mul(y, rows, &a, 0, batch, 0)
					return y
				})
			})
		}
	}
}

func TestQuantiseEqual(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for n := 32; n <= 640; n += 32 {
		x := adversarial(r, n)
		for i := range x {
			x[i] *= math.Float32frombits(uint32(r.IntN(140)) << 23) // blocks around the threshold of zero
		}
		if n%64 == 0 {
			x[r.IntN(n)] = 3e38
		}
		sameBits(t, func() []float32 {
			b := make([]actBlock, n/32)
			quantise(b, x)
			var out []float32
			for i := range b {
				out = append(out, b[i].d, b[i].n0, b[i].n1, b[i].n, float32(b[i].z-magicBits), float32(b[i].z0-magicBits), float32(b[i].z1-magicBits))
				for _, q := range b[i].q {
					out = append(out, float32(q))
				}
			}
			return out
		})
	}
}

// ragged are lengths with and without a tail.
var ragged = []int{1, 7, 15, 16, 17, 31, 32, 33, 64, 100, 255, 256}

func TestElementwiseEqual(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	special := []float32{0, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), 88.7, 88.70001,
		-87.3, -87.30001, 1e-40, 3e38, -3e38}
	kernels := map[string]func(x, y []float32) []float32{
		"exp":     func(x, _ []float32) []float32 { expInPlace(x); return x },
		"swiglu":  func(x, y []float32) []float32 { swiglu(x, y); return x },
		"add":     func(x, y []float32) []float32 { add(x, y); return x },
		"scale":   func(x, y []float32) []float32 { scaleBy(x, x, y, 1.7); return x },
		"squares": func(x, _ []float32) []float32 { return []float32{sumSquares(x)} },
		"softmax": func(x, _ []float32) []float32 { m, l := softmaxTile(x); return append(x, m, l) },
		"merge":   func(x, y []float32) []float32 { m, l := Merge(x, 0.5, 3, y, 0.75, 2); return append(x, m, l) },
		"finite": func(x, _ []float32) []float32 {
			if finite(x) {
				return []float32{1}
			}
			return []float32{0}
		},
		"rotate": func(x, y []float32) []float32 {
			n := len(x) / 2
			rotate(x[:n], x[n:2*n], y[:n], y[n:2*n])
			return x
		},
	}
	for name, kernel := range kernels {
		t.Run(name, func(t *testing.T) {
			for _, n := range ragged {
				for trial := range 20 {
					x, y := adversarial(r, n), adversarial(r, n)
					for i := range x {
						x[i] *= 30
					}
					if trial%2 == 1 {
						x[r.IntN(n)] = special[r.IntN(len(special))]
					}
					sameBits(t, func() []float32 { return kernel(slices.Clone(x), slices.Clone(y)) })
				}
			}
		})
	}
}

func TestMixEqual(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for n := 1; n <= 17; n++ {
		for _, tiles := range []int{1, 4, 5} {
			steps := 1 + r.IntN(16)
			if tiles == 1 {
				steps = 64 + r.IntN(64)
			}
			const stride = 133
			coef, tile := adversarial(r, n*stride), adversarial(r, max(tiles*tileStep, steps*16))
			half := make([]uint16, len(tile))
			ToHalf(half, 1, tile)
			for i, h := range half {
				if h&0x7c00 == 0x7c00 {
					half[i] = 0
				}
			}
			out := adversarial(r, n*stride)
			sameBits(t, func() []float32 {
				a, b := slices.Clone(out), slices.Clone(out)
				MixHalf(a, stride, coef, stride, n, half, steps, tiles)
				MixFloat(b, stride, coef, stride, n, tile, steps, tiles)
				return append(a, b...)
			})
		}
	}
}

// TestAlias: outputs may be inputs where the engine has them so.
func TestAlias(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	x, w := adversarial(r, 320), adversarial(r, 320)
	everyPath(t, func(t *testing.T) {
		apart, same := make([]float32, 320), slices.Clone(x)
		RMSNorm(apart, x, w, 1e-6)
		RMSNorm(same, same, w, 1e-6)
		for i := range apart {
			if !identical(apart[i], same[i]) {
				t.Fatalf("norm in place differs at %d: %g, %g", i, same[i], apart[i])
			}
		}
		square := slices.Clone(x)
		SwiGLU(square, square)
		apart = slices.Clone(x)
		SwiGLU(apart, x)
		for i := range apart {
			if !identical(apart[i], square[i]) {
				t.Fatalf("swiglu with gate as up differs at %d: %g, %g", i, square[i], apart[i])
			}
		}
	})
}
