package kernels

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stagecoach-llm/stagecoach/shard/quant"
)

// BenchmarkProducts is products of every quantised type with some numbers of activation rows, on one thread. Beside
// their speed it shows the machine's ceilings, measured in the same run, and the share of the nearer one that the
// product reaches: one row against the memory, many against the arithmetic. The matrices take turns, so that the
// weights come from memory and not from a cache.
func BenchmarkProducts(b *testing.B) {
	const rows, cols = 3584, 4864
	pool := NewPool(1)
	probe, err := NewProbe(pool)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(probe.Close)
	for _, typ := range allTypes() {
		if formats[typ].bits == 0 {
			continue
		}
		b.Run(typ.String(), func(b *testing.B) {
			ms := benchMatrices(b, typ, rows, cols)
			for _, n := range []int{1, 2, 4, 8, 16, 32, 128, 512} {
				b.Run(fmt.Sprintf("rows=%d", n), func(b *testing.B) { benchProduct(b, ms, n, pool, probe) })
			}
		})
	}
}

// benchMatrices are enough matrices of a type to be out of any core's caches.
func benchMatrices(b *testing.B, typ quant.Type, rows, cols int) []*Matrix {
	var ms []*Matrix
	b.Cleanup(func() { freeMatrices(ms) })
	for total := int64(0); total < 384<<20; total += ms[0].Bytes() {
		m, err := newMatrix(typ, rows, cols)
		if err != nil {
			b.Fatal(err)
		}
		for i := range m.codes {
			m.codes[i] = byte(i * 7)
		}
		for i := range m.scales {
			m.scales[i] = 0x20 // no subnormals, no infinities
		}
		ms = append(ms, m)
	}
	return ms
}

func benchProduct(b *testing.B, ms []*Matrix, n int, pool *Pool, probe *Probe) {
	m := ms[0]
	var a Acts
	a.Reset(n, m.Cols, true)
	for r := range n {
		for i := range a.Row(r) {
			a.Row(r)[i] = float32(i%17 - 8)
		}
		a.Seal(r)
	}
	y := make([]float32, n*m.Rows)
	p := NewProducts(pool)
	ceiling, turn := probe.Measure(), 0
	var times []time.Duration
	for b.Loop() {
		from := time.Now()
		p.Mul(&a, Job{M: ms[turn%len(ms)], Y: y, Stride: m.Rows})
		times = append(times, time.Since(from))
		if turn++; turn%64 == 0 {
			c := probe.Measure()
			ceiling.Read, ceiling.Int8 = max(ceiling.Read, c.Read), max(ceiling.Int8, c.Int8)
		}
	}
	slices.Sort(times)
	seconds := times[len(times)/2].Seconds()
	read, int8s := float64(m.Bytes())/seconds, 2*float64(m.Rows*m.Cols*n)/seconds
	b.ReportMetric(read/1e9, "GB/s")
	b.ReportMetric(int8s/1e9, "Gop/s")
	b.ReportMetric(100*read/ceiling.Read, "%read")
	b.ReportMetric(100*int8s/ceiling.Int8, "%int8")
	b.ReportMetric(0, "ns/op")
}
