package kernels

import (
	"fmt"
	"slices"
	"time"
)

// Ceilings are the most that this machine gives to loops that do one thing only, with the instructions of the path
// in use and all threads of a pool: what products and attention are judged against. Generic kernels have none.
type Ceilings struct {
	Read  float64 // bytes a second, read from memory that no cache holds
	Int8  float64 // 8-bit operations a second, two for each multiplication and addition
	Float float64 // f32 operations a second, two for each fused multiply-add
}

// Probe measures Ceilings again and again, so that each measurement of something else can have one beside it.
type Probe struct {
	pool   *Pool
	memory []byte
	read   func(worker, i int)
	int8   func(worker, i int)
	float  func(worker, i int)
}

const (
	probeBytes = 256 << 20
	probeChunk = 128 << 10 // of a read, some microseconds
	probeTurns = 1 << 10   // of a chunk of arithmetic
	probeParts = 2 << 10
)

// NewProbe reserves 256 MiB to read. Close gives them back.
func NewProbe(pool *Pool) (*Probe, error) {
	mem, err := Reserve(probeBytes)
	if err != nil {
		return nil, fmt.Errorf("kernels: %d bytes to measure the memory's speed with: %w", probeBytes, err)
	}
	hugePages(mem)
	p := &Probe{pool: pool, memory: mem}
	pool.Run(probeBytes/probeChunk, func(_, i int) {
		for part := mem[i*probeChunk : (i+1)*probeChunk]; len(part) > 0; part = part[4096:] {
			part[0] = 1 // a page that was never written is not memory
		}
	})
	p.read = func(_, i int) { readAll(p.memory[i*probeChunk : (i+1)*probeChunk]) }
	p.int8 = func(_, _ int) { int8Peak(probeTurns) }
	p.float = func(_, _ int) { floatPeak(probeTurns) }
	return p, nil
}

// Close releases the memory.
func (p *Probe) Close() { Release(p.memory) }

// Measure takes some tenths of a second: medians of a few passes. Its fields are 0 for generic kernels.
func (p *Probe) Measure() Ceilings {
	bytes, ints, floats := peakWork()
	if ints == 0 {
		return Ceilings{}
	}
	p.pool.Begin()
	defer p.pool.End()
	return Ceilings{
		Read:  bytes * probeBytes / p.median(probeBytes/probeChunk, p.read),
		Int8:  ints * probeTurns * probeParts / p.median(probeParts, p.int8),
		Float: floats * probeTurns * probeParts / p.median(probeParts, p.float),
	}
}

// median is the median of five times of a loop, in seconds.
func (p *Probe) median(parts int, fn func(worker, i int)) float64 {
	var times [5]time.Duration
	for i := range times {
		from := time.Now()
		p.pool.Run(parts, fn)
		times[i] = time.Since(from)
	}
	slices.Sort(times[:])
	return times[len(times)/2].Seconds()
}
