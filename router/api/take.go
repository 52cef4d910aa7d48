package api

import (
	"context"
	"time"

	"github.com/stagecoach-llm/stagecoach/router/account"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// window is how many output tokens a choice may run ahead of what has been taken from it; half of it is renewed at a time. At a thousand
// tokens a second that is 64 ms for a lease and its way to the coordinator.
const window = 128

// take passes events on: to text, to the journal, to the client.
func (r *run) take(ctx context.Context, a arrival) error {
	if a.err != nil {
		return r.ended(a)
	}
	var changed []int
	for _, ev := range a.events {
		begun := r.score(a.prompt, ev.Scores)
		changed = append(changed, begun...)
		more := len(ev.Tokens) > 0 || ev.Finish != ""
		if more || len(begun) > 0 {
			if err := r.compute(); err != nil {
				return err
			}
		}
		if !more {
			continue
		}
		at := a.prompt*r.n + ev.Choice
		c := r.choices[at]
		if c.finish != "" {
			continue
		}
		if c.push(ev) {
			r.streams[a.prompt].Cancel(ev.Choice, "stop string", len(c.tokens))
		}
		if len(changed) == 0 || changed[len(changed)-1] != at {
			changed = append(changed, at)
		}
	}
	for _, at := range changed {
		if err := r.extend(ctx, a.prompt, at); err != nil {
			return err
		}
	}
	return r.give(unique(changed))
}

func unique(at []int) []int {
	seen := map[int]bool{}
	out := at[:0]
	for _, i := range at {
		if !seen[i] {
			seen[i] = true
			out = append(out, i)
		}
	}
	return out
}

// compute notes the first token, or the last score of a prompt, which is shown before it: from then on the prompts are billed.
func (r *run) compute() error {
	if r.computed {
		return nil
	}
	r.computed, r.first = true, time.Now()
	r.s.metrics.first.Observe(r.first.Sub(r.began).Seconds())
	return r.s.Journal.Deliver(r.grant.Hold, account.PromptDone)
}

// extend renews a choice's credit; a budget that has ended ends the answer.
func (r *run) extend(ctx context.Context, prompt, at int) error {
	c := r.choices[at]
	if c.finish != "" {
		return nil
	}
	if c.credit-len(c.tokens) <= window/2 {
		before := c.credit
		if err := r.lease(ctx, prompt, c); err != nil {
			return err
		}
		if c.credit > before {
			r.streams[prompt].Credit(at%r.n, c.credit, c.delivered)
		}
	}
	if len(c.tokens) >= c.credit && c.credit < r.limit(prompt) {
		c.finish = wire.FinishLength
		r.streams[prompt].Cancel(at%r.n, "budget", len(c.tokens))
	}
	return nil
}

// lease asks the ledger for as much more as the window lacks.
func (r *run) lease(ctx context.Context, prompt int, c *choice) error {
	want := min(r.limit(prompt), len(c.tokens)+window) - c.credit
	if want <= 0 {
		return nil
	}
	got, err := r.s.Ledger.Lease(ctx, r.grant.ID, want)
	c.credit += got
	return err
}
