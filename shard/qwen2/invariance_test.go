package qwen2

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stagecoach-llm/stagecoach/shard/checkpoint"
	"github.com/stagecoach-llm/stagecoach/shard/kernels"
	"github.com/stagecoach-llm/stagecoach/shard/kv"
	"github.com/stagecoach-llm/stagecoach/shard/quant"
)

// pipeline is Models in a row, as shards are.
type pipeline []*Model

// newPipeline splits a checkpoint at layers; threads is each Model's pool.
func newPipeline(t testing.TB, ck *checkpoint.Checkpoint, threads int, typ kv.Type, splits ...int) pipeline {
	t.Helper()
	layers := ck.Card().Config.Layers
	ends := append(slices.Clone(splits), layers)
	var p pipeline
	first := 0
	for i, last := range ends {
		pool := kernels.NewPool(threads)
		t.Cleanup(pool.Close)
		m, err := Load(context.Background(), ck, Span{first, last, i == 0, i == len(ends)-1},
			Options{Pool: pool, KVType: typ, KVBlocks: 128})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(m.Close)
		p = append(p, m)
		first = last
	}
	return p
}

// share is one sequence's part of a step.
type share struct {
	tokens []int32
	pos    int
	blocks []int32
}

// step runs a batch and returns the logits [vocab] after each sequence's last token.
func (p pipeline) step(t testing.TB, batch ...share) [][]float32 {
	t.Helper()
	logits, failed := p.try(t, batch...)
	for i, err := range failed {
		if err != nil {
			t.Fatalf("sequence %d: %v", i, err)
		}
	}
	return logits
}

func (p pipeline) try(t testing.TB, batch ...share) (logits [][]float32, failed []error) {
	t.Helper()
	var ids []int32
	var seqs []Seq
	var rows []int
	for _, s := range batch {
		ids = append(ids, s.tokens...)
		seqs = append(seqs, Seq{Rows: len(s.tokens), Pos: s.pos, Blocks: s.blocks})
		rows = append(rows, len(ids)-1)
	}
	cfg := p[0].cfg
	x := make([]float32, len(ids)*cfg.Hidden)
	if err := p[0].Embed(ids, x); err != nil {
		t.Fatal(err)
	}
	failed = make([]error, len(seqs))
	for _, m := range p {
		if err := m.Layers(x, seqs, failed, nil); err != nil {
			t.Fatal(err)
		}
	}
	for i, r := range rows {
		row := make([]float32, cfg.Vocab)
		if failed[i] == nil {
			if err := p[len(p)-1].Logits(x, []int{r}, row); err != nil {
				t.Fatal(err)
			}
		}
		logits = append(logits, row)
	}
	return logits, failed
}

// prompt is some tokens.
func prompt(n int, seed uint64) []int32 {
	r := rand.New(rand.NewPCG(seed, 1))
	p := make([]int32, n)
	for i := range p {
		p[i] = int32(r.IntN(small.vocab))
	}
	return p
}

// table is blocks in no order, apart for each owner.
func table(owner, n int) []int32 {
	b := make([]int32, n)
	for i := range b {
		b[i] = int32((owner*n + (i*7)%n) % 128)
	}
	return b
}

// answer prefills a prompt in chunks and decodes some tokens greedily; it returns the tokens and, after each, the logits.
func (p pipeline) answer(t testing.TB, prompt []int32, chunk, n int) (ids []int32, all [][]float32) {
	t.Helper()
	blocks := table(0, 100)
	var logits []float32
	for at := 0; at < len(prompt); at += chunk {
		end := min(at+chunk, len(prompt))
		logits = p.step(t, share{prompt[at:end], at, blocks})[0]
	}
	for i := range n {
		all = append(all, logits)
		ids = append(ids, argmax(logits))
		logits = p.step(t, share{ids[i:], len(prompt) + i, blocks})[0]
	}
	return ids, all
}

func argmax(x []float32) int32 {
	best := 0
	for i, v := range x {
		if v > x[best] {
			best = i
		}
	}
	return int32(best)
}

func sameLogits(t *testing.T, got, want [][]float32) {
	t.Helper()
	for i := range want {
		for k := range want[i] {
			if math.Float32bits(got[i][k]) != math.Float32bits(want[i][k]) {
				t.Fatalf("token %d, logit %d is %g (%08x), want %g (%08x)", i, k,
					got[i][k], math.Float32bits(got[i][k]), want[i][k], math.Float32bits(want[i][k]))
			}
		}
	}
}

// longPrompt reaches into the second chunk of attention.
var longPrompt = prompt(262, 1)

const answerTokens = 6

func TestSplitsGiveTheSameBits(t *testing.T) {
	ck := small.open(t)
	_, want := newPipeline(t, ck, 1, kv.F16).answer(t, longPrompt, 300, answerTokens)
	for _, splits := range [][]int{{1}, {3}, {2, 4}, {1, 2, 5}, {1, 2, 3, 4, 5}} {
		t.Run(fmt.Sprint(splits), func(t *testing.T) {
			_, got := newPipeline(t, ck, 1, kv.F16, splits...).answer(t, longPrompt, 300, answerTokens)
			sameLogits(t, got, want)
		})
	}
}

func TestChunksGiveTheSameBits(t *testing.T) {
	ck := small.open(t)
	for _, typ := range []kv.Type{kv.F16, kv.F32} {
		p := newPipeline(t, ck, 1, typ)
		_, want := p.answer(t, longPrompt, 300, answerTokens)
		for _, chunk := range []int{1, 7, 16, 100, 261} {
			t.Run(fmt.Sprint(typ, chunk), func(t *testing.T) {
				_, got := p.answer(t, longPrompt, chunk, answerTokens)
				sameLogits(t, got, want)
			})
		}
	}
}

func TestThreadsGiveTheSameBits(t *testing.T) {
	ck := small.open(t)
	_, want := newPipeline(t, ck, 1, kv.F16).answer(t, longPrompt, 50, answerTokens)
	for _, threads := range []int{2, 3, 5} {
		t.Run(fmt.Sprint(threads), func(t *testing.T) {
			_, got := newPipeline(t, ck, threads, kv.F16).answer(t, longPrompt, 50, answerTokens)
			sameLogits(t, got, want)
		})
	}
}

// TestPathsGiveTheSameBits runs formats of every kind of scale on every path.
func TestPathsGiveTheSameBits(t *testing.T) {
	was := kernels.Path()
	defer func() { _ = kernels.ForcePath(was) }()
	for _, typ := range []quant.Type{
		quant.Q8_0, quant.Q4_K, quant.Q6_K, quant.Q2_K, quant.IQ4_XS, quant.F16, quant.BF16, quant.F32,
	} {
		t.Run(typ.String(), func(t *testing.T) {
			s := small
			s.layers, s.typ = 2, typ
			ck := s.open(t)
			var want [][]float32
			for _, path := range kernels.Paths() {
				if err := kernels.ForcePath(path); err != nil {
					t.Fatal(err)
				}
				_, got := newPipeline(t, ck, 1, kv.F16).answer(t, prompt(21, 2), 9, 2)
				if want == nil {
					want = got
				}
				sameLogits(t, got, want)
			}
		})
	}
}

// TestMatesGiveTheSameBits answers alone and then in a batch with others that prefill and decode.
func TestMatesGiveTheSameBits(t *testing.T) {
	p := newPipeline(t, small.open(t), 2, kv.F16, 3)
	for _, mates := range []int{1, 2, 7, 15} {
		for place := range 2 { // before or after the mates
			t.Run(fmt.Sprint(mates, place), func(t *testing.T) {
				mine := prompt(20, 3)
				blocks := []int32{100, 101}
				alone := [][]float32{p.step(t, share{mine[:9], 0, blocks})[0], p.step(t, share{mine[9:], 9, blocks})[0]}
				var got [][]float32
				for _, part := range []share{{mine[:9], 0, blocks}, {mine[9:], 9, blocks}} {
					batch := []share{part}
					for i := range mates {
						n := 1 + (i*5+part.pos)%8
						batch = append(batch, share{prompt(n, uint64(i)), 0, table(i, 1)})
					}
					at := 0
					if place == 1 {
						at = mates
						batch[0], batch[at] = batch[at], batch[0]
					}
					got = append(got, p.step(t, batch...)[at])
				}
				sameLogits(t, got, alone)
			})
		}
	}
}

// TestRecomputeGivesTheSameBits: the answer's tokens, prefilled after a loss, lead on as they did.
func TestRecomputeGivesTheSameBits(t *testing.T) {
	ck := small.open(t)
	mine := prompt(30, 4)
	ids, want := newPipeline(t, ck, 1, kv.F16).answer(t, mine, 30, answerTokens)
	for lost := 1; lost < answerTokens; lost++ {
		again := append(slices.Clone(mine), ids[:lost]...)
		_, got := newPipeline(t, ck, 2, kv.F16, 2).answer(t, again, len(again), answerTokens-lost)
		sameLogits(t, got, want[lost:])
	}
}

// TestCopyBlock: a copied block serves like the original.
func TestCopyBlock(t *testing.T) {
	p := newPipeline(t, small.open(t), 1, kv.F16, 3)
	mine := prompt(20, 5)
	p.step(t, share{mine[:19], 0, []int32{1, 2}})
	want := p.step(t, share{mine[19:], 19, []int32{1, 2}})
	for _, m := range p {
		m.CopyBlock(1, 40)
		m.CopyBlock(2, 41)
		m.CopyBlock(-1, 41) // nothing to copy: no harm
		m.CopyBlock(41, 128)
	}
	p.step(t, share{prompt(32, 6), 0, []int32{1, 2}})
	sameLogits(t, p.step(t, share{mine[19:], 19, []int32{40, 41}}), want)
}
