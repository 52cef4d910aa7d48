package stage

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/stagecoach-llm/stagecoach/shard/checkpoint"
	"github.com/stagecoach-llm/stagecoach/shard/demo"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// chain is the engines of one plan for the demo model, one after the other.
type chain struct {
	t       *testing.T
	card    *checkpoint.Card
	engines []Engine
	step    uint64
}

func newChain(t *testing.T, stages int) *chain {
	t.Helper()
	file, err := checkpoint.OpenBytes(bytes.Clone(demo.Model()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	layers := file.Card().Config.Layers
	p := wire.Prepare{Model: file.Card().ID, KVBlocks: 64, KVType: "f16"}
	for i := range stages {
		p.Stages = append(p.Stages, wire.Stage{First: layers * i / stages, Last: layers * (i + 1) / stages})
	}
	c := &chain{t: t, card: file.Card()}
	for p.Index = range stages {
		e, err := (&Checkpoints{File: file, Threads: 1}).Load(t.Context(), &p, nil, func(int64, int64) {})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(e.Close)
		c.engines = append(c.engines, e)
	}
	return c
}

// run sends entries through all stages, by way of the wire.
func (c *chain) run(entries ...wire.Entry) []wire.SampledItem {
	c.t.Helper()
	c.step++
	f := &wire.Frame{Step: c.step, Entries: entries}
	for i, e := range c.engines {
		x, items := e.Step(f, func(int) {})
		if i == len(c.engines)-1 {
			return items
		}
		f.Rows, f.Width, f.Body = len(x)/256, 256, wire.F32Body(nil, x)
		m, err := wire.AppendFrame(nil, f)
		if err == nil {
			f = new(wire.Frame)
			err = wire.ParseFrame(m, f)
		}
		if err != nil {
			c.t.Fatal(err)
		}
	}
	return nil
}

// open are the operations of a new sequence with blocks for everything in these tests, from first on.
func open(first int32, logprobs int) []wire.Op {
	blocks := make([]int32, 32)
	for i := range blocks {
		blocks[i] = first + int32(i)
	}
	p := wire.Params{TopP: 1, Repetition: 1, Logprobs: logprobs}
	return []wire.Op{{Kind: wire.OpOpen, Params: &p}, {Kind: wire.OpBlocks, Blocks: blocks}}
}

// score gives the log-probabilities of all tokens but the first, computed in chunks, and the outcome of the last row.
func (c *chain) score(seq uint64, tokens []int32, chunk, logprobs int) (scores []wire.Logprob, last wire.SampledItem) {
	c.t.Helper()
	ops := open(0, logprobs)
	for at := 0; at < len(tokens); at += chunk {
		end := min(at+chunk, len(tokens))
		e := wire.Entry{Seq: seq, Pos: uint32(at), Tokens: tokens[at:end], Want: wire.WantScore,
			Targets: tokens[at+1 : min(end+1, len(tokens))], Ops: ops}
		ops = nil
		items := c.run(e)
		if len(items) != 1 || items[0].Error != "" || int(items[0].Pos) != end || len(items[0].Scores) != len(e.Targets) {
			c.t.Fatalf("rows %d to %d: %+v", at, end, items)
		}
		scores = append(scores, items[0].Scores...)
		last = items[0]
	}
	return scores, last
}

// generate gives the greedy answer, token by token, with the log-probabilities it reports.
func (c *chain) generate(seq uint64, prompt []int32, n, logprobs int) (tokens []int32, lps []wire.Logprob) {
	c.t.Helper()
	e := wire.Entry{Seq: seq, Tokens: prompt, Want: wire.WantSample, Ops: open(0, logprobs)}
	for range n {
		items := c.run(e)
		if len(items) != 1 || items[0].Error != "" {
			c.t.Fatalf("%+v", items)
		}
		tokens, lps = append(tokens, items[0].Tokens...), append(lps, items[0].Logprobs...)
		e = wire.Entry{Seq: seq, Pos: items[0].Pos, Tokens: items[0].Tokens, Want: wire.WantSample}
	}
	return tokens, lps
}

type pin struct {
	Prompt []int32 `json:"prompt_ids"`
	Greedy []int32 `json:"greedy_ids"`
}

func somePins(t *testing.T) []pin {
	t.Helper()
	b, err := os.ReadFile("../demo/testdata/pins.json")
	var all []pin
	if err == nil {
		err = json.Unmarshal(b, &all)
	}
	if err != nil {
		t.Fatal(err)
	}
	return all[:3]
}

// The scores of a text are the same bits however it is cut and split over stages, and those of a greedy answer are
// what was reported when it was generated.
func TestScoresAreWhatGenerationReports(t *testing.T) {
	const logprobs = 3
	one, three := newChain(t, 1), newChain(t, 3)
	seq := uint64(0)
	for _, p := range somePins(t) {
		seq++
		answer, lps := one.generate(seq, p.Prompt, len(p.Greedy), logprobs)
		if !slices.Equal(answer, p.Greedy) {
			t.Fatalf("the answer is %v, want %v", answer, p.Greedy)
		}
		text := slices.Concat(p.Prompt, p.Greedy)
		var want []wire.Logprob
		for _, chunk := range []int{len(text), 1, 7, 33} {
			for name, c := range map[string]*chain{"one stage": one, "three stages": three} {
				seq++
				got, last := c.score(seq, text, chunk, logprobs)
				if want == nil {
					want = got
				}
				if !same(got, want) || !same(got[len(p.Prompt)-1:], lps) {
					t.Errorf("%s, chunks of %d: other scores", name, chunk)
				}
				if len(last.Tokens) != 1 || len(last.Logprobs) != 1 {
					t.Errorf("%s, chunks of %d: the last row samples %v", name, chunk, last.Tokens)
				}
			}
		}
		if len(want) != len(text)-1 || len(want[0].Top) != logprobs {
			t.Errorf("%d scores of %d tokens, with %d alternatives", len(want), len(text), len(want[0].Top))
		}
	}
}

func same(a, b []wire.Logprob) bool {
	return slices.EqualFunc(a, b, func(x, y wire.Logprob) bool { return x.LP == y.LP && slices.Equal(x.Top, y.Top) })
}

// A target that cannot be fails its sequence and no other; without alternatives there are none.
func TestScoreOfWhatCannotBe(t *testing.T) {
	c := newChain(t, 1)
	score := func(seq uint64, first, target int32) wire.Entry {
		return wire.Entry{Seq: seq, Tokens: []int32{65}, Want: wire.WantScore, Targets: []int32{target}, Ops: open(first, -1)}
	}
	items := c.run(score(1, 0, 1<<20), score(2, 32, 66))
	if len(items) != 2 || items[0].Error == "" || items[1].Error != "" || len(items[1].Scores) != 1 || items[1].Scores[0].Top != nil {
		t.Errorf("%+v", items)
	}
}
