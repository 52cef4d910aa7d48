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
	m, err := Pack(t.Context(), typ, rows, cols, data, NewPool(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Free)
	return m
}

// product is m times rows of activations x [batch, cols]: y [batch, stride].
func product(m *Matrix, x []float32, batch, stride int) []float32 {
	var a Acts
	a.Reset(batch, m.Cols, true)
	for i := range batch {
		copy(a.Row(i), x[i*m.Cols:])
		a.Seal(i)
	}
	y := make([]float32, batch*stride)
	m.mulGroups(y[:(batch-1)*stride+m.Rows], stride, &a, 0, m.Groups(), newWorkspace())
	return y
}

// TestMulEqual covers every type with every number of rows that has a kernel, ragged groups included, and checks
// that nothing is written outside the output.
func TestMulEqual(t *testing.T) {
	for _, typ := range allTypes() {
		t.Run(typ.String(), func(t *testing.T) {
			r := rand.New(rand.NewPCG(uint64(typ), 3))
			const rows, cols, stride = 72, 768, 75
			m := pack(t, typ, rows, cols, blocks(r, typ, rows, cols))
			for _, batch := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 31, 40} {
				x := adversarial(r, batch*cols)
				sameBits(t, func() []float32 {
					y := product(m, x, batch, stride)
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

// TestMulLong goes past every border by which many rows and columns are cut, with a type of each kind of scales.
func TestMulLong(t *testing.T) {
	for _, typ := range []quant.Type{quant.Q8_0, quant.Q5_0, quant.Q4_K, quant.Q6_K, quant.Q2_K} {
		t.Run(typ.String(), func(t *testing.T) {
			r := rand.New(rand.NewPCG(uint64(typ), 9))
			const rows, cols, batch = 56, 1280, 515
			m := pack(t, typ, rows, cols, blocks(r, typ, rows, cols))
			x := adversarial(r, batch*cols)
			sameBits(t, func() []float32 { return product(m, x, batch, rows) })
		})
	}
}

// FuzzMul: any weights, activations and numbers of rows give the same bits on every path.
func FuzzMul(f *testing.F) {
	for i := range uint64(24) {
		f.Add(i, uint8(i), uint8(7*i))
	}
	f.Fuzz(func(t *testing.T, seed uint64, kind, size uint8) {
		types := allTypes()
		typ := types[int(kind)%len(types)]
		r := rand.New(rand.NewPCG(seed, 10))
		rows, cols, batch := 1+r.IntN(70), 256*(1+r.IntN(3)), 1+int(size)%40
		m := pack(t, typ, rows, cols, blocks(r, typ, rows, cols))
		x := adversarial(r, batch*cols)
		sameBits(t, func() []float32 { return product(m, x, batch, rows) })
	})
}

// TestMulExtremes has the largest codes meet the largest activations of either sign, where 16 bits could overflow.
func TestMulExtremes(t *testing.T) {
	for _, typ := range allTypes() {
		for _, fill := range []byte{0x00, 0x7f, 0x80, 0xff} {
			t.Run(fmt.Sprintf("%v/%02x", typ, fill), func(t *testing.T) {
				r := rand.New(rand.NewPCG(1, 1))
				const rows, cols, batch = 16, 512, 15
				w := newWorkspace()
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
					m.mulGroups(y, rows, &a, 0, 1, w)
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
			quantise(b, 1, x)
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
		"swiglu":  func(x, y []float32) []float32 { swiglu(x, slices.Clone(x), y); return x },
		"add":     func(x, y []float32) []float32 { add(x, y); return x },
		"scale":   func(x, y []float32) []float32 { scaleBy(x, x, y, 1.7); return x },
		"squares": func(x, _ []float32) []float32 { return []float32{sumSquares(x)} },
		"divide":  func(x, y []float32) []float32 { divide(x, x, y[0]); return x },
		"halves": func(x, _ []float32) []float32 {
			h := make([]uint16, len(x))
			if ok := roundHalves(h, x); !ok {
				x[0] = float32(math.Inf(1)) // reported, and so part of the result
			}
			for i, v := range h {
				x[i] += fromHalf(v)
			}
			return x
		},
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

func TestMulTilesEqual(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for n := 1; n <= 31; n++ {
		for _, tiles := range []int{2, 4, 6} {
			steps := []int{1, 2, 3, 40, 64, 80, 128, 256}[r.IntN(8)]
			outStride, coefStride, tileStride := 16*tiles+r.IntN(9), steps+r.IntN(9), 16*(steps+r.IntN(3))
			coef, tile := adversarial(r, (n-1)*coefStride+steps), adversarial(r, (tiles-1)*tileStride+16*steps)
			f := float32(r.NormFloat64())
			sameBits(t, func() []float32 {
				out := make([]float32, n*outStride)
				MulTiles(out[:(n-1)*outStride+16*tiles], outStride, coef, coefStride, n, tile, tileStride, steps, tiles, f, nil)
				for i, v := range out {
					if i%outStride >= 16*tiles && v != 0 {
						t.Fatalf("%d rows: element %d lies outside the output and was written", n, i)
					}
				}
				return out
			})
		}
	}
}

// TestDecodeEqual: scores and mixes of every number of queries and positions, beside what MulTiles gives for the same.
func TestDecodeEqual(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 13))
	for n := 1; n <= DecodeQueries; n++ {
		for _, d := range []int{32, 64, 96, 128} {
			positions := 1 + r.IntN(64)
			count := (positions + 31) / 32 * 2
			var blocks []*uint16
			keys, mixed := make([]float32, count*d*16), make([]float32, d/16*count*256)
			for b := range count + 2 {
				block := make([]uint16, 2*d*blockTokens)
				for i := range block {
					block[i] = toHalf(float32(r.NormFloat64()))
				}
				blocks = append(blocks, &block[0])
				if b < count {
					Widen(keys[b*d*16:], d*16, block, d*16, 1)
					Widen(mixed[b*256:], count*256, block[d*16:], 256, d/16)
				}
			}
			q, p := adversarial(r, n*d), adversarial(r, n*100)
			f := float32(r.NormFloat64())
			sameBits(t, func() []float32 {
				s, m := make([]float32, n*70), make([]float32, n*d)
				Scores(s, 70, q, n, d, blocks, f)
				Values(m, p, 100, n, d, blocks, positions)
				wide, other := make([]float32, n*70), make([]float32, n*d)
				MulTiles(wide, 70, q, d, n, keys, d*16, d, count, f, nil)
				MulTiles(other, d, p, 100, n, mixed, count*256, positions, d/16, 1, nil)
				for i := range wide {
					if !identical(s[i], wide[i]) {
						t.Fatalf("%d queries of %d: score %d is %g, MulTiles gives %g", n, d, i, s[i], wide[i])
					}
				}
				for i := range other {
					if !identical(m[i], other[i]) {
						t.Fatalf("%d queries of %d: element %d is %g, MulTiles gives %g", n, d, i, m[i], other[i])
					}
				}
				return append(s, m...)
			})
		}
	}
}

func TestWidenEqual(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	all := make([]uint16, 1<<16)
	for i := range all {
		all[i] = uint16(i)
	}
	for _, n := range []int{1, 16, 40, 64, 256, 1024} {
		rows := 1 + r.IntN(5)
		at, stride := r.IntN(len(all)-rows*n), n+r.IntN(20)
		sameBits(t, func() []float32 {
			dst := make([]float32, rows*stride)
			Widen(dst, stride, all[at:], n, rows)
			return dst
		})
	}
	sameBits(t, func() []float32 {
		dst := make([]float32, len(all))
		Widen(dst, len(all), all, len(all), 1)
		return dst
	})
}

// TestSoftmaxEqual: rows of every length, with scores that are not finite, and memory behind them that is not either.
func TestSoftmaxEqual(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 11))
	special := []float32{float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), 3e38, -3e38, 1e-40}
	for n := 1; n <= 256; n++ {
		fill := (n+15)&^15 + 16*r.IntN(3)
		rows, stride := 1+r.IntN(9), fill+r.IntN(20)
		s := make([]float32, rows*stride)
		for i := range s {
			s[i] = float32(math.NaN())
		}
		for row := range rows {
			copy(s[row*stride:], adversarial(r, n))
			switch r.IntN(4) {
			case 0:
				s[row*stride+r.IntN(n)] = special[r.IntN(len(special))]
			case 1:
				for i := range n {
					s[row*stride+i] *= 100
				}
			}
		}
		sameBits(t, func() []float32 {
			p := slices.Clone(s)
			m, l := make([]float32, rows), make([]float32, rows)
			Softmax(p, stride, n, fill, m, l)
			for row := range rows {
				for i := n; i < fill; i++ {
					if p[row*stride+i] != 0 {
						t.Fatalf("%d scores: element %d is %g, want 0", n, i, p[row*stride+i])
					}
				}
			}
			return append(append(p, m...), l...)
		})
	}
}

func TestMergeEqual(t *testing.T) {
	r := rand.New(rand.NewPCG(12, 12))
	for rows := 1; rows <= 40; rows++ {
		n := 16 * (1 + r.IntN(8))
		o, oc := adversarial(r, rows*n), adversarial(r, rows*n)
		weights := adversarial(r, 4*rows)
		weights[r.IntN(rows)] = float32(math.Inf(-1))
		sameBits(t, func() []float32 {
			x, w := slices.Clone(o), slices.Clone(weights)
			Merge(x, n, w[:rows], w[rows:2*rows], oc, w[2*rows:3*rows], w[3*rows:])
			return append(x, w...)
		})
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
		SwiGLU(square, square, square)
		apart = slices.Clone(x)
		SwiGLU(apart, apart, x)
		for i := range apart {
			if !identical(apart[i], square[i]) {
				t.Fatalf("swiglu with gate as up differs at %d: %g, %g", i, square[i], apart[i])
			}
		}
	})
}
