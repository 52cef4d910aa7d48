package sched

import (
	"fmt"
	"slices"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// The fake model: a few layers that each remember one number per position and mix all that they remember into every
// row. Whatever is wrong with a block table, a position, a block's content or a history changes the tokens.

const (
	fakeLayers = 4
	fakeVocab  = 96
)

func mix(a, b uint64) uint64 {
	h := a*0x9e3779b97f4a7c15 ^ b
	h ^= h >> 29
	h *= 0xbf58476d1ce4e5b9
	return h ^ h>>32
}

// layerRow is one row of one layer. at gives what the layer remembers of positions 0..pos, the row's own included.
func layerRow(layer, pos int, x uint64, at func(int) uint64) uint64 {
	h := uint64(layer + 1)
	for i := range pos + 1 {
		h = mix(h, at(i))
	}
	return mix(h, x)
}

func layerKV(layer int, x uint64) uint64 { return mix(x, uint64(100+layer)) }

// numeric tells whether the row's values overflow.
func numeric(layer int, x uint64, rate uint64) bool {
	return rate > 0 && layer == 2 && mix(x, 77)%rate == 0
}

// draw samples the token at position pos.
func draw(x uint64, p *wire.Params, choice uint32, pos int, history []int32) (int32, float32) {
	h := mix(mix(x, p.Seed), uint64(choice)<<32|uint64(pos))
	h = mix(h, uint64(p.PromptLen))
	for _, t := range history {
		h = mix(h, uint64(t))
	}
	return int32(h % fakeVocab), -float32(h>>40) / 1e6
}

// rate is the score of a token after a row, with alternatives.
func rate(x uint64, target int32, top int) wire.Logprob {
	of := func(t int32) float32 { return -float32(mix(x, uint64(t)+9)>>40) / 1e6 }
	lp := wire.Logprob{LP: of(target)}
	for i := range max(top, 0) {
		id := (target + int32(i)) % fakeVocab
		lp.Top = append(lp.Top, wire.TokenLP{ID: id, LP: of(id)})
	}
	return lp
}

// answer is what a choice must give.
type answer struct {
	scores []wire.Logprob // where the request wants them
	tokens []int32
	lps    []float32
	finish string // "" is a numeric error
}

// reference runs a choice straight through, one row at a time, with nothing paged or shared.
func reference(g *wire.Generate, c *wire.Choice, context int, overflows uint64) answer {
	var a answer
	var kv [fakeLayers][]uint64
	p := g.Params
	p.Seed, p.PromptLen = c.Seed, len(g.Prompt)
	tokens := slices.Clone(g.Prompt)
	if g.MaxTokens == 0 && (!g.Score || len(tokens) == 1) {
		a.finish = wire.FinishLength
		return a
	}
	for pos := 0; ; pos++ {
		x := mix(uint64(tokens[pos]), 5)
		for l := range fakeLayers {
			kv[l] = append(kv[l], layerKV(l, x))
			x = layerRow(l, pos, x, func(i int) uint64 { return kv[l][i] })
			if numeric(l, x, overflows) {
				return a
			}
		}
		if g.Score && pos < len(g.Prompt)-1 {
			a.scores = append(a.scores, rate(x, tokens[pos+1], p.Logprobs))
		}
		if g.MaxTokens == 0 && pos == len(g.Prompt)-2 {
			a.finish = wire.FinishLength
			return a
		}
		if pos < len(g.Prompt)-1 {
			continue
		}
		t, lp := draw(x, &p, c.Index, pos+1, tokens)
		tokens = append(tokens, t)
		a.tokens, a.lps = append(a.tokens, t), append(a.lps, lp)
		if slices.Contains(p.StopIDs, t) {
			a.finish = wire.FinishStop
			return a
		}
		if len(a.tokens) >= g.MaxTokens || len(tokens) >= context {
			a.finish = wire.FinishLength
			return a
		}
	}
}

// fakeStage is a shard: lane fencing, block tables, KV, retained outputs. It obeys the same rules as shard/stage.
type fakeStage struct {
	first, last int // layers
	head        bool
	rate        uint64
	kv          [][]uint64 // [layer][position of a block]
	seqs        map[uint64]*fakeSeq
	done        uint64
	held        map[uint64]kept // early frames
	kept        map[uint64]kept // outputs not acknowledged
	wrong       error           // an operation that makes no sense
}

// kept is a message with the rows that a real one would carry in its body.
type kept struct {
	data []byte
	rows [][]uint64
}

type fakeSeq struct {
	blocks  []int32
	history []int32
	params  wire.Params
	choice  uint32
}

func newFakeStage(first, last, blocks int, rate uint64, garbage uint64) *fakeStage {
	st := &fakeStage{first: first, last: last, head: last == fakeLayers, rate: rate, seqs: map[uint64]*fakeSeq{},
		held: map[uint64]kept{}, kept: map[uint64]kept{}}
	for l := range last - first {
		st.kv = append(st.kv, make([]uint64, blocks*BlockTokens))
		for i := range st.kv[l] {
			st.kv[l][i] = mix(garbage, uint64(i))
		}
	}
	return st
}

// step executes a frame. in and out are one number per row, by entry.
func (st *fakeStage) step(f *wire.Frame, in [][]uint64) (out [][]uint64, items []wire.SampledItem) {
	for i := range f.Entries {
		e := &f.Entries[i]
		err := st.ops(e)
		if err != nil {
			st.wrong = err
		}
		rows := in[i]
		if st.first == 0 {
			rows = nil
			for _, t := range e.Tokens {
				rows = append(rows, mix(uint64(t), 5))
			}
		}
		if e.Want != wire.WantFailed && err == nil && len(e.Tokens) > 0 {
			rows, err = st.layers(e, rows)
		}
		if err != nil {
			e.Want, e.Tokens, rows = wire.WantFailed, nil, nil
		}
		out = append(out, rows)
		if st.head {
			items = st.sample(e, rows, err, items)
		}
	}
	return out, items
}

func (st *fakeStage) ops(e *wire.Entry) error {
	for _, op := range e.Ops {
		s := st.seqs[e.Seq]
		switch op.Kind {
		case wire.OpOpen:
			if s != nil {
				return fmt.Errorf("sequence %d is open", e.Seq)
			}
			st.seqs[e.Seq] = &fakeSeq{params: *op.Params, choice: op.Choice, history: slices.Clone(op.History)}
		case wire.OpBlocks:
			if s == nil || int(op.At) > len(s.blocks) {
				return fmt.Errorf("blocks at %d for sequence %d", op.At, e.Seq)
			}
			s.blocks = append(s.blocks[:op.At], op.Blocks...)
		case wire.OpClose:
			if s == nil {
				return fmt.Errorf("sequence %d is closed", e.Seq)
			}
			delete(st.seqs, e.Seq)
		default:
			return fmt.Errorf("op %d", op.Kind)
		}
	}
	return nil
}

func (st *fakeStage) layers(e *wire.Entry, rows []uint64) ([]uint64, error) {
	s := st.seqs[e.Seq]
	if s == nil || blocksFor(int(e.Pos)+len(e.Tokens)) > len(s.blocks) || int(e.Pos) > len(s.history) {
		return nil, fmt.Errorf("sequence %d has no place for its rows", e.Seq)
	}
	s.history = append(s.history[:e.Pos], e.Tokens...)
	slot := func(pos int) int { return int(s.blocks[pos/BlockTokens])*BlockTokens + pos%BlockTokens }
	out := slices.Clone(rows)
	for l := range st.kv {
		for i, x := range out {
			st.kv[l][slot(int(e.Pos)+i)] = layerKV(st.first+l, x)
		}
		for i, x := range out {
			out[i] = layerRow(st.first+l, int(e.Pos)+i, x, func(p int) uint64 { return st.kv[l][slot(p)] })
			if numeric(st.first+l, out[i], st.rate) {
				return nil, fmt.Errorf("overflow at position %d", int(e.Pos)+i)
			}
		}
	}
	return out, nil
}

func (st *fakeStage) sample(e *wire.Entry, rows []uint64, err error, items []wire.SampledItem) []wire.SampledItem {
	switch {
	case err != nil:
		return append(items, wire.SampledItem{Seq: e.Seq, Pos: e.Pos, Error: err.Error()})
	case e.Want == wire.WantFailed:
		return append(items, wire.SampledItem{Seq: e.Seq, Pos: e.Pos, Error: "an earlier stage failed"})
	case e.Want == wire.WantNone:
		return items
	}
	s := st.seqs[e.Seq]
	end := int(e.Pos) + len(e.Tokens)
	it := wire.SampledItem{Seq: e.Seq, Pos: uint32(end)}
	for i, target := range e.Targets {
		it.Scores = append(it.Scores, rate(rows[i], target, s.params.Logprobs))
	}
	for i := len(rows) - 1; e.Want == wire.WantSample && i == len(rows)-1 || e.Want == wire.WantScore && i >= len(e.Targets); i-- {
		t, lp := draw(rows[i], &s.params, s.choice, end, s.history[:end])
		it.Tokens, it.Logprobs = append(it.Tokens, t), append(it.Logprobs, wire.Logprob{LP: lp})
	}
	return append(items, it)
}
