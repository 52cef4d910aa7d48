package sample

import "math"

// count is how often a token occurs in a history.
type count struct {
	all    int32
	output int32
}

// saved is a logit before the parameters changed it.
type saved struct {
	id    int32
	logit float32
}

// set changes a logit. What overflows upwards stays finite, so that differences to it are numbers.
func (v *Vocab) set(logits []float32, id int32, l float32) {
	v.saved = append(v.saved, saved{id, logits[id]})
	logits[id] = min(l, math.MaxFloat32)
}

// restore undoes every set.
func (v *Vocab) restore(logits []float32) {
	for i := len(v.saved) - 1; i >= 0; i-- {
		logits[v.saved[i].id] = v.saved[i].logit
	}
	v.saved = v.saved[:0]
}

// adjust applies everything that changes single logits.
func (s *Sampler) adjust(logits []float32, pos int, history []int32) {
	v := s.vocab
	for _, b := range s.params.LogitBias {
		if int(b.ID) < len(logits) {
			v.set(logits, b.ID, logits[b.ID]+b.Value)
		}
	}
	if s.params.Repetition != 1 || s.params.Presence != 0 || s.params.Frequency != 0 {
		v.count(history, s.params.PromptLen)
		s.penalise(logits)
	}
	if pos-s.params.PromptLen < s.params.MinTokens && !s.complete() {
		for _, id := range s.params.StopIDs {
			if int(id) < len(logits) {
				v.set(logits, id, negInf)
			}
		}
	}
}

// count fills counts and tokens from a history, of which the first prompt tokens are not output. Padding, which a prompt
// of token ids may hold, does not count.
func (v *Vocab) count(history []int32, prompt int) {
	v.tokens = v.tokens[:0]
	for i, id := range history {
		if id < 0 || int(id) >= v.live {
			continue
		}
		c := &v.counts[id]
		if c.all == 0 {
			v.tokens = append(v.tokens, id)
		}
		c.all++
		if i >= prompt {
			c.output++
		}
	}
}

// penalise applies the penalties to the counted tokens and clears the counts.
func (s *Sampler) penalise(logits []float32) {
	v, p := s.vocab, &s.params
	for _, id := range v.tokens {
		l := logits[id]
		if p.Repetition != 1 {
			l = repeated(l, p.Repetition)
		}
		if n := v.counts[id].output; n > 0 {
			l = float32(float64(l) - (float64(p.Frequency*float64(n)) + p.Presence))
		}
		v.counts[id] = count{}
		v.set(logits, id, l)
	}
}

func repeated(l float32, penalty float64) float32 {
	if l > 0 {
		return float32(float64(l) / penalty)
	}
	return float32(float64(l) * penalty)
}
