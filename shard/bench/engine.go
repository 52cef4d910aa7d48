package bench

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"github.com/stagecoach-llm/stagecoach/shard/checkpoint"
	"github.com/stagecoach-llm/stagecoach/shard/kernels"
	"github.com/stagecoach-llm/stagecoach/shard/memory"
	"github.com/stagecoach-llm/stagecoach/shard/qwen2"
)

// Engine measures a model. It loads it with the most threads of the options, and once only. Between two steps it
// ends early, with an error, when ctx does.
func Engine(ctx context.Context, ck *checkpoint.Checkpoint, o Options) (*Report, error) {
	cfg := ck.Card().Config
	if err := o.check(&cfg); err != nil {
		return nil, err
	}
	e := &engine{ctx: ctx, ck: ck, o: &o, vocab: cfg.Vocab}
	defer e.close()
	r := &Report{Model: cfg.Name, Layers: o.Layers, KV: o.KVType.String(), Machine: thisMachine(),
		Prefill: []Prefill{}, Decode: []Decode{}}
	cases := e.cases()
	if err := e.loads(r, len(cases) > 0); err != nil {
		return nil, err
	}
	for round := range o.Rounds {
		for _, c := range cases {
			o.Progress(fmt.Sprintf("round %d of %d: %s", round+1, o.Rounds, c.name()))
			if err := c.run(e); err != nil {
				return nil, err
			}
		}
	}
	for _, c := range cases {
		c.report(r)
	}
	return r, nil
}

func thisMachine() Machine {
	return Machine{Kernels: kernels.Path(), Arithmetic: kernels.ArithmeticVersion, Cores: runtime.NumCPU(), Arch: runtime.GOARCH}
}

// measurement is a case: run measures it once more, report adds its spread to a report.
type measurement interface {
	name() string
	run(*engine) error
	report(*Report)
}

// engine is a model on pools of several sizes, all with the same weights.
type engine struct {
	ctx    context.Context
	ck     *checkpoint.Checkpoint
	o      *Options
	vocab  int
	pools  []*kernels.Pool
	models map[int]*qwen2.Model // by threads
}

// loads loads the model, and where that is all there is to do, in each round anew.
func (e *engine) loads(r *Report, once bool) (err error) {
	rounds := e.o.Rounds
	if once {
		rounds = 1
	}
	var seconds []float64
	for range rounds {
		e.close()
		if r.Load, err = e.load(); err != nil {
			return err
		}
		seconds = append(seconds, r.Load.Seconds.Median)
	}
	r.Load.Seconds = spread(seconds)
	return nil
}

func (e *engine) load() (l Load, err error) {
	threads := slices.Compact(slices.Sorted(slices.Values(e.o.Threads)))
	slices.Reverse(threads)
	e.models = map[int]*qwen2.Model{}
	for _, n := range threads {
		start := time.Now()
		m, err := e.model(n, e.models[threads[0]], &l.File)
		if err != nil {
			return l, err
		}
		e.models[n] = m
		if n == threads[0] {
			l.Threads, l.Seconds = n, spread([]float64{time.Since(start).Seconds()})
			l.Packed, l.Mapped = m.WeightBytes(), m.MappedBytes()
			debug.FreeOSMemory() // what opening the file has left
			l.Private, l.Total = memory.Private(), memory.Resident()
		}
	}
	return l, nil
}

// model loads the model on a pool of its own, with share's weights where that is not nil.
func (e *engine) model(threads int, share *qwen2.Model, size *int64) (*qwen2.Model, error) {
	pool := kernels.NewPool(threads)
	e.pools = append(e.pools, pool)
	shown := int64(-1)
	return qwen2.Load(e.ctx, e.ck, qwen2.Span{Last: e.o.Layers, Embed: true, Head: true}, qwen2.Options{
		Pool: pool, KVType: e.o.KVType, KVBlocks: e.o.blocks(), Share: share,
		Repack: e.o.Repack, WeightMemory: e.o.WeightMemory,
		Progress: func(done, total int64) {
			*size = total
			if percent := 100 * done / max(total, 1); share == nil && percent/10 != shown {
				shown = percent / 10
				e.o.Progress(fmt.Sprintf("loaded %d%%", percent))
			}
		},
	})
}

func (e *engine) close() {
	for _, m := range e.models {
		m.Close()
	}
	for _, p := range e.pools {
		p.Close()
	}
	e.models, e.pools = nil, nil
}

func (e *engine) cases() []measurement {
	var cases []measurement
	for _, threads := range e.o.Threads {
		for _, tokens := range e.o.Prompts {
			cases = append(cases, &prefill{threads: threads, tokens: tokens})
		}
		for _, context := range e.o.Contexts {
			for _, batch := range e.o.Batches {
				cases = append(cases, &decode{threads: threads, batch: batch, context: context})
			}
		}
	}
	return cases
}
