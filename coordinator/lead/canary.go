package lead

import (
	"fmt"

	"github.com/stagecoach-llm/stagecoach/coordinator/plan"
	"github.com/stagecoach-llm/stagecoach/coordinator/sched"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// canaryRouter is the router's name of the coordinator's own requests; no router can have it, for names are not empty.
const canaryRouter = ""

// sendCanary asks for one token of the new epoch, before everybody else.
func (l *Lead) sendCanary() {
	l.canary = fmt.Sprintf("canary-%d", l.epoch)
	g := &wire.Generate{
		ID: l.canary, Router: canaryRouter, Model: l.opt.Card.ID,
		Prompt:    []int32{0},
		Choices:   []wire.Choice{{Credit: 1}},
		Params:    wire.Params{TopP: 1, Repetition: 1, Logprobs: -1, PromptLen: 1},
		MaxTokens: 1, Tenant: "canary", Priority: -1 << 30,
		// The salt makes every stage compute it: no prefix of an earlier canary is used.
		Salt: l.canary, RemainingMS: 60_000,
	}
	l.next(todo{sched: sched.Submit{Generate: g}})
}

// canaryCame takes the canary's outcome. One of an earlier epoch is too late to say anything.
func (l *Lead) canaryCame(items []wire.DeltaItem) {
	for _, it := range items {
		if it.ID != l.canary || it.Finish == "" && it.ErrorCode == "" {
			continue
		}
		done := plan.CanaryDone{Epoch: l.epoch}
		if it.ErrorCode != "" {
			done.Err = it.ErrorCode + ": " + it.Error
		}
		l.next(todo{plan: done})
	}
}
