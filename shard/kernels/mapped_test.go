package kernels

import (
	"math/rand/v2"
	"testing"

	"github.com/stagecoach-llm/stagecoach/shard/quant"
)

// TestMappedEqualsRepacked: a matrix that stays in the file multiplies to the same bits on every path, without
// rows, with few and with many, on one thread and three, ragged groups included, and its rows are the same.
func TestMappedEqualsRepacked(t *testing.T) {
	const rows, cols, stride = 152, 512, 155
	for _, typ := range allTypes() {
		t.Run(typ.String(), func(t *testing.T) {
			r := rand.New(rand.NewPCG(uint64(typ), 11))
			data := blocks(r, typ, rows, cols)
			packed := pack(t, typ, rows, cols, data)
			mapped, err := Map(typ, rows, cols, data)
			if err != nil {
				t.Fatal(err)
			}
			defer mapped.Free()
			if n := mapped.MappedBytes(); n != int64(len(data)) || mapped.Bytes() != 0 {
				t.Errorf("%d bytes of the file and %d of memory, want %d and none", n, mapped.Bytes(), len(data))
			}
			everyPath(t, func(t *testing.T) {
				for _, threads := range []int{1, 3} {
					pool := NewPool(threads)
					defer pool.Close()
					products := NewProducts(pool)
					for _, batch := range []int{0, 1, 3, 17} {
						a := sealed(r, batch, cols)
						want, got := make([]float32, batch*stride), make([]float32, batch*stride)
						products.Mul(a, Job{M: packed, Y: want, Stride: stride})
						products.Mul(a, Job{M: mapped, Y: got, Stride: stride})
						if i := firstDifference(got, want); i >= 0 {
							t.Fatalf("threads %d, batch %d: %g at %d, repacked %g", threads, batch, got[i], i, want[i])
						}
					}
				}
			})
			want, got := make([]float32, cols), make([]float32, cols)
			for i := range rows {
				packed.Row(i, want)
				mapped.Row(i, got)
				if k := firstDifference(got, want); k >= 0 {
					t.Fatalf("row %d: %g at %d, repacked %g", i, got[k], k, want[k])
				}
			}
		})
	}
}

// sealed are random activations.
func sealed(r *rand.Rand, batch, cols int) *Acts {
	a := &Acts{}
	a.Reset(batch, cols, true)
	x := adversarial(r, batch*cols)
	for i := range batch {
		copy(a.Row(i), x[i*cols:])
		a.Seal(i)
	}
	return a
}

// firstDifference is where two slices of one length differ; -1 where they do not.
func firstDifference(a, b []float32) int {
	for i := range a {
		if !identical(a[i], b[i]) {
			return i
		}
	}
	return -1
}

// TestMappedKeepsItsBuffers: a product of mapped matrices does not allocate once its buffers have grown.
func TestMappedKeepsItsBuffers(t *testing.T) {
	r := rand.New(rand.NewPCG(12, 12))
	const rows, cols = 96, 512
	m, err := Map(quant.Q4_K, rows, cols, blocks(r, quant.Q4_K, rows, cols))
	if err != nil {
		t.Fatal(err)
	}
	products, a, y := NewProducts(NewPool(1)), sealed(r, 1, cols), make([]float32, rows)
	if n := testing.AllocsPerRun(10, func() { products.Mul(a, Job{M: m, Y: y, Stride: rows}) }); n > 0 {
		t.Errorf("%v allocations a product", n)
	}
}

func TestMapRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		typ        quant.Type
		rows, cols int
		bytes      int
	}{
		"unknown type": {99, 16, 32, 16 * 34},
		"no rows":      {quant.Q8_0, 0, 32, 0},
		"ragged block": {quant.Q8_0, 16, 33, 16 * 34},
		"short data":   {quant.Q8_0, 16, 32, 16*34 - 1},
	} {
		if _, err := Map(c.typ, c.rows, c.cols, make([]byte, c.bytes)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
