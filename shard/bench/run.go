package bench

import (
	"fmt"

	"github.com/stagecoach-llm/stagecoach/shard/kv"
	"github.com/stagecoach-llm/stagecoach/shard/qwen2"
)

// run is a model at work: sequences and the buffers of their steps.
type run struct {
	e      *engine
	m      *qwen2.Model
	hidden int
	seqs   []qwen2.Seq
	failed []error
	rows   []int // whose logits are wanted
	ids    []int32
	x      []float32 // [rows, hidden]
	logits []float32 // [len(rows), vocab]
}

// newRun makes a run of sequences with positions each, and steps of at most chunk rows a sequence.
func (e *engine) newRun(threads, sequences, positions, chunk int) *run {
	r := &run{e: e, m: e.models[threads], hidden: e.ck.Card().Config.Hidden}
	n := blocksOf(positions)
	for i := range sequences {
		s := qwen2.Seq{Rows: chunk}
		for b := range n {
			s.Blocks = append(s.Blocks, int32(i*n+b))
		}
		r.seqs = append(r.seqs, s)
	}
	r.failed = make([]error, sequences)
	r.ids = make([]int32, sequences*chunk)
	for i := range r.ids {
		r.ids[i] = int32((i*7919 + 1) % e.vocab)
	}
	r.x = make([]float32, len(r.ids)*r.hidden)
	r.rows = make([]int, sequences)
	r.logits = make([]float32, sequences*e.vocab)
	return r
}

// step computes rows of each sequence at position pos; with head, the logits of each sequence's last row.
func (r *run) step(pos, rows int, head bool) error {
	if err := r.e.ctx.Err(); err != nil {
		return err
	}
	for i := range r.seqs {
		r.seqs[i].Pos, r.seqs[i].Rows, r.failed[i] = pos, rows, nil
		r.rows[i] = (i+1)*rows - 1
	}
	n := len(r.seqs) * rows
	x := r.x[:n*r.hidden]
	if err := r.m.Embed(r.ids[:n], x); err != nil {
		return err
	}
	if err := r.m.Layers(x, r.seqs, r.failed, nil); err != nil {
		return err
	}
	for _, err := range r.failed {
		if err != nil {
			return fmt.Errorf("bench: %w", err)
		}
	}
	if !head {
		return nil
	}
	return r.m.Logits(x, r.rows, r.logits)
}

// prompt computes positions [0, tokens) of each sequence, in steps of at most chunk rows.
func (r *run) prompt(tokens, chunk int) error {
	for pos := 0; pos < tokens; pos += chunk {
		n := min(chunk, tokens-pos)
		if err := r.step(pos, n, pos+n == tokens); err != nil {
			return err
		}
	}
	return nil
}

// fill gives each sequence a context: one block is computed, and every other block is a copy of it.
func (r *run) fill(context int) error {
	first := min(context, kv.BlockTokens)
	for pos := range first {
		if err := r.step(pos, 1, false); err != nil {
			return err
		}
	}
	for _, s := range r.seqs {
		for _, b := range s.Blocks[min(1, blocksOf(first)):] {
			r.m.CopyBlock(s.Blocks[0], b)
		}
	}
	return nil
}
