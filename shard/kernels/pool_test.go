package kernels

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

func TestPoolRunsEachOnce(t *testing.T) {
	for _, threads := range []int{0, 1, 2, 5} {
		p := NewPool(threads)
		if got := p.Threads(); got != max(threads, 1) {
			t.Errorf("%d threads of %d", got, threads)
		}
		for round := range 300 {
			if round%100 == 10 {
				p.Begin()
			}
			n := round % 67
			count := make([]atomic.Int32, n)
			var outside atomic.Int32
			p.Run(n, func(worker, i int) {
				count[i].Add(1)
				if worker < 0 || worker >= p.Threads() {
					outside.Add(1)
				}
			})
			for i := range count {
				if c := count[i].Load(); c != 1 {
					t.Fatalf("round %d: chunk %d of %d ran %d times", round, i, n, c)
				}
			}
			if outside.Load() != 0 {
				t.Fatal("a worker's number is out of range")
			}
			if round%100 == 60 {
				p.End()
			}
		}
		p.Close()
		ran := 0
		p.Run(3, func(_, _ int) { ran++ })
		if ran != 3 {
			t.Errorf("a closed pool ran %d of 3", ran)
		}
	}
}

// TestPoolSharesWork: while one worker is held up in a chunk, the others do the rest.
func TestPoolSharesWork(t *testing.T) {
	p := NewPool(2)
	defer p.Close()
	const n = 50
	var done atomic.Int32
	held := make(chan struct{})
	go func() {
		for done.Load() < n-1 {
			time.Sleep(time.Millisecond)
		}
		close(held)
	}()
	var first atomic.Bool
	p.Run(n, func(_, _ int) {
		if first.CompareAndSwap(false, true) {
			<-held // returns only when every other chunk is done
		}
		done.Add(1)
	})
}

// TestPoolParks: outside a forward pass workers must not spin.
func TestPoolParks(t *testing.T) {
	p := NewPool(3)
	defer p.Close()
	p.Begin()
	p.Run(10, func(_, _ int) {})
	p.End()
	for _, w := range p.workers {
		for !w.parked.Load() {
			time.Sleep(time.Millisecond)
		}
	}
	var ran atomic.Int32
	p.Run(10, func(_, _ int) { ran.Add(1) }) // and they wake
	if ran.Load() != 10 {
		t.Errorf("%d of 10 ran", ran.Load())
	}
}

// TestPoolParksBetweenLoops: a forward pass that does not go on keeps no core busy, whether it has ended or not.
func TestPoolParksBetweenLoops(t *testing.T) {
	p := NewPool(3)
	defer p.Close()
	p.Begin()
	p.Run(10, func(_, _ int) {})
	for _, w := range p.workers {
		for !w.parked.Load() {
			time.Sleep(time.Millisecond)
		}
	}
}

func TestStartPath(t *testing.T) {
	for _, p := range Paths() {
		t.Setenv("STAGECOACH_KERNELS", p)
		if got := startPath(); got.String() != p {
			t.Errorf("STAGECOACH_KERNELS=%s starts with %v", p, got)
		}
	}
	t.Setenv("STAGECOACH_KERNELS", "sse9")
	if got := startPath(); got != best() {
		t.Errorf("an unknown path starts with %v, want the best, %v", got, best())
	}
}

func TestForcePath(t *testing.T) {
	was := Path()
	defer func() { _ = ForcePath(was) }()
	if err := ForcePath("sse9"); err == nil {
		t.Error("an unknown path was taken")
	}
	for _, p := range pathNames {
		if err := ForcePath(p); (err == nil) != slices.Contains(Paths(), p) {
			t.Errorf("%s on a machine that has %v: %v", p, Paths(), err)
		}
	}
	if err := ForcePath("generic"); err != nil || Path() != "generic" {
		t.Errorf("path %s, %v; want generic", Path(), err)
	}
	if err := ForcePath(""); err != nil || Path() != Paths()[len(Paths())-1] {
		t.Errorf("path %s, %v; want the best of %v", Path(), err, Paths())
	}
}
