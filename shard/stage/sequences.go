package stage

import (
	"fmt"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// BlockTokens is how many positions one KV block holds.
const BlockTokens = 16

// sequence is what a stage knows of one sequence: its block table and, at the last stage, its tokens.
type sequence struct {
	blocks  []int32
	history []int32 // tokens at positions 0..; last stage only
	sampler sampler // last stage only
	top     int     // alternatives of a score; last stage only
}

// sampler draws the token after history. pos is the position of the token that is drawn.
type sampler interface {
	Sample(logits []float32, pos int, history []int32) (int32, *wire.Logprob, error)
}

// apply runs one operation of entry e. open makes the sampler of a new sequence (nil where the stage is not the
// last), copyBlock copies a KV block in every layer of the stage.
func apply(seqs map[uint64]*sequence, e *wire.Entry, op *wire.Op, open func(*wire.Op) (sampler, error), copyBlock func(from, to int32)) error {
	switch op.Kind {
	case wire.OpOpen:
		s := &sequence{}
		if open != nil {
			sm, err := open(op)
			if err != nil {
				return err
			}
			s.sampler, s.history, s.top = sm, append(s.history, op.History...), op.Params.Logprobs
		}
		seqs[e.Seq] = s
	case wire.OpBlocks:
		s := seqs[e.Seq]
		if s == nil || int(op.At) > len(s.blocks) {
			return fmt.Errorf("stage: blocks from %d on for sequence %d, which does not have that many", op.At, e.Seq)
		}
		s.blocks = append(s.blocks[:op.At], op.Blocks...)
	case wire.OpFork:
		p, s := seqs[op.Parent], seqs[e.Seq]
		if p == nil || s == nil || int(op.Len) > len(p.blocks)*BlockTokens {
			return fmt.Errorf("stage: sequence %d forks %d tokens of sequence %d, which does not have them", e.Seq, op.Len, op.Parent)
		}
		s.blocks = append(s.blocks[:0], p.blocks[:(int(op.Len)+BlockTokens-1)/BlockTokens]...)
		if s.sampler != nil && int(op.Len) <= len(p.history) {
			s.history = append(s.history[:0], p.history[:op.Len]...)
		}
	case wire.OpCopy:
		copyBlock(op.From, op.To)
	case wire.OpClose:
		delete(seqs, e.Seq)
	default:
		return fmt.Errorf("stage: operation %d is not known to this version", op.Kind)
	}
	return nil
}

// place checks that the sequence has blocks for the entry's rows and records its tokens.
func (s *sequence) place(e *wire.Entry) error {
	end := int(e.Pos) + len(e.Tokens)
	if need := (end + BlockTokens - 1) / BlockTokens; need > len(s.blocks) {
		return fmt.Errorf("stage: sequence %d: %d tokens need %d KV blocks, its table has %d", e.Seq, end, need, len(s.blocks))
	}
	if s.sampler == nil {
		return nil
	}
	if int(e.Pos) > len(s.history) {
		return fmt.Errorf("stage: sequence %d: rows at position %d follow a history of %d tokens", e.Seq, e.Pos, len(s.history))
	}
	s.history = append(s.history[:e.Pos], e.Tokens...)
	return nil
}
