package wire

import (
	"errors"
	"fmt"
)

// Forms of the parameters in an Open. A new field is a new form, used only where it is needed.
const (
	paramsNone = 0
	paramsV1   = 1
	paramsV2   = 2 // with a grammar
)

func putParams(b []byte, p *Params) ([]byte, error) {
	if p == nil {
		return append(b, paramsNone), nil
	}
	form := byte(paramsV1)
	if p.Grammar != "" {
		form = paramsV2
	}
	b = append(b, form)
	b = putF64(b, p.Temperature)
	b = putF64(b, p.TopP)
	b = putSvar(b, int64(p.TopK))
	b = putF64(b, p.MinP)
	b = putF64(b, p.Repetition)
	b = putF64(b, p.Presence)
	b = putF64(b, p.Frequency)
	b = putU64(b, p.Seed)
	b = putSvar(b, int64(p.Logprobs))
	b = putUvar(b, uint64(len(p.LogitBias)))
	for _, x := range p.LogitBias {
		b = putU32(b, uint32(x.ID))
		b = putF32(b, x.Value)
	}
	b = putInts(b, p.StopIDs)
	b = putSvar(b, int64(p.MinTokens))
	b = putSvar(b, int64(p.PromptLen))
	if form == paramsV1 {
		b = append(b, 0) // reserved
	} else {
		b = putText(b, p.Grammar)
	}
	return b, errors.Join(fitsGrammar(p), fitsLists(p), fits32("top k", p.TopK), fits32("logprobs", p.Logprobs),
		fits32("min tokens", p.MinTokens), fits32("prompt length", p.PromptLen))
}

// parseParams allocates: a sequence keeps its parameters for as long as it lives.
func parseParams(d *decoder) *Params {
	form := d.u8("params form")
	switch form {
	case paramsNone:
		return nil
	case paramsV1, paramsV2:
	default:
		d.fail("params form", fmt.Errorf("%d: %w", form, ErrVersion))
		return nil
	}
	p := new(Params)
	p.Temperature = d.f64("temperature")
	p.TopP = d.f64("top p")
	p.TopK = int(d.svar32("top k"))
	p.MinP = d.f64("min p")
	p.Repetition = d.f64("repetition")
	p.Presence = d.f64("presence")
	p.Frequency = d.f64("frequency")
	p.Seed = d.u64("seed")
	p.Logprobs = int(d.svar32("logprobs"))
	p.LogitBias = parseBias(d)
	p.StopIDs = d.ints(nil, "stop ids")
	p.MinTokens = int(d.svar32("min tokens"))
	p.PromptLen = int(d.svar32("prompt length"))
	parseGrammar(d, p, form)
	return p
}

func parseGrammar(d *decoder, p *Params, form uint8) {
	if form == paramsV1 {
		if d.u8("reserved") != 0 {
			d.fail("reserved", ErrMalformed)
		}
		return
	}
	n := d.count(1, MaxGrammar, "grammar")
	if p.Grammar = string(d.take(n, "grammar")); p.Grammar == "" {
		d.fail("grammar", fmt.Errorf("none, in the form that has one: %w", ErrMalformed))
	}
}

func fitsGrammar(p *Params) error {
	if n := len(p.Grammar); n > MaxGrammar {
		return fmt.Errorf("grammar of %d bytes, at most %d: %w", n, MaxGrammar, ErrTooLarge)
	}
	return nil
}

func fitsLists(p *Params) error {
	if n := len(p.LogitBias); n > MaxBias {
		return fmt.Errorf("logit bias of %d tokens, at most %d: %w", n, MaxBias, ErrTooLarge)
	}
	if n := len(p.StopIDs); n > MaxStopIDs {
		return fmt.Errorf("%d stop ids, at most %d: %w", n, MaxStopIDs, ErrTooLarge)
	}
	return nil
}

func parseBias(d *decoder) []Bias {
	n := d.count(8, MaxBias, "logit bias")
	if n == 0 {
		return nil
	}
	bias := make([]Bias, n)
	for i := range bias {
		bias[i] = Bias{ID: int32(d.u32("bias id")), Value: d.f32("bias")}
	}
	return bias
}
