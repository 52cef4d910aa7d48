package sample

import (
	"errors"
	"fmt"
	"math"

	"github.com/stagecoach-llm/stagecoach/shard/grammar"
	"github.com/stagecoach-llm/stagecoach/shard/kernels"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

var negInf = float32(math.Inf(-1))

// Vocab is what samplers must know of a model's vocabulary, and the scratch memory that they share.
type Vocab struct {
	size   int
	live   int     // ids from here on are padding
	gaps   []int32 // padding before that
	counts []count // by id; all zero between calls
	tokens []int32 // distinct tokens of a history
	saved  []saved
	rank   ranking
	guide  *grammar.Guide
	mask   grammar.Mask // what a grammar allows: as a set, as ids, and their logits
	ids    []int32
	left   []float32
}

// NewVocab describes a vocabulary of size ids, those with padded[id] being padding. Ids past the end of padded are not
// padding; nil is a vocabulary without any.
func NewVocab(size int, padded []bool) *Vocab {
	v := &Vocab{size: size, live: size, counts: make([]count, size)}
	pad := func(id int) bool { return id < len(padded) && padded[id] }
	for v.live > 0 && pad(v.live-1) {
		v.live--
	}
	for id := range v.live {
		if pad(id) {
			v.gaps = append(v.gaps, int32(id))
		}
	}
	return v
}

// Guide has samplers obey grammars. The guide's vocabulary is this one; whoever made it closes it.
func (v *Vocab) Guide(g *grammar.Guide) { v.guide = g }

// Size is the number of ids, padding included: the length of a row of logits.
func (v *Vocab) Size() int { return v.size }

// Padding reports whether id is never sampled: padding, or outside the vocabulary.
func (v *Vocab) Padding(id int32) bool {
	if id < 0 || int(id) >= v.live {
		return true
	}
	for _, gap := range v.gaps {
		if gap == id {
			return true
		}
	}
	return false
}

// unpad takes padding out of logits [size] and returns what is left, [live].
func (v *Vocab) unpad(logits []float32) ([]float32, error) {
	if len(logits) != v.size {
		return nil, fmt.Errorf("sample: %d logits for a vocabulary of %d", len(logits), v.size)
	}
	logits = logits[:v.live]
	for _, id := range v.gaps {
		logits[id] = negInf
	}
	if _, _, ok := kernels.Largest(logits); ok {
		return logits, nil
	}
	for id, l := range logits {
		if !(l <= math.MaxFloat32) {
			return nil, fmt.Errorf("sample: the logit of token %d is %v: the model's arithmetic overflowed", id, l)
		}
	}
	return logits, nil
}

var errNoToken = errors.New("sample: no token can be sampled: every logit is -Inf")

// Score returns the model's log-probability of target after logits [size], whose padding it overwrites, with the top
// likeliest tokens. It is -Inf only where the target's logit is.
func (v *Vocab) Score(logits []float32, target int32, top int) (wire.Logprob, error) {
	if v.Padding(target) {
		return wire.Logprob{}, fmt.Errorf("sample: token %d cannot be scored: it is padding or outside the vocabulary of %d", target, v.size)
	}
	logits, err := v.unpad(logits)
	if err != nil {
		return wire.Logprob{}, err
	}
	return v.logprob(logits, target, max(top, 0))
}

// logprob looks up target in masked logits, and the top alternatives.
func (v *Vocab) logprob(logits []float32, target int32, top int) (wire.Logprob, error) {
	max, logsum := kernels.LogSum(logits)
	if max == negInf {
		return wire.Logprob{}, errNoToken
	}
	of := func(id int32) float32 { return (logits[id] - max) - logsum }
	lp := wire.Logprob{LP: of(target)}
	if top == 0 {
		return lp, nil
	}
	v.rank.start(logits, max, 1)
	lp.Top = make([]wire.TokenLP, 0, top)
	for i := 0; i < top && v.rank.has(i); i++ {
		id := v.rank.id(i)
		lp.Top = append(lp.Top, wire.TokenLP{ID: id, LP: of(id)})
	}
	return lp, nil
}
