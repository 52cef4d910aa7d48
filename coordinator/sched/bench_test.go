package sched

import (
	"fmt"
	"testing"
	"time"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// BenchmarkDecode is one Apply that takes a step of n decoding sequences in and sends the next.
func BenchmarkDecode(b *testing.B) {
	for _, n := range []int{1, 16, 128} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := New(Config{Context: 1 << 30})
			out := s.Apply(0, PipelineReady{Epoch: 1, Lanes: []Lane{{KVBlocks: 1 << 18, Stages: stages(3, ms, 0)}}}, nil)
			var steps []SendStep
			for i := range n {
				g := &wire.Generate{ID: fmt.Sprint(i), Prompt: []int32{1, 2, 3}, MaxTokens: 1 << 20, Params: wire.Params{StopIDs: []int32{2}},
					Choices: []wire.Choice{{Credit: 1 << 30}}}
				out = s.Apply(0, Submit{g}, out[:0])
				steps = appendSteps(steps, out)
			}
			r := &wire.Sampled{Epoch: 1}
			now := time.Duration(0)
			b.ReportAllocs()
			for b.Loop() {
				now += ms
				echo(r, steps[0])
				out = s.Apply(now, Sampled{r}, out[:0])
				steps = appendSteps(append(steps[:0], steps[1:]...), out)
			}
		})
	}
}

func appendSteps(steps []SendStep, out []Command) []SendStep {
	for _, c := range out {
		if st, ok := c.(SendStep); ok {
			steps = append(steps, st)
		}
	}
	return steps
}

// echo answers a step with token 1 for everybody.
func echo(r *wire.Sampled, st SendStep) {
	r.Step, r.Items = st.Step, r.Items[:0]
	for _, e := range st.Entries {
		if e.Want == wire.WantSample {
			r.Items = append(r.Items, wire.SampledItem{Seq: e.Seq, Pos: e.Pos + uint32(len(e.Tokens)), Tokens: e.Tokens[:1:1]})
		}
	}
}
