package account

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

func openBench(b *testing.B) *Book {
	b.Helper()
	book, err := Open(b.TempDir(), Options{Defaults: Limits{RPM: maxRate, TPM: maxRate, Concurrency: maxRate, Budget: 1 << 60}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = book.Close() })
	return book
}

// BenchmarkAdmit is requests from admission to settlement, both durable, by so many clients at once.
func BenchmarkAdmit(b *testing.B) {
	for _, clients := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			book := openBench(b)
			var next atomic.Int64
			var wg sync.WaitGroup
			b.ResetTimer()
			for range clients {
				wg.Go(func() {
					for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
						benchRequest(b, book, fmt.Sprint(n))
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
		})
	}
}

func benchRequest(b *testing.B, book *Book, name string) {
	ctx := context.Background()
	g, err := book.Admit(ctx, admission(name, 10))
	if err == nil {
		err = g.Durable(ctx)
	}
	if err == nil {
		_, err = book.Settle(ctx, g.ID, Outcome{Prompt: 10, Completion: 10, Status: StatusOK})
	}
	if err != nil {
		b.Error(err)
	}
}

// BenchmarkDeliver is one journal entry of a token, in processor time of the whole process.
func BenchmarkDeliver(b *testing.B) {
	for _, streams := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("streams=%d", streams), func(b *testing.B) {
			book := openBench(b)
			var wg sync.WaitGroup
			b.ResetTimer()
			before := processorTime(b)
			for s := range streams {
				wg.Go(func() {
					for i := 0; i < b.N/streams; i++ {
						if err := book.Deliver(uint64(s), Mark{Position: uint32(i + 1)}); err != nil {
							b.Error(err)
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(processorTime(b)-before)/float64(max(1, b.N/streams*streams)), "cpu-ns/op")
		})
	}
}

// processorTime is what this process has used, in user and system mode.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
