package sample

import (
	"fmt"
	"github.com/stagecoach-llm/stagecoach/shard/kernels"

	"github.com/stagecoach-llm/stagecoach/shard/grammar"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// Sampler draws the tokens of one sequence.
type Sampler struct {
	vocab  *Vocab
	params wire.Params
	choice uint32
	cursor *grammar.Cursor // nil: anything may be said
}

// New returns a sampler for one of the choices of a request. An error names the parameter that is out of range, and the
// range.
func New(v *Vocab, p wire.Params, choice uint32) (*Sampler, error) {
	if err := check(v, &p); err != nil {
		return nil, err
	}
	s := &Sampler{vocab: v, params: p, choice: choice}
	if p.Grammar != "" {
		var err error
		if s.cursor, err = v.guide.Open(p.Grammar); err != nil {
			return nil, fmt.Errorf("sample: %w", err)
		}
	}
	return s, nil
}

// Sample draws the token at position pos, which history, the tokens at positions 0 to pos-1, leads to. The returned
// log-probability is nil unless the parameters ask for it.
//
// logits [vocabulary] come back with padding masked and otherwise unchanged. An error is one of this sequence only.
func (s *Sampler) Sample(logits []float32, pos int, history []int32) (int32, *wire.Logprob, error) {
	logits, err := s.vocab.unpad(logits)
	if err != nil {
		return 0, nil, err
	}
	if err := s.seek(history); err != nil {
		return 0, nil, err
	}
	s.adjust(logits, pos, history)
	id, err := s.pick(logits, uniform(s.params.Seed, s.choice, pos))
	if err == nil && s.cursor != nil {
		id, err = s.obey(logits, pos, id)
	}
	s.vocab.restore(logits)
	if err != nil || s.params.Logprobs < 0 {
		return id, nil, err
	}
	lp, err := s.vocab.logprob(logits, id, s.params.Logprobs)
	if err != nil {
		return 0, nil, err
	}
	return id, &lp, nil
}

// pick draws from adjusted logits; u in [0, 1) says which.
func (s *Sampler) pick(logits []float32, u float64) (int32, error) {
	i, max, _ := kernels.Largest(logits)
	if max == negInf {
		return 0, errNoToken
	}
	if s.params.Temperature == 0 {
		return int32(i), nil
	}
	r := &s.vocab.rank
	r.start(logits, max, s.params.Temperature)
	n, mass := s.keep(r)
	return draw(r, n, u*mass), nil
}
