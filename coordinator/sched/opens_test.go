package sched

import (
	"strings"
	"testing"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// Whatever requests carry, a step with the rows of its hidden states fits the message that MaxRows was told of: one that does not
// could never be sent, and the pipeline would begin anew for ever.
func TestStepsFitTheirMessage(t *testing.T) {
	bias := make([]wire.Bias, wire.MaxBias)
	stop := make([]int32, wire.MaxStopIDs)
	for i := range bias {
		bias[i], stop[i] = wire.Bias{ID: int32(100_000 + i), Value: -100}, int32(120_000+i)
	}
	long := make([]int32, 120_000)
	for i := range long {
		long[i] = 90_000 + int32(i%7)
	}
	for _, c := range []struct{ payload, hidden int }{{1 << 20, 896}, {1 << 20, 3584}, {1 << 20, 8192}, {8 << 20, 8192}} {
		s := New(Config{Context: 1 << 17})
		lane := Lane{KVBlocks: 1 << 15, MaxRows: wire.MaxRows(c.payload, c.hidden), RowTokens: c.hidden, Stages: stages(2, ms, 0)}
		steps := appendSteps(nil, s.Apply(0, PipelineReady{Epoch: 1, Lanes: []Lane{lane}}, nil))
		ask := func(id string, prompt []int32, choices int, p wire.Params) {
			g := &wire.Generate{ID: id, Tenant: id[:1], Prompt: prompt, MaxTokens: 30, Params: p}
			for i := range choices {
				g.Choices = append(g.Choices, wire.Choice{Index: uint32(i), Credit: 30})
			}
			steps = appendSteps(steps, s.Apply(s.now, Submit{g}, nil))
		}
		all := wire.Params{LogitBias: bias, StopIDs: stop}
		grammar := all
		grammar.Grammar = strings.Repeat("x", wire.MaxGrammar)
		ask("a", long[:40], 100, wire.Params{}) // decodes, and what follows comes beside it
		ask("b", long, 1, grammar)
		for n := 0; len(steps) > 0; n++ {
			switch n {
			case 50:
				ask("c", []int32{1, 2, 3}, 128, all)
				ask("d", []int32{1, 2, 3}, 8, grammar)
			case 200: // its prompt is in the cache by now, so that its open carries nearly all of it
				ask("e", long, 3, grammar)
			}
			f := wire.Frame{Epoch: 1, Step: steps[0].Step, Entries: steps[0].Entries}
			b, err := wire.AppendFrame(nil, &f)
			rows := 0
			for _, e := range steps[0].Entries {
				rows += len(e.Tokens)
			}
			if size := len(b) + 4*rows*c.hidden; err != nil || size > c.payload {
				t.Fatalf("payload %d, hidden %d: step %d with %d rows has %d bytes, %v", c.payload, c.hidden, steps[0].Step, rows, size, err)
			}
			r := &wire.Sampled{Epoch: 1}
			echo(r, steps[0])
			steps = appendSteps(steps[1:], s.Apply(s.now+ms, Sampled{r}, nil))
		}
		if st := s.Stats(); st.Running+st.Waiting > 0 {
			t.Errorf("payload %d: %+v", c.payload, st)
		}
	}
}
