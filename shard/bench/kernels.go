package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/stagecoach-llm/stagecoach/shard/kernels"
	"github.com/stagecoach-llm/stagecoach/shard/quant"
)

// KernelOptions are the cases of [Kernels]: every type with every number of activation rows, on every path and number
// of threads.
type KernelOptions struct {
	Types   []quant.Type
	Paths   []string // of kernels.Paths
	Threads []int
	Batches []int // rows of activations: 1 is a token alone, hundreds a prompt
	Memory  int64 // bytes of weights of a type, more than any cache holds
	Rounds  int

	// Progress, if set, hears what is being done.
	Progress func(string)
}

// KernelReport is what Kernels measured.
type KernelReport struct {
	Machine  Machine   `json:"machine"`
	Products []Product `json:"products"`
}

// Product is a matrix product. Its ceilings are what the machine gave, in the same rounds, to loops that do nothing
// but read, and nothing but multiply and add in the arithmetic of the type (8-bit, or f32 for float weights).
type Product struct {
	Path    string `json:"path"`
	Threads int    `json:"threads"`
	Type    string `json:"type"`
	Batch   int    `json:"batch"`

	Read    Spread  `json:"weights_gb_per_second"`
	Ops     Spread  `json:"gop_per_second"` // two for each multiplication and addition
	ReadMax float64 `json:"read_ceiling_gb_per_second"`
	OpsMax  float64 `json:"ops_ceiling_gop_per_second"`
	OfRead  float64 `json:"share_of_read"` // medians of the rounds' shares; 0 without a ceiling
	OfOps   float64 `json:"share_of_ops"`
}

func (o *KernelOptions) check() error {
	if len(o.Types) == 0 || len(o.Paths) == 0 || len(o.Threads) == 0 || len(o.Batches) == 0 {
		return errors.New("bench: name types, kernels, threads and batches to measure")
	}
	for _, n := range slices.Concat(o.Threads, o.Batches, []int{o.Rounds}) {
		if n < 1 {
			return fmt.Errorf("bench: %d threads, rows or rounds, want 1 or more", n)
		}
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	return nil
}

// Kernels measures matrix products. It changes the kernels in use, and chooses the best again in the end.
func Kernels(ctx context.Context, o KernelOptions) (*KernelReport, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	defer func() { _ = kernels.ForcePath("") }() // the best is always there
	r := &KernelReport{Machine: thisMachine()}
	for _, typ := range o.Types {
		w, err := newWeights(typ, o.Memory)
		if err != nil {
			return nil, err
		}
		err = w.measure(ctx, &o, r)
		w.free()
		if err != nil {
			return nil, err
		}
	}
	return r, nil
}

// measure runs all cases of one type, each path and number of threads with its own ceilings beside it.
func (w *weights) measure(ctx context.Context, o *KernelOptions, r *KernelReport) error {
	for _, path := range o.Paths {
		if err := kernels.ForcePath(path); err != nil {
			return err
		}
		for _, threads := range o.Threads {
			o.Progress(fmt.Sprintf("%v, %s, threads %d", w.typ, path, threads))
			runtime.GOMAXPROCS(max(runtime.GOMAXPROCS(0), threads+1))
			products, err := w.rounds(ctx, o, threads)
			if err != nil {
				return err
			}
			for i := range products {
				products[i].Path = path
			}
			r.Products = append(r.Products, products...)
		}
	}
	return nil
}

// rounds measures the batches in turns; ceilings are measured before each turn.
func (w *weights) rounds(ctx context.Context, o *KernelOptions, threads int) ([]Product, error) {
	pool := kernels.NewPool(threads)
	defer pool.Close()
	probe, err := kernels.NewProbe(pool)
	if err != nil {
		return nil, err
	}
	defer probe.Close()
	cases := make([]productCase, len(o.Batches))
	for range o.Rounds {
		for i, batch := range o.Batches {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			c := probe.Measure()
			cases[i].add(w, w.seconds(pool, batch), batch, c)
		}
	}
	products := make([]Product, len(cases))
	for i := range cases {
		products[i] = cases[i].product()
		products[i].Threads, products[i].Type, products[i].Batch = threads, w.typ.String(), o.Batches[i]
	}
	return products, nil
}

// productCase gathers the rounds of a product.
type productCase struct{ read, ops, readMax, opsMax, ofRead, ofOps []float64 }

func (c *productCase) add(w *weights, seconds float64, batch int, top kernels.Ceilings) {
	read := float64(w.ms[0].Bytes()) / seconds / 1e9
	ops := 2 * float64(w.ms[0].Rows) * float64(w.ms[0].Cols) * float64(batch) / seconds / 1e9
	peak := top.Int8
	if !w.ms[0].Quantised() {
		peak = top.Float
	}
	c.read, c.ops = append(c.read, read), append(c.ops, ops)
	c.readMax, c.opsMax = append(c.readMax, top.Read/1e9), append(c.opsMax, peak/1e9)
	c.ofRead, c.ofOps = append(c.ofRead, share(read, top.Read/1e9)), append(c.ofOps, share(ops, peak/1e9))
}

func share(x, of float64) float64 {
	if of == 0 {
		return 0
	}
	return x / of
}

func (c *productCase) product() Product {
	return Product{
		Read: spread(c.read), Ops: spread(c.ops), ReadMax: spread(c.readMax).Median, OpsMax: spread(c.opsMax).Median,
		OfRead: spread(c.ofRead).Median, OfOps: spread(c.ofOps).Median,
	}
}
