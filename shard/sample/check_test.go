package sample

import (
	"math"
	"strings"
	"testing"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

func TestNewRefuses(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	cases := []struct {
		set  func(*wire.Params)
		want string
	}{
		{func(p *wire.Params) { p.Temperature = -1 }, "temperature is -1"},
		{func(p *wire.Params) { p.Temperature = nan }, "temperature is NaN"},
		{func(p *wire.Params) { p.Temperature = inf }, "temperature is +Inf"},
		{func(p *wire.Params) { p.TopP = 1.5 }, "top_p is 1.5"},
		{func(p *wire.Params) { p.TopP = nan }, "top_p is NaN"},
		{func(p *wire.Params) { p.TopK = -1 }, "top_k is -1"},
		{func(p *wire.Params) { p.MinP = -0.1 }, "min_p is -0.1"},
		{func(p *wire.Params) { p.Repetition = 0 }, "repetition penalty is 0: it must be between 1e-6 and 1e6"},
		{func(p *wire.Params) { p.Presence = nan }, "presence penalty is NaN"},
		{func(p *wire.Params) { p.Frequency = -inf }, "frequency penalty is -Inf"},
		{func(p *wire.Params) { p.Logprobs = 21 }, "logprobs is 21"},
		{func(p *wire.Params) { p.Logprobs = -2 }, "logprobs is -2"},
		{func(p *wire.Params) { p.MinTokens = -1 }, "min_tokens is -1"},
		{func(p *wire.Params) { p.PromptLen = -1 }, "prompt length is -1"},
		{func(p *wire.Params) { p.Grammar = "{}" }, "grammar"},
		{func(p *wire.Params) { p.LogitBias = []wire.Bias{{ID: 10}} }, "logit_bias names token 10"},
		{func(p *wire.Params) { p.LogitBias = []wire.Bias{{ID: -1}} }, "logit_bias names token -1"},
		{func(p *wire.Params) { p.LogitBias = []wire.Bias{{ID: 1, Value: float32(inf)}} }, "logit_bias of token 1 is +Inf"},
		{func(p *wire.Params) { p.StopIDs = []int32{10} }, "stop id 10"},
	}
	for _, c := range cases {
		p := neutral()
		c.set(&p)
		_, err := New(NewVocab(10, nil), p, 0)
		if err == nil || !strings.HasPrefix(err.Error(), "sample: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
	}
}
