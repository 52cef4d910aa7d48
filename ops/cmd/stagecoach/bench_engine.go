package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/stagecoach-llm/stagecoach/shard/bench"
	"github.com/stagecoach-llm/stagecoach/shard/checkpoint"
	"github.com/stagecoach-llm/stagecoach/shard/kernels"
	"github.com/stagecoach-llm/stagecoach/shard/kv"
	"github.com/stagecoach-llm/stagecoach/shard/memory"
	"github.com/stagecoach-llm/stagecoach/shard/qwen2"
	"github.com/stagecoach-llm/stagecoach/shard/synth"
)

type benchEngineCmd struct {
	output
	Model   string `env:"STAGECOACH_MODEL" xor:"model" help:"A .gguf file or a Hugging Face folder (default: the small demo model in this binary)."`
	Size    string `xor:"model" help:"Instead of a file, random weights of a size: ${sizes}."`
	Type    string `default:"q8_0" help:"Quantisation of --size: ${types}."`
	Layers  int    `default:"0" help:"Only the first so many layers (0: all)."`
	Threads []int  `help:"Numbers of compute threads (default: 1 and all cores)."`
	Prompt  []int  `default:"512" help:"Prompt lengths for prefill, in tokens; 0 for none."`
	Chunk   int    `default:"512" help:"Most prompt tokens of one step."`
	Batch   []int  `default:"1" help:"Numbers of sequences that decode together; 0 for none."`
	Context []int  `default:"0" help:"Positions that a sequence has before it decodes."`
	Gen     int    `default:"64" help:"Tokens to decode in one measurement."`
	Repeat  int    `default:"3" help:"Rounds; each runs every case once."`
	KV      string `name:"kv" enum:"f16,f32" default:"f16" help:"Type of keys and values."`
	Repack  string `enum:"auto,always,never" default:"auto" help:"Which weights are repacked: what fits in memory (auto), all (always), or none (never)."`
	Kernels string `help:"Kernels to force, one that version lists (default: the best)."`
}

func (c *benchEngineCmd) Run(ctx context.Context) error {
	ck, remove, err := c.open()
	if err != nil {
		return err
	}
	defer remove()
	defer ck.Close()
	if err := kernels.ForcePath(c.Kernels); err != nil {
		return err
	}
	o, err := c.options()
	if err != nil {
		return err
	}
	// As a shard does it: one processor more than compute threads.
	runtime.GOMAXPROCS(slices.Max(o.Threads) + 1)
	r, err := bench.Engine(ctx, ck, o)
	if err != nil {
		return err
	}
	return c.print(r, func(w io.Writer) { engineTable(w, r) })
}

func (c *benchEngineCmd) options() (bench.Options, error) {
	typ, err := kv.ParseType(c.KV)
	if err != nil {
		return bench.Options{}, err
	}
	repack, err := qwen2.ParseRepack(c.Repack)
	o := bench.Options{
		Threads: c.Threads, Prompts: some(c.Prompt), Batches: some(c.Batch), Contexts: c.Context, Tokens: c.Gen,
		Chunk: c.Chunk, Rounds: c.Repeat, Layers: c.Layers, KVType: typ,
		Repack: repack, WeightMemory: memory.Available() / 10 * 9,
		Progress: func(s string) { fmt.Fprintln(os.Stderr, s) },
	}
	if len(o.Threads) == 0 {
		o.Threads = slices.Compact([]int{1, runtime.NumCPU()})
	}
	return o, err
}

// some drops a 0 that stands for none.
func some(list []int) []int {
	if slices.Equal(list, []int{0}) {
		return nil
	}
	return list
}

// open opens the model, or writes one of random weights first; remove deletes what was written.
func (c *benchEngineCmd) open() (ck *checkpoint.Checkpoint, remove func(), err error) {
	if c.Size == "" {
		ck, err = (&modelFlags{Model: c.Model}).open()
		return ck, func() {}, err
	}
	dir, err := os.MkdirTemp("", "stagecoach-bench-")
	if err != nil {
		return nil, nil, err
	}
	remove = func() { os.RemoveAll(dir) }
	path := filepath.Join(dir, c.Size+"-"+c.Type+".gguf")
	if err = synth.WriteFile(path, synth.Options{Size: c.Size, Type: c.Type, Layers: c.Layers}); err == nil {
		ck, err = checkpoint.Open(path)
	}
	if err != nil {
		remove()
	}
	return ck, remove, err
}

func engineTable(w io.Writer, r *bench.Report) {
	m, l := r.Machine, r.Load
	fmt.Fprintf(w, "model\t%s, %d layers, keys and values in %s\n", r.Model, r.Layers, r.KV)
	fmt.Fprintf(w, "machine\t%s, %d cores, kernels %s, arithmetic version %d\n", m.Arch, m.Cores, m.Kernels, m.Arithmetic)
	fmt.Fprintf(w, "loaded in\t%.3f s with %d threads (%.3f to %.3f)\n", l.Seconds.Median, l.Threads, l.Seconds.Min, l.Seconds.Max)
	fmt.Fprintf(w, "weights\t%s in the file, %s repacked, %s stay in the file; the process has %s of its own\n",
		bytesText(l.File), bytesText(l.Packed), bytesText(l.Mapped), bytesText(l.Private))
	if len(r.Prefill) > 0 {
		fmt.Fprintf(w, "\nprefill\tthreads\ttokens/s\tslowest\tfastest\n")
	}
	for _, p := range r.Prefill {
		fmt.Fprintf(w, "%d\t%d\t%.1f\t%.1f\t%.1f\n", p.Tokens, p.Threads, p.Rate.Median, p.Rate.Min, p.Rate.Max)
	}
	if len(r.Decode) > 0 {
		fmt.Fprintf(w, "\ndecode of\tcontext\tthreads\ttokens/s\tslowest\tfastest\tms a step\tweights GB/s\n")
	}
	for _, d := range r.Decode {
		fmt.Fprintf(w, "%d\t%d\t%d\t%.1f\t%.1f\t%.1f\t%.3f\t%.1f\n",
			d.Batch, d.Context, d.Threads, d.Rate.Median, d.Rate.Min, d.Rate.Max, d.Step.Median, d.Weights)
	}
}
