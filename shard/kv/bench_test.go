package kv

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stagecoach-llm/stagecoach/shard/kernels"
)

// BenchmarkAttend is one layer's attention of a step: rows at the end of a context, with the heads of 0.5B and 7B.
// GFLOP/s counts the two products alone, 4 for each element of a query and position; GB/s counts the keys and values, once.
func BenchmarkAttend(b *testing.B) {
	for _, m := range []struct {
		name                string
		dim, heads, kvHeads int
	}{{"0.5B", 64, 14, 2}, {"7B", 128, 28, 4}} {
		for _, c := range []struct{ rows, context int }{{1, 256}, {1, 4096}, {1, 32768}, {4, 4096}, {512, 512}, {512, 8192}} {
			for _, threads := range []int{1, 2} {
				b.Run(fmt.Sprintf("%s/threads=%d/rows=%d/context=%d", m.name, threads, c.rows, c.context), func(b *testing.B) {
					pool := kernels.NewPool(threads)
					b.Cleanup(pool.Close)
					attendBenchmark(b, pool, Shape{Layers: 6, KVHeads: m.kvHeads, HeadDim: m.dim}, m.heads, c.rows, c.context)
				})
			}
		}
	}
}

func attendBenchmark(b *testing.B, pool *kernels.Pool, s Shape, heads, rows, context int) {
	r := rand.New(rand.NewPCG(1, 2))
	cache, err := New(s, F16, context/BlockTokens)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(cache.Close)
	width := s.KVHeads * s.HeadDim
	x := normal(r, 4096+width)
	var table []int32
	for i := range context / BlockTokens {
		table = append(table, int32(i))
		for l := range s.Layers {
			for slot := range BlockTokens {
				at := (l*31 + i*17 + slot*5) % 4096
				cache.Store(l, table[i], slot, x[at:at+width], x[at:at+width])
			}
		}
	}
	q, y := normal(r, rows*heads*s.HeadDim), make([]float32, rows*heads*s.HeadDim)
	out := func(r int) []float32 { return y[r*heads*s.HeadDim : (r+1)*heads*s.HeadDim] }
	a := NewAttention(cache, pool, heads, 0.125)
	a.Add(0, rows, context-rows, table)
	pool.Begin()
	defer pool.End()
	b.ReportAllocs()
	layer := 0
	for b.Loop() {
		a.Run(layer, q, out)
		layer = (layer + 1) % s.Layers
	}
	perSecond := float64(b.N) / b.Elapsed().Seconds() / 1e9
	seen := float64(rows)*float64(context-rows) + float64(rows*(rows+1)/2)
	b.ReportMetric(4*seen*float64(heads*s.HeadDim)*perSecond, "GFLOP/s")
	b.ReportMetric(float64(context)*float64(2*width*F16.Bytes())*perSecond, "GB/s")
}
