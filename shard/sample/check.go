package sample

import (
	"errors"
	"fmt"
	"math"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// maxTop is the largest number of alternatives, the API's.
const maxTop = 20

// minTemperature is a temperature whose inverse is far from overflow.
const minTemperature = 1e-30

// check refuses parameters that have no meaning or would overflow. Narrower ranges are the router's business.
func check(v *Vocab, p *wire.Params) error {
	for _, c := range []struct {
		name  string
		value float64
		ok    bool
		want  string
	}{
		{"temperature", p.Temperature, p.Temperature == 0 || p.Temperature >= minTemperature && p.Temperature <= 1e6, "0 (greedy) or between 1e-30 and 1e6"},
		{"top_p", p.TopP, p.TopP >= 0 && p.TopP <= 1, "between 0 and 1 (1 is off)"},
		{"min_p", p.MinP, p.MinP >= 0 && p.MinP <= 1, "between 0 and 1 (0 is off)"},
		{"repetition penalty", p.Repetition, p.Repetition >= 1e-6 && p.Repetition <= 1e6, "between 1e-6 and 1e6 (1 is off)"},
		{"presence penalty", p.Presence, math.Abs(p.Presence) <= 1e6, "between -1e6 and 1e6 (0 is off)"},
		{"frequency penalty", p.Frequency, math.Abs(p.Frequency) <= 1e6, "between -1e6 and 1e6 (0 is off)"},
		{"top_k", float64(p.TopK), p.TopK >= 0, "0 or more (0 is off)"},
		{"logprobs", float64(p.Logprobs), p.Logprobs >= -1 && p.Logprobs <= maxTop, "between 0 and 20 (-1 is none)"},
		{"min_tokens", float64(p.MinTokens), p.MinTokens >= 0, "0 or more"},
		{"prompt length", float64(p.PromptLen), p.PromptLen >= 0, "0 or more"},
	} {
		if !c.ok { // NaN passes no comparison
			return fmt.Errorf("sample: %s is %v: it must be %s", c.name, c.value, c.want)
		}
	}
	if p.Grammar != "" && v.guide == nil {
		return errors.New("sample: a grammar is asked for, and the bytes of the vocabulary are not known")
	}
	if p.Grammar != "" && len(p.StopIDs) == 0 {
		return errors.New("sample: a grammar is asked for without stop ids, by which its end could be told")
	}
	return checkIDs(v, p)
}

func checkIDs(v *Vocab, p *wire.Params) error {
	for _, b := range p.LogitBias {
		if b.ID < 0 || int(b.ID) >= v.size {
			return fmt.Errorf("sample: logit_bias names token %d, outside the vocabulary of %d", b.ID, v.size)
		}
		if !(math.Abs(float64(b.Value)) <= math.MaxFloat32) {
			return fmt.Errorf("sample: the logit_bias of token %d is %v: it must be finite", b.ID, b.Value)
		}
	}
	for _, id := range p.StopIDs {
		if id < 0 || int(id) >= v.size {
			return fmt.Errorf("sample: stop id %d is outside the vocabulary of %d", id, v.size)
		}
	}
	return nil
}
