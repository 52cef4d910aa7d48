package qwen2

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/stagecoach-llm/stagecoach/shard/kernels"
	"github.com/stagecoach-llm/stagecoach/shard/kv"
)

// TestOverflowFailsItsSequence: keys beyond f16 fail whoever has them; a float32 cache holds them.
func TestOverflowFailsItsSequence(t *testing.T) {
	s := small
	s.layers, s.keyBias = 1, 60000
	ck := s.open(t)
	p := newPipeline(t, ck, 1, kv.F16)
	_, failed := p.try(t, share{prompt(5, 1), 0, []int32{0}})
	if !errors.Is(failed[0], ErrKVOverflow) {
		t.Fatalf("got %v, want %v", failed[0], ErrKVOverflow)
	}
	newPipeline(t, ck, 1, kv.F32).step(t, share{prompt(5, 1), 0, []int32{0}})
}

// TestFailureIsAlone: a sequence that fails leaves its mates' bits alone.
func TestFailureIsAlone(t *testing.T) {
	p := newPipeline(t, small.open(t), 2, kv.F16)
	m := p[0]
	good := share{prompt(7, 1), 0, []int32{0}}
	want := p.step(t, good)[0]
	for name, c := range map[string]struct {
		spoil func(x []float32)
		bad   Seq
		is    error
	}{
		"nan":             {func(x []float32) { x[5] = float32(math.NaN()) }, Seq{3, 0, []int32{1}}, ErrNotFinite},
		"inf":             {func(x []float32) { x[9] = float32(math.Inf(-1)) }, Seq{3, 0, []int32{1}}, ErrNotFinite},
		"square too big":  {func(x []float32) { x[9] = 1e25 }, Seq{3, 0, []int32{1}}, ErrNotFinite},
		"no block":        {nil, Seq{3, 0, nil}, nil},
		"block unknown":   {nil, Seq{3, 0, []int32{128}}, nil},
		"block negative":  {nil, Seq{3, 0, []int32{-1}}, nil},
		"table too short": {nil, Seq{3, 15, []int32{1}}, nil},
		"position":        {nil, Seq{3, -1, []int32{1}}, nil},
		"far position":    {nil, Seq{3, 1 << 40, []int32{1}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			h := m.cfg.Hidden
			x := make([]float32, (3+len(good.tokens))*h)
			if err := m.Embed(append(prompt(3, 2), good.tokens...), x); err != nil {
				t.Fatal(err)
			}
			if c.spoil != nil {
				c.spoil(x)
			}
			failed := make([]error, 2)
			if err := m.Layers(x, []Seq{c.bad, {Rows: len(good.tokens), Blocks: good.blocks}}, failed, nil); err != nil {
				t.Fatal(err)
			}
			if failed[0] == nil || (c.is != nil && !errors.Is(failed[0], c.is)) {
				t.Errorf("the bad sequence got %v, want %v", failed[0], c.is)
			}
			if failed[1] != nil {
				t.Fatalf("the good sequence failed: %v", failed[1])
			}
			logits := make([]float32, m.cfg.Vocab)
			if err := m.Logits(x, []int{3 + len(good.tokens) - 1}, logits); err != nil {
				t.Fatal(err)
			}
			sameLogits(t, [][]float32{logits}, [][]float32{want})
		})
	}
}

func TestLayersRefusesNonsense(t *testing.T) {
	m := newPipeline(t, small.open(t), 1, kv.F16, 3)[0]
	failed := make([]error, 1)
	if err := m.Layers(make([]float32, 5), []Seq{{1, 0, []int32{0}}}, failed, nil); err == nil || failed[0] == nil {
		t.Error("a row of 5 elements passed")
	}
	if err := m.Layers(make([]float32, m.cfg.Hidden), []Seq{{1, 0, []int32{0}}}, nil, nil); err == nil {
		t.Error("no place for errors passed")
	}
	if err := m.Embed([]int32{int32(m.cfg.Vocab)}, make([]float32, m.cfg.Hidden)); err == nil {
		t.Error("a token outside the vocabulary passed")
	}
	if err := m.Embed([]int32{1, 2}, make([]float32, m.cfg.Hidden)); err == nil {
		t.Error("two tokens in one row passed")
	}
	if err := m.Logits(make([]float32, m.cfg.Hidden), []int{0}, make([]float32, m.cfg.Vocab)); err == nil {
		t.Error("logits without a head passed")
	}
	failed[0] = nil
	if err := m.Layers(nil, nil, nil, nil); err != nil {
		t.Errorf("an empty batch failed: %v", err)
	}
}

func TestShare(t *testing.T) {
	ck := small.open(t)
	pool := kernels.NewPool(2)
	defer pool.Close()
	load := func(span Span, from *Model) *Model {
		t.Helper()
		m, err := Load(context.Background(), ck, span, Options{Pool: pool, KVBlocks: 16, Share: from})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	a := load(Span{First: 1, Last: 4}, nil)
	b := load(Span{First: 2, Last: 6, Head: true}, a)
	if a.layers[1] != b.layers[0] || a.layers[2] != b.layers[1] {
		t.Error("layers 2 and 3 were loaded again")
	}
	if a.layers[0].q.Bytes() == 0 {
		t.Error("layer 1 is gone while its owner lives")
	}
	only := a.layers[0]
	a.Close()
	if only.q.Bytes() != 0 {
		t.Error("layer 1 outlived its last owner")
	}
	if b.layers[0].q.Bytes() == 0 {
		t.Error("a shared layer is gone while an owner lives")
	}
	c := load(Span{Last: 6, Embed: true, Head: true}, b)
	shared := b.layers[0]
	b.Close()
	got := pipeline{c}.step(t, share{prompt(9, 1), 0, []int32{0}})
	sameLogits(t, got, newPipeline(t, ck, 1, kv.F16).step(t, share{prompt(9, 1), 0, []int32{0}}))
	c.Close()
	if shared.q.Bytes() != 0 {
		t.Error("a shared layer outlived its last owner")
	}
}

func TestLoadEndsWithItsContext(t *testing.T) {
	ck := small.open(t)
	pool := kernels.NewPool(1)
	defer pool.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	span := Span{Last: 6, Head: true}
	var last, total int64
	_, err := Load(ctx, ck, span, Options{Pool: pool, KVBlocks: 1, Progress: func(done, all int64) {
		if last, total = done, all; done > all/2 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	if last >= total {
		t.Errorf("it loaded %d of %d bytes, cancelled at half", last, total)
	}
	o := Options{Pool: pool, KVBlocks: 1, Progress: func(done, _ int64) { last = done }}
	m, err := Load(context.Background(), ck, span, o)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if last != total {
		t.Errorf("progress ended at %d of %d bytes", last, total)
	}
	if _, err := Load(context.Background(), ck, span, Options{}); err == nil {
		t.Error("a model without a pool loaded")
	}
	for _, bad := range []Span{{First: -1, Last: 2}, {First: 3, Last: 2}, {Last: 7}} {
		if _, err := Load(context.Background(), ck, bad, Options{Pool: pool}); err == nil {
			t.Errorf("span %v of 6 layers loaded", bad)
		}
	}
}

// TestLoadEndsInTheMidstOfAWeight: a head may be a gigabyte on a slow disk, and whoever ends a load waits for it.
func TestLoadEndsInTheMidstOfAWeight(t *testing.T) {
	s := small
	s.layers, s.vocab = 1, 40000 // a head of several chunks
	ck := s.open(t)
	pool := kernels.NewPool(1)
	defer pool.Close()
	head, err := ck.Tensor("output.weight")
	if err != nil {
		t.Fatal(err)
	}
	ctx := &patience{Context: t.Context(), left: math.MaxInt}
	m, err := Load(ctx, ck, Span{Last: 1, Head: true}, Options{Pool: pool, KVBlocks: 1, Progress: func(done, total int64) {
		if done == total-int64(len(head.Data)) {
			ctx.left = 2 // the head's turn, and its first chunk's
		}
	}})
	if err == nil {
		m.Close()
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

// patience is a context that ends when it has been asked so many times whether it has.
type patience struct {
	context.Context
	left int
}

func (p *patience) Err() error {
	if p.left--; p.left < 0 {
		return context.Canceled
	}
	return nil
}

// TestNoAllocation: a token must not allocate once its buffers have grown.
func TestNoAllocation(t *testing.T) {
	p := newPipeline(t, small.open(t), 2, kv.F16)
	m := p[0]
	p.step(t, share{longPrompt, 0, table(0, 24)})
	x, logits, failed := make([]float32, m.cfg.Hidden), make([]float32, m.cfg.Vocab), make([]error, 1)
	seqs, ids, rows := []Seq{{1, len(longPrompt), table(0, 24)}}, []int32{3}, []int{0}
	n := testing.AllocsPerRun(20, func() {
		_ = m.Embed(ids, x)
		_ = m.Layers(x, seqs, failed, nil)
		_ = m.Logits(x, rows, logits)
	})
	if n > 0 {
		t.Errorf("%v allocations a token", n)
	}
}

func TestMemory(t *testing.T) {
	ck := small.open(t)
	pool := kernels.NewPool(1)
	defer pool.Close()
	m, err := Load(context.Background(), ck, Span{First: 1, Last: 3}, Options{Pool: pool, KVBlocks: 10})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	cfg := ck.Card().Config
	if want := 10 * EstimateKVBytesPerBlock(cfg, 2, kv.F16); m.KVBytes() != want {
		t.Errorf("%d bytes of cache, estimated %d", m.KVBytes(), want)
	}
	file := ck.Card().LayerBytes[1] + ck.Card().LayerBytes[2]
	if got := m.WeightBytes(); got > file*115/100 {
		t.Errorf("%d bytes of weights, the file has %d", got, file)
	}
}
