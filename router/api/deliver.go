package api

import (
	"context"
	"errors"
	"time"

	"github.com/stagecoach-llm/stagecoach/router/account"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

const settleWithin = 10 * time.Second

// give shows what has become showable: journal first.
func (r *run) give(at []int) error {
	if len(at) == 0 {
		return nil
	}
	pieces := make([]piece, len(at))
	changed := make([]*choice, len(at))
	for k, i := range at {
		changed[k] = r.choices[i]
		pieces[k] = changed[k].take()
		r.stopAtCall(i)
		if c := changed[k]; c.finish != "" && c.running {
			c.running = false
			r.open--
		}
	}
	if r.stream {
		if err := r.journalAt(at); err != nil {
			return err
		}
	}
	for k, i := range at {
		wrote, err := r.out.piece(i, changed[k], pieces[k])
		if err != nil {
			return context.Canceled
		}
		if wrote {
			r.silence.Reset(r.s.KeepAlive)
		}
	}
	return nil
}

// stopAtCall ends a choice that has the only call that is wanted: nobody waits for what follows, or pays for it.
func (r *run) stopAtCall(at int) {
	c := r.choices[at]
	if c.finish != "" || c.calls == nil || !c.calls.enough() {
		return
	}
	c.finish = wire.FinishStop
	r.streams[at/r.n].Cancel(at%r.n, "one call", len(c.tokens))
}

func (r *run) journal(all []*choice) error {
	at := make([]int, len(all))
	for i := range at {
		at[i] = i
	}
	return r.journalAt(at)
}

// journalAt writes how far choices are about to be delivered.
func (r *run) journalAt(at []int) error {
	var marks []account.Mark
	for _, i := range at {
		if d := r.choices[i].delivered; d > r.journaled[i] {
			marks = append(marks, account.Mark{Choice: uint32(i), Position: uint32(d)})
		}
	}
	if len(marks) == 0 {
		return nil
	}
	if err := r.s.Journal.Deliver(r.grant.Hold, marks...); err != nil {
		return err
	}
	for _, m := range marks {
		r.journaled[m.Choice] = int(m.Position)
	}
	return nil
}

// settle bills what was delivered.
func (r *run) settle(ctx context.Context, err error) usage {
	o := account.Outcome{Status: account.StatusOK}
	switch {
	case errors.Is(err, context.Canceled):
		o.Status = account.StatusCancelled
	case err != nil:
		o.Status = account.StatusError
	}
	if r.computed || err == nil {
		o.Prompt = r.promptTokens()
	}
	for _, n := range r.journaled {
		o.Completion += n
	}
	for _, st := range r.streams {
		if st != nil {
			cached, _ := st.Counts()
			o.Cached += cached
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleWithin)
	defer cancel()
	if _, err := r.s.Ledger.Settle(ctx, r.grant.ID, o); err != nil {
		r.s.Logger.Error("a request is not settled yet; it is tried again, at the latest at the next start", "request", r.id, "error", err)
	}
	r.s.metrics.settled(r, o)
	r.s.Logger.Info("answered", "request", r.id, "request_id", r.requestID, "key", r.key, "status", o.Status,
		"prompt_tokens", o.Prompt, "completion_tokens", o.Completion, "took", time.Since(r.began))
	return newUsage(o, r.grant.Prices)
}
