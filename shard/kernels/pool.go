package kernels

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Pool is a set of persistent workers that share loops. One goroutine at a time may call Run; that goroutine
// computes too, as worker 0.
//
// Chunks are handed out one by one, so that a worker whose core is taken away holds up one chunk and not a share.
// Between the loops of a forward pass (Begin to End) idle workers spin, for at most about 50 µs; otherwise they
// are parked. A Run outside a forward pass wakes them.
//
// The generation is odd while a loop is open. A worker that sees it odd announces itself in active and looks
// again; Run closes the loop by making it even and then waits for active to fall to zero, so no worker can still
// be reading a loop's fields when the next loop writes them.
type Pool struct {
	_   [64]byte
	gen atomic.Uint64 // beside what it guards: a cache line that changes hands costs as much as 400 instructions
	n   int
	fn  func(worker, i int)
	_   [40]byte

	next   atomic.Int64 // chunk to hand out
	active atomic.Int64 // workers inside the open loop
	_      [48]byte

	spin    atomic.Bool // inside a forward pass
	closed  atomic.Bool
	workers []*worker
	done    sync.WaitGroup
}

type worker struct {
	parked atomic.Bool
	wake   chan struct{}
	_      [48]byte
}

// spinTime bounds how long a worker burns its core for a loop that may come.
const spinTime = 50 * time.Microsecond

// NewPool starts threads-1 workers; threads below 1 counts as 1. Go should have one processor more than threads
// (GOMAXPROCS), or the network waits for the mathematics.
func NewPool(threads int) *Pool {
	p := &Pool{}
	for i := 1; i < threads; i++ {
		w := &worker{wake: make(chan struct{}, 1)}
		p.workers = append(p.workers, w)
		p.done.Add(1)
		go p.work(w, i)
	}
	return p
}

// Threads is the number of goroutines that compute, the caller of Run included.
func (p *Pool) Threads() int { return len(p.workers) + 1 }

// Begin starts a forward pass: workers wake and spin between loops.
func (p *Pool) Begin() {
	p.spin.Store(true)
	p.wakeAll()
}

// End ends a forward pass: workers park at once. Without it they park when they have spun long enough.
func (p *Pool) End() { p.spin.Store(false) }

// Run calls fn(worker, i) for every i in [0, n), in any order on any worker (0 <= worker < Threads), and returns
// when all are done. It does not allocate; fn should be made once and kept.
func (p *Pool) Run(n int, fn func(worker, i int)) {
	if n <= 1 || len(p.workers) == 0 {
		for i := range n {
			fn(0, i)
		}
		return
	}
	p.n, p.fn = n, fn
	p.next.Store(0)
	p.gen.Add(1)
	p.wakeAll()
	p.chunks(0)
	p.gen.Add(1)
	for i := 0; p.active.Load() != 0; i++ {
		if i < 2000 {
			pause()
		} else {
			runtime.Gosched()
		}
	}
}

// Close ends the workers. The pool still runs loops afterwards, on the caller alone.
func (p *Pool) Close() {
	p.closed.Store(true)
	p.gen.Add(2)
	p.wakeAll()
	p.done.Wait()
	p.workers = nil
}

func (p *Pool) wakeAll() {
	for _, w := range p.workers {
		if w.parked.Load() && w.parked.CompareAndSwap(true, false) {
			w.wake <- struct{}{}
		}
	}
}

func (p *Pool) chunks(worker int) {
	for {
		i := p.next.Add(1) - 1
		if i >= int64(p.n) {
			return
		}
		p.fn(worker, int(i))
	}
}

func (p *Pool) work(w *worker, id int) {
	defer p.done.Done()
	var seen uint64
	for {
		g, ok := p.await(w, seen)
		if !ok {
			return
		}
		p.active.Add(1)
		if p.gen.Load() == g {
			p.chunks(id)
		}
		p.active.Add(-1)
		seen = g
	}
}

// await returns the generation of a loop that is open and not seen; false when the pool closes.
func (p *Pool) await(w *worker, seen uint64) (uint64, bool) {
	for {
		if g, ok := p.spinFor(seen); ok || p.closed.Load() {
			return g, ok
		}
		w.parked.Store(true)
		g := p.gen.Load()
		if (g&1 == 1 && g != seen) || p.closed.Load() {
			if w.parked.CompareAndSwap(true, false) {
				continue
			}
		}
		<-w.wake
	}
}

// spinFor looks for such a loop while a forward pass goes on, but not for long. It looks once a pause, for a pause
// takes up to 140 cycles, and rarely at the clock.
func (p *Pool) spinFor(seen uint64) (uint64, bool) {
	var deadline time.Time
	for i := 1; ; i++ {
		if g := p.gen.Load(); g&1 == 1 && g != seen {
			return g, true
		}
		if !p.spin.Load() || p.closed.Load() {
			return 0, false
		}
		if i%64 == 0 {
			if now := time.Now(); deadline.IsZero() {
				deadline = now.Add(spinTime)
			} else if now.After(deadline) {
				return 0, false
			}
		}
		pause()
	}
}
