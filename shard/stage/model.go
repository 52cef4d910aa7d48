package stage

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/stagecoach-llm/stagecoach/shard/checkpoint"
	"github.com/stagecoach-llm/stagecoach/shard/grammar"
	"github.com/stagecoach-llm/stagecoach/shard/kernels"
	"github.com/stagecoach-llm/stagecoach/shard/kv"
	"github.com/stagecoach-llm/stagecoach/shard/qwen2"
	"github.com/stagecoach-llm/stagecoach/shard/sample"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// Checkpoints loads engines from a model file. Each engine has threads of its own: one is loaded while another
// computes, and a pool serves one goroutine at a time.
type Checkpoints struct {
	File    *checkpoint.Checkpoint
	Threads int
	Repack  qwen2.Repack
	Memory  int64 // bytes that weights and KV may take together; 0 is no limit

	texts *grammar.Vocab // of the tokenizer, made beside the first load of a last stage
	once  sync.Once
}

// vocabulary is the bytes of the tokens. Every engine has the same.
func (c *Checkpoints) vocabulary() *grammar.Vocab {
	c.once.Do(func() {
		card := c.File.Card()
		c.texts = grammar.NewVocab(min(card.Config.Vocab, len(card.Tokenizer.Tokens)), card.Tokenizer.TextBytes)
	})
	return c.texts
}

// Load implements Loader.
func (c *Checkpoints) Load(ctx context.Context, p *wire.Prepare, prev Engine, progress func(done, total int64)) (Engine, error) {
	card := c.File.Card()
	if p.Model != card.ID {
		return nil, fmt.Errorf("stage: the plan is for model %s, the file here is %s: start this shard with the cluster's model", p.Model, card.ID)
	}
	st := p.Stages[p.Index]
	kvType, err := kv.ParseType(p.KVType)
	if err != nil {
		return nil, err
	}
	pool := kernels.NewPool(c.Threads)
	opts := qwen2.Options{
		Pool: pool, KVType: kvType, KVBlocks: p.KVBlocks, Progress: progress,
		Repack: c.Repack, WeightMemory: c.weightMemory(&card.Config, st.Last-st.First, kvType, p.KVBlocks),
	}
	if m, ok := prev.(*modelEngine); ok {
		opts.Share = m.model
	}
	first, last := p.Index == 0, p.Index == len(p.Stages)-1
	m, err := qwen2.Load(ctx, c.File, qwen2.Span{First: st.First, Last: st.Last, Embed: first, Head: last}, opts)
	if err != nil {
		pool.Close()
		return nil, err
	}
	e := &modelEngine{cfg: card.Config, model: m, pool: pool, first: first, last: last, seqs: map[uint64]*sequence{}}
	if last {
		e.vocab = sample.NewVocab(card.Config.Vocab, card.Padded())
		e.guide = grammar.NewGuide(c.vocabulary)
		e.vocab.Guide(e.guide)
	}
	return e, nil
}

// weightMemory is what the cache of some layers leaves of Memory, 0 where that has no limit.
func (c *Checkpoints) weightMemory(cfg *checkpoint.Config, layers int, t kv.Type, blocks int) int64 {
	if c.Memory == 0 {
		return 0
	}
	return max(1, c.Memory-int64(blocks)*qwen2.EstimateKVBytesPerBlock(*cfg, layers, t))
}

// modelEngine runs Qwen2 layers over a paged KV cache and, at the last stage, samples.
type modelEngine struct {
	cfg   checkpoint.Config
	model *qwen2.Model
	pool  *kernels.Pool
	first bool
	last  bool
	vocab *sample.Vocab
	guide *grammar.Guide // last stage only
	seqs  map[uint64]*sequence

	// Scratch of a step, grown once and kept.
	x      []float32 // [rows, hidden]
	ids    []int32
	batch  []qwen2.Seq
	failed []error
	owner  []int // batch index -> entry index
	wanted []wanted
	rows   []int
	logits []float32
	items  []wire.SampledItem
}

func (e *modelEngine) KVUsed() int {
	n := 0
	for _, s := range e.seqs {
		n += len(s.blocks)
	}
	return n
}

func (e *modelEngine) Close() {
	if e.guide != nil {
		e.guide.Close()
	}
	e.model.Close()
	e.pool.Close()
}

func (e *modelEngine) Step(f *wire.Frame, layer func(int)) ([]float32, []wire.SampledItem) {
	e.items = e.items[:0]
	e.input(f)
	e.prepare(f)
	if e.first {
		e.embed(f)
	}
	e.gather(f)
	e.model.Layers(e.x, e.batch, e.failed, layer)
	// From the last on, so that dropping rows does not move those of entries still to be looked at.
	for i := len(e.failed) - 1; i >= 0; i-- {
		if e.failed[i] != nil {
			e.fail(f, e.owner[i], e.failed[i])
		}
	}
	if !e.last {
		return e.x, nil
	}
	e.sample(f)
	return nil, e.items
}

// input takes the frame's rows; a Step has none.
func (e *modelEngine) input(f *wire.Frame) {
	e.x = grow(e.x, f.Rows*e.cfg.Hidden)
	if f.Rows > 0 {
		wire.Float32s(e.x, f.Body)
	}
}

// embed makes x [rows, hidden] from the tokens of the entries.
func (e *modelEngine) embed(f *wire.Frame) {
	e.ids = e.ids[:0]
	for i := range f.Entries {
		e.ids = append(e.ids, f.Entries[i].Tokens...)
	}
	e.x = grow(e.x, len(e.ids)*e.cfg.Hidden)
	if err := e.model.Embed(e.ids, e.x); err != nil {
		for i := range f.Entries {
			e.fail(f, i, err)
		}
	}
}

// prepare runs the entries' operations and records their tokens.
func (e *modelEngine) prepare(f *wire.Frame) {
	var open func(*wire.Op) (sampler, error)
	if e.last {
		open = func(op *wire.Op) (sampler, error) {
			if op.Params == nil {
				return nil, errors.New("stage: a sequence opens without parameters")
			}
			return sample.New(e.vocab, *op.Params, op.Choice)
		}
	}
	for i := range f.Entries {
		if err := e.prepareEntry(&f.Entries[i], open); err != nil {
			e.fail(f, i, err)
		}
	}
}

func (e *modelEngine) prepareEntry(en *wire.Entry, open func(*wire.Op) (sampler, error)) error {
	for k := range en.Ops {
		if err := apply(e.seqs, en, &en.Ops[k], open, e.model.CopyBlock); err != nil {
			return err
		}
	}
	for _, id := range en.Tokens {
		if id < 0 || int(id) >= e.cfg.Vocab {
			return fmt.Errorf("stage: token id %d is outside the vocabulary of %d", id, e.cfg.Vocab)
		}
	}
	if len(en.Tokens) == 0 {
		return nil
	}
	s := e.seqs[en.Seq]
	if s == nil {
		return fmt.Errorf("stage: rows for sequence %d, which was never opened", en.Seq)
	}
	return s.place(en)
}

// gather lists the sequences of the batch in the order of their rows.
func (e *modelEngine) gather(f *wire.Frame) {
	e.batch, e.failed, e.owner = e.batch[:0], e.failed[:0], e.owner[:0]
	for i := range f.Entries {
		en := &f.Entries[i]
		if n := len(en.Tokens); n > 0 {
			e.batch = append(e.batch, qwen2.Seq{Rows: n, Pos: int(en.Pos), Blocks: e.seqs[en.Seq].blocks})
			e.failed, e.owner = append(e.failed, nil), append(e.owner, i)
		}
	}
}

// fail takes an entry's rows out of the step and marks it, so that the stages after this one only pass it on.
func (e *modelEngine) fail(f *wire.Frame, i int, err error) {
	en := &f.Entries[i]
	if en.Want == wire.WantFailed {
		return
	}
	at := 0
	for k := range i {
		at += len(f.Entries[k].Tokens)
	}
	h := e.cfg.Hidden
	if end := (at + len(en.Tokens)) * h; end <= len(e.x) {
		e.x = append(e.x[:at*h], e.x[end:]...)
	}
	en.Want, en.Tokens, en.Targets = wire.WantFailed, nil, nil
	if e.last {
		e.items = append(e.items, wire.SampledItem{Seq: en.Seq, Pos: en.Pos, Error: reason(err)})
	}
}

func grow(x []float32, n int) []float32 {
	if cap(x) < n {
		return make([]float32, n)
	}
	return x[:n]
}
