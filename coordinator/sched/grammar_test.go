package sched

import (
	"strings"
	"testing"
	"time"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// The opens of a step carry grammars in what a message holds beside its rows; every choice gets its own, with the tokens that it has.
func TestGrammarsShareAStepsRoom(t *testing.T) {
	s := New(Config{})
	out := s.Apply(0, PipelineReady{Epoch: 1, Lanes: []Lane{{KVBlocks: 1 << 10, Stages: stages(1, ms, 0)}}}, nil)
	text := strings.Repeat("x", 100<<10)
	g := &wire.Generate{ID: "a", Prompt: []int32{1, 2, 3}, MaxTokens: 9, Params: wire.Params{StopIDs: []int32{2}, Grammar: text}}
	const choices = 8
	for i := range uint32(choices) {
		g.Choices = append(g.Choices, wire.Choice{Index: i, Emitted: []int32{5, 6}, Credit: 9})
	}
	steps := appendSteps(nil, s.Apply(0, Submit{g}, out[:0]))
	opened, now := 0, time.Duration(0)
	for opened < choices && len(steps) > 0 {
		bytes := 0
		for _, e := range steps[0].Entries {
			for _, op := range e.Ops {
				if op.Kind == wire.OpOpen && op.Params.Grammar == text && op.Params.PromptLen == 3 {
					opened++
					bytes += len(text)
				}
			}
		}
		if bytes > 4*maxHistory {
			t.Errorf("%d bytes of grammars in a step", bytes)
		}
		r := &wire.Sampled{Epoch: 1}
		echo(r, steps[0])
		now += ms
		steps = appendSteps(steps[1:], s.Apply(now, Sampled{r}, nil))
	}
	if opened != choices {
		t.Errorf("%d choices opened", opened)
	}
	g.ID, g.Params.Grammar = "b", strings.Repeat("x", wire.MaxGrammar+1)
	for _, c := range s.Apply(now, Submit{g}, nil) {
		if r, ok := c.(Reply); ok && r.Code != wire.CodeInvalid {
			t.Errorf("a grammar that is too large: %+v", r)
		}
	}
}
