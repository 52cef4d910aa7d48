package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"

	"github.com/stagecoach-llm/stagecoach/shard/bench"
	"github.com/stagecoach-llm/stagecoach/shard/kernels"
	"github.com/stagecoach-llm/stagecoach/shard/quant"
)

type benchKernelsCmd struct {
	output
	Type    []string `help:"Tensor types (default: all)."`
	Kernels []string `help:"Kernels to measure, of those that version lists (default: the best)."`
	Threads []int    `help:"Numbers of compute threads (default: 1 and all cores)."`
	Batch   []int    `default:"1,4,16,128,512" help:"Numbers of activation rows."`
	Memory  int64    `default:"402653184" help:"Bytes of weights of a type: more than any cache holds."`
	Repeat  int      `default:"3" help:"Rounds; each runs every case once, with the ceilings beside it."`
}

func (c *benchKernelsCmd) Run(ctx context.Context) error {
	o := bench.KernelOptions{
		Types: quant.Types(), Paths: c.Kernels, Threads: c.Threads, Batches: c.Batch, Memory: c.Memory, Rounds: c.Repeat,
		Progress: func(s string) { fmt.Fprintln(os.Stderr, s) },
	}
	if len(c.Type) > 0 {
		o.Types = nil
	}
	for _, name := range c.Type {
		t, err := quant.ParseType(name)
		if err != nil {
			return err
		}
		o.Types = append(o.Types, t)
	}
	if len(o.Paths) == 0 {
		o.Paths = []string{kernels.Path()}
	}
	if len(o.Threads) == 0 {
		o.Threads = slices.Compact([]int{1, runtime.NumCPU()})
	}
	r, err := bench.Kernels(ctx, o)
	if err != nil {
		return err
	}
	return c.print(r, func(w io.Writer) { kernelTable(w, r) })
}

func kernelTable(w io.Writer, r *bench.KernelReport) {
	fmt.Fprintf(w, "type\trows\tkernels\tthreads\tGB/s\tof\tshare\tGop/s\tof\tshare\n")
	for _, p := range r.Products {
		fmt.Fprintf(w, "%s\t%d\t%s\t%d\t%.1f\t%.1f\t%.0f%%\t%.0f\t%.0f\t%.0f%%\n", p.Type, p.Batch, p.Path, p.Threads,
			p.Read.Median, p.ReadMax, 100*p.OfRead, p.Ops.Median, p.OpsMax, 100*p.OfOps)
	}
}
