package qwen2

import (
	"testing"

	"github.com/stagecoach-llm/stagecoach/shard/kv"
	"github.com/stagecoach-llm/stagecoach/shard/sample"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// TestStepsDoNotAllocate: a prompt's step and a token's, layers, logits and draw, once their memory has grown.
func TestStepsDoNotAllocate(t *testing.T) {
	const decoding = 3
	p := newPipeline(t, small.open(t), 2, kv.F16)
	m, vocab := p[0], sample.NewVocab(small.vocab, nil)
	params := wire.Params{Temperature: 0.8, TopP: 0.9, TopK: 20, Repetition: 1.1, Logprobs: -1, Seed: 7}
	sampler, err := sample.New(vocab, params, 0)
	if err != nil {
		t.Fatal(err)
	}
	prompted := prompt(40, 9)
	var ids []int32
	var seqs []Seq
	for i := range decoding {
		ids = append(ids, int32(i))
		seqs = append(seqs, Seq{Rows: 1, Pos: 300 + i, Blocks: table(i, 20)})
	}
	prefill := []Seq{{Rows: len(prompted), Pos: 250, Blocks: table(3, 20)}}
	x, logits, failed := make([]float32, 40*small.hidden), make([]float32, decoding*small.vocab), make([]error, decoding)
	step := func(ids []int32, seqs []Seq, rows []int) {
		x := x[:len(ids)*small.hidden]
		if err := m.Embed(ids, x); err != nil {
			t.Fatal(err)
		}
		if err := m.Layers(x, seqs, failed[:len(seqs)], nil); err != nil || failed[0] != nil {
			t.Fatal(err, failed)
		}
		if err := m.Logits(x, rows, logits); err != nil {
			t.Fatal(err)
		}
		for i := range rows {
			if _, _, err := sampler.Sample(logits[i*small.vocab:(i+1)*small.vocab], len(prompted), prompted); err != nil {
				t.Fatal(err)
			}
		}
	}
	last, all := []int{len(prompted) - 1}, []int{0, 1, 2}
	if n := testing.AllocsPerRun(20, func() { step(prompted, prefill, last); step(ids, seqs, all) }); n != 0 {
		t.Errorf("a step of a prompt and one of %d tokens allocate %v times, want 0", decoding, n)
	}
}
