package kernels

import (
	"slices"
	"time"

	"github.com/stagecoach-llm/stagecoach/shard/quant"
)

// ReadBandwidth measures how many bytes of weights a second the pool multiplies with one row of activations: what
// decides the time of a token alone. It takes 128 MiB and some tenths of a second.
func ReadBandwidth(pool *Pool) (bytesPerSecond float64, err error) {
	const rows, cols, parts = 512, 8192, 32
	ms, err := rateMatrices(parts, rows, cols, pool)
	defer freeMatrices(ms)
	if err != nil {
		return 0, err
	}
	return float64(ms[0].Bytes()) / passTime(ms, 1, pool), nil
}

// Int8Rate measures 8-bit operations a second, two for each multiplication and addition, with 64 rows of
// activations: what decides the time of a prompt.
func Int8Rate(pool *Pool) (opsPerSecond float64, err error) {
	const rows, cols, batch = 1024, 1024, 64
	ms, err := rateMatrices(1, rows, cols, pool)
	defer freeMatrices(ms)
	if err != nil {
		return 0, err
	}
	return 2 * rows * cols * batch / passTime(ms, batch, pool), nil
}

// rateMatrices are matrices whose pages are all written, so that each has memory of its own.
func rateMatrices(n, rows, cols int, pool *Pool) ([]*Matrix, error) {
	var ms []*Matrix
	for range n {
		m, err := newMatrix(quant.Q8_0, rows, cols)
		if err != nil {
			return ms, err
		}
		ms = append(ms, m)
		pool.Run(m.Groups(), func(_, g int) {
			codes, _ := m.group(g)
			for i := range codes {
				codes[i] = byte(i)
			}
		})
	}
	return ms, nil
}

func freeMatrices(ms []*Matrix) {
	for _, m := range ms {
		m.Free()
	}
}

// passTime is the median time of a product in seconds, taking the matrices in turn: products of about a millisecond,
// so that a processor that is lent to others now and then does not count as slow.
func passTime(ms []*Matrix, batch int, pool *Pool) float64 {
	var a Acts
	a.Reset(batch, ms[0].Cols, true)
	y := make([]float32, batch*ms[0].Rows)
	products := NewProducts(pool)
	pool.Begin()
	defer pool.End()
	var times []time.Duration
	for start := time.Now(); len(times) < 4 || time.Since(start) < 100*time.Millisecond; {
		m := ms[len(times)%len(ms)]
		from := time.Now()
		products.Mul(&a, Job{M: m, Y: y, Stride: m.Rows})
		times = append(times, time.Since(from))
	}
	slices.Sort(times)
	return times[len(times)/2].Seconds()
}
