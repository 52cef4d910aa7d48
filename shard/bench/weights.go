package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"time"

	"github.com/stagecoach-llm/stagecoach/shard/kernels"
	"github.com/stagecoach-llm/stagecoach/shard/quant"
)

// The shape of the measured matrices: rows and columns as a middle-sized layer has them.
const weightRows, weightCols = 2048, 3584

// weights are matrices of one type, more than a cache holds, which take turns.
type weights struct {
	typ  quant.Type
	ms   []*kernels.Matrix
	turn int
}

// newWeights makes matrices of random weights of at least some bytes together.
func newWeights(t quant.Type, bytes int64) (*weights, error) {
	data, err := randomRows(t)
	if err != nil {
		return nil, err
	}
	pool := kernels.NewPool(runtime.NumCPU())
	defer pool.Close()
	w := &weights{typ: t}
	for left := bytes; left > 0 || len(w.ms) == 0; left -= w.ms[0].Bytes() {
		m, err := kernels.Pack(context.Background(), t, weightRows, weightCols, data, pool)
		if err != nil {
			w.free()
			return nil, err
		}
		w.ms = append(w.ms, m)
	}
	return w, nil
}

// randomRows is a matrix as a file has it: some random rows, repeated.
func randomRows(t quant.Type) ([]byte, error) {
	const distinct = 16
	r := rand.New(rand.NewPCG(uint64(t), 1))
	x := make([]float32, distinct*weightCols)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	n, err := t.RowBytes(weightCols)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	rows := make([]byte, distinct*n)
	if err := quant.Quantize(t, rows, x); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	return slices.Repeat(rows, weightRows/distinct), nil
}

func (w *weights) free() {
	for _, m := range w.ms {
		m.Free()
	}
}

// seconds is the median time of a product with some rows of activations: as many as fit in 50 ms, three at least.
func (w *weights) seconds(pool *kernels.Pool, batch int) float64 {
	a := activations(batch)
	y := make([]float32, batch*weightRows)
	products := kernels.NewProducts(pool)
	once := func() float64 {
		w.turn++
		from := time.Now()
		products.Mul(a, kernels.Job{M: w.ms[w.turn%len(w.ms)], Y: y, Stride: weightRows})
		return time.Since(from).Seconds()
	}
	pool.Begin()
	defer pool.End()
	once() // the first one sizes the buffers
	var times []float64
	for start := time.Now(); len(times) < 3 || time.Since(start) < 50*time.Millisecond; {
		times = append(times, once())
	}
	return spread(times).Median
}

func activations(batch int) *kernels.Acts {
	r := rand.New(rand.NewPCG(uint64(batch), 2))
	a := &kernels.Acts{}
	a.Reset(batch, weightCols, true)
	for i := range batch {
		row := a.Row(i)
		for k := range row {
			row[k] = float32(r.NormFloat64())
		}
		a.Seal(i)
	}
	return a
}
