package kernels

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkJoin is a loop whose chunks do nothing, as a forward pass runs a hundred of for each token: what remains is
// the cost of handing out and of waiting. With work, each of two chunks takes 5 µs, and ns/join is what the loop takes
// beyond that.
func BenchmarkJoin(b *testing.B) {
	for _, work := range []time.Duration{0, 5 * time.Microsecond} {
		for _, between := range []time.Duration{0, time.Microsecond} {
			b.Run(fmt.Sprintf("work=%v/between=%v", work, between), func(b *testing.B) {
				p := NewPool(2)
				b.Cleanup(p.Close)
				fn := func(_, _ int) { spin(work) }
				p.Begin()
				defer p.End()
				b.ReportAllocs()
				for b.Loop() {
					spin(between)
					p.Run(2, fn)
				}
				b.ReportMetric(float64(b.Elapsed()-time.Duration(b.N)*(work+between))/float64(b.N), "ns/join")
			})
		}
	}
}

// spin computes for a while.
func spin(d time.Duration) {
	if d == 0 {
		return
	}
	for start := time.Now(); time.Since(start) < d; {
	}
}
