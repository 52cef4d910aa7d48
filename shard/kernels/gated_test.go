package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stagecoach-llm/stagecoach/shard/quant"
)

// apart is what Gated computes, by two products, row by row.
func apart(a *Acts, gate, up *Matrix, dst *Acts, pool *Pool) {
	n := gate.Rows
	g, u := make([]float32, a.rows*n), make([]float32, a.rows*n)
	NewProducts(pool).Mul(a, Job{M: gate, Y: g, Stride: n}, Job{M: up, Y: u, Stride: n})
	for r := range a.rows {
		SwiGLU(dst.Row(r), g[r*n:(r+1)*n], u[r*n:(r+1)*n])
		dst.Seal(r)
	}
}

// TestGated compares with products and rows apart: every kind of kernel, number of rows and last chunk.
func TestGated(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 21))
	for _, c := range []struct {
		typ    quant.Type
		ffn    int
		floats bool // what follows has float weights
	}{{quant.Q8_0, 32, false}, {quant.Q8_0, 352, false}, {quant.Q4_K, 544, false}, {quant.Q8_0, 41, true}, {quant.F16, 64, false}, {quant.F16, 50, true}} {
		for _, threads := range []int{1, 3} {
			t.Run(fmt.Sprint(c.typ, c.ffn, threads), func(t *testing.T) {
				const cols = 256
				pool := NewPool(threads)
				defer pool.Close()
				gate := pack(t, c.typ, c.ffn, cols, blocks(r, c.typ, c.ffn, cols))
				up := pack(t, c.typ, c.ffn, cols, blocks(r, c.typ, c.ffn, cols))
				gated := NewGated(NewProducts(pool))
				for _, rows := range []int{1, 2, 7, 9, 40} {
					a := normalActs(r, rows, cols)
					var want, got Acts
					want.Reset(rows, c.ffn, !c.floats)
					got.Reset(rows, c.ffn, !c.floats)
					apart(a, gate, up, &want, pool)
					bad := gated.Run(a, gate, up, &got)
					if rows > 4 && len(bad) == 0 {
						t.Errorf("bad rows %v of %d, want the fifth among them", bad, rows)
					}
					sameActs(t, &got, &want, bad)
				}
			})
		}
	}
}

// normalActs are activations of which some rows are large enough to overflow in a product.
func normalActs(r *rand.Rand, rows, cols int) *Acts {
	var a Acts
	a.Reset(rows, cols, true)
	for i := range rows {
		for k := range a.Row(i) {
			a.Row(i)[k] = float32(r.NormFloat64())
			if i%5 == 4 {
				a.Row(i)[k] *= 1e36
			}
		}
		a.Seal(i)
	}
	return &a
}

// sameActs compares all rows but the bad ones, which must be those that hold Inf or NaN.
func sameActs(t *testing.T, got, want *Acts, bad []int) {
	t.Helper()
	for r := range want.rows {
		zero := !slices.ContainsFunc(want.Row(r), func(v float32) bool { return v != 0 })
		if zero != slices.Contains(bad, r) {
			t.Errorf("row %d of %d: cleared %v, bad rows %v", r, want.rows, zero, bad)
		}
		if zero {
			continue
		}
		if len(want.blocks) > 0 {
			a, step := got.column(r)
			b, _ := want.column(r)
			for i := range want.cols / 32 {
				if a[i*step] != b[i*step] {
					t.Fatalf("row %d of %d, block %d is %v, want %v", r, want.rows, i, a[i*step], b[i*step])
				}
			}
			continue
		}
		for i, v := range want.Row(r) {
			if math.Float32bits(got.Row(r)[i]) != math.Float32bits(v) {
				t.Fatalf("row %d of %d, element %d is %g, want %g", r, want.rows, i, got.Row(r)[i], v)
			}
		}
	}
}
