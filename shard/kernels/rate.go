package kernels

import (
	"time"

	"github.com/stagecoach-llm/stagecoach/shard/quant"
)

// ReadBandwidth measures how many bytes of weights a second the pool multiplies with one row of activations: what
// decides the time of a token alone. It takes 128 MiB and some tenths of a second.
func ReadBandwidth(pool *Pool) (bytesPerSecond float64, err error) {
	const rows, cols = 16384, 8192
	m, err := rateMatrix(rows, cols, pool)
	if err != nil {
		return 0, err
	}
	defer m.Free()
	return float64(m.Bytes()) / passTime(m, 1, pool), nil
}

// Int8Rate measures 8-bit operations a second, two for each multiplication and addition, with 64 rows of
// activations: what decides the time of a prompt.
func Int8Rate(pool *Pool) (opsPerSecond float64, err error) {
	const rows, cols, batch = 1024, 1024, 64
	m, err := rateMatrix(rows, cols, pool)
	if err != nil {
		return 0, err
	}
	defer m.Free()
	return 2 * rows * cols * batch / passTime(m, batch, pool), nil
}

// rateMatrix is a matrix whose pages are all written, so that each has memory of its own.
func rateMatrix(rows, cols int, pool *Pool) (*Matrix, error) {
	m, err := newMatrix(quant.Q8_0, rows, cols)
	if err != nil {
		return nil, err
	}
	pool.Run(m.Groups(), func(_, g int) {
		codes, _ := m.group(g)
		for i := range codes {
			codes[i] = byte(i)
		}
	})
	return m, nil
}

// passTime is the shortest of several passes over m, in seconds.
func passTime(m *Matrix, batch int, pool *Pool) float64 {
	var a Acts
	a.Reset(batch, m.Cols, true)
	y := make([]float32, batch*m.Rows)
	products := NewProducts(pool)
	pool.Begin()
	defer pool.End()
	best := time.Hour
	for start, n := time.Now(), 0; n < 2 || time.Since(start) < 100*time.Millisecond; n++ {
		from := time.Now()
		products.Mul(&a, Job{M: m, Y: y, Stride: m.Rows})
		best = min(best, time.Since(from))
	}
	return best.Seconds()
}
