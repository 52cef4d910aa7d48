package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/stagecoach-llm/stagecoach/router/account"
	"github.com/stagecoach-llm/stagecoach/router/generate"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// window is how many output tokens a choice may run ahead of what has been taken from it; half of it is renewed at a time. At a thousand
// tokens a second that is 64 ms for a lease and its way to the coordinator.
const window = 128

const settleWithin = 10 * time.Second

// job is one valid request.
type job struct {
	sampling
	model   *Model
	prompts [][]int32
	format  format
	tools   bool // answers may be tool calls
	oneCall bool // at most one

	id        string
	created   int64
	key       string
	requestID string // the client's, or the one that it was told, for the log
}

// promptTokens are what the request's prompts have together.
func (j *job) promptTokens() int {
	n := 0
	for _, p := range j.prompts {
		n += len(p)
	}
	return n
}

// room checks that prompts and answers fit into the context.
func (j *job) room() *Error {
	for i, p := range j.prompts {
		switch n, limit := len(p), j.model.context(); {
		case n == 0:
			return invalid("prompt", "Prompt %d is empty.", i)
		case n >= limit && j.maxTokens != 0, n+max(j.maxTokens, 0) > limit:
			return withCode(invalid(j.format.param(), "This model's context is %d tokens, but the prompt has %d and %s for the answer.",
				limit, n, asked(j.maxTokens)), wire.CodeTooLong)
		}
	}
	return nil
}

func asked(maxTokens int) string {
	if maxTokens < 0 {
		return "none are left"
	}
	return fmt.Sprintf("%d are asked", maxTokens)
}

// limit is the number of output tokens that each choice of a prompt may have.
func (j *job) limit(prompt int) int {
	if j.maxTokens >= 0 {
		return j.maxTokens
	}
	return j.model.context() - len(j.prompts[prompt])
}

// run is a job on its way. It belongs to the goroutine of its handler.
type run struct {
	*job
	s       *Server
	out     output
	grant   *account.Grant
	streams []*generate.Stream
	choices []*choice        // prompt*n + index
	open    int              // choices that run
	scores  [][]wire.Logprob // of the prompts' tokens but the first, as far as they have come

	arrivals  chan arrival
	computed  bool // a token has come: the prompts have been paid for in work
	journaled []int
	began     time.Time
	first     time.Time // when the first token came
}

// arrival is what one stream said.
type arrival struct {
	prompt int
	events []generate.Event
	err    error
}

// do answers the request from its admission to its settlement.
func (r *run) do(ctx context.Context) *Error {
	inner, cancel := context.WithCancel(ctx)
	err := r.generate(inner, cancel)
	done := r.settle(ctx, err)
	if err != nil {
		e := fromRun(ctx, err)
		if e.Status == http.StatusInternalServerError {
			r.s.Logger.Error("a request failed", "request", r.id, "request_id", r.requestID, "error", err)
		}
		r.out.fail(e)
		return e
	}
	if err := r.out.end(done); err != nil {
		return gone()
	}
	return nil
}

// generate runs the streams until every choice has finished.
func (r *run) generate(ctx context.Context, cancel context.CancelFunc) error {
	var forwarders sync.WaitGroup
	defer func() {
		cancel()
		for _, st := range r.streams {
			if st != nil {
				st.Close()
			}
		}
		forwarders.Wait()
	}()
	if err := r.start(ctx, &forwarders); err != nil {
		return err
	}
	if err := r.grant.Durable(ctx); err != nil {
		return err
	}
	err := r.loop(ctx)
	if err == nil && !r.stream { // all at once
		err = r.journal(r.choices)
	}
	return err
}

// start leases the first tokens and submits what may run.
func (r *run) start(ctx context.Context, forwarders *sync.WaitGroup) error {
	r.arrivals = make(chan arrival)
	r.journaled = make([]int, len(r.prompts)*r.n)
	r.scores = make([][]wire.Logprob, len(r.prompts))
	for p := range r.prompts {
		var ask []generate.Choice
		for i := range r.n {
			c := newChoice(r.model, &r.sampling)
			r.choices = append(r.choices, c)
			if r.tools {
				c.calls = newCallFilter(r.oneCall)
			}
			if err := r.leaseFirst(ctx, p, i, c); err != nil {
				return err
			}
			if c.credit == 0 && !(r.scored && i == 0) {
				c.finish = wire.FinishLength
				continue
			}
			c.running = true
			r.open++
			ask = append(ask, generate.Choice{Index: i, Seed: r.seed, Credit: c.credit})
		}
		if r.scored && r.scoredAll(p) {
			r.repeat(p)
		}
		r.streams = append(r.streams, r.submit(p, ask))
		if st := r.streams[p]; st != nil {
			forwarders.Go(func() { r.forward(ctx, p, st) })
		}
	}
	return nil
}

// leaseFirst is the first lease of choice i of a prompt. Where the first choice of a scored prompt gets nothing, it stands
// for all.
func (r *run) leaseFirst(ctx context.Context, prompt, i int, c *choice) error {
	if r.scored && i > 0 && r.choices[prompt*r.n].credit == 0 {
		return nil
	}
	return r.lease(ctx, prompt, c)
}

func (r *run) submit(p int, ask []generate.Choice) *generate.Stream {
	if len(ask) == 0 {
		return nil
	}
	limit := r.limit(p)
	if ask[0].Credit == 0 { // scores are all that is wanted, or can be paid
		ask, limit = ask[:1], 0
	}
	params := r.params
	params.PromptLen = len(r.prompts[p])
	id := r.id
	if len(r.prompts) > 1 {
		id = fmt.Sprintf("%s-%d", r.id, p)
	}
	return r.s.Generator.Start(generate.Request{
		ID: id, Model: r.model.Card.ID, Prompt: r.prompts[p], Choices: ask, Params: params, MaxTokens: limit, Score: r.scored,
		Tenant: r.key, Priority: r.priority, Salt: r.salt, Deadline: r.began.Add(r.s.Timeout),
	})
}

// forward brings one stream's events to the handler; it ends with the stream or with ctx.
func (r *run) forward(ctx context.Context, prompt int, st *generate.Stream) {
	for {
		events, err := st.Next(ctx)
		select {
		case r.arrivals <- arrival{prompt, events, err}:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

func (r *run) loop(ctx context.Context) error {
	keep := time.NewTicker(r.s.KeepAlive)
	defer keep.Stop()
	if err := r.give(r.finished()); err != nil {
		return err
	}
	for r.open > 0 {
		select {
		case a := <-r.arrivals:
			if err := r.take(ctx, a); err != nil {
				return err
			}
			keep.Reset(r.s.KeepAlive)
		case <-keep.C:
			if err := r.out.keepAlive(); err != nil {
				return context.Canceled
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// finished are the choices that ended before they began, less those that wait for their prompt's scores.
func (r *run) finished() (out []int) {
	for i, c := range r.choices {
		if c.finish != "" && (!r.scored || r.scoredAll(i/r.n)) {
			out = append(out, i)
		}
	}
	return out
}

// take passes events on: to text, to the journal, to the client.
func (r *run) take(ctx context.Context, a arrival) error {
	if a.err != nil {
		return r.ended(a)
	}
	var changed []int
	for _, ev := range a.events {
		changed = append(changed, r.score(a.prompt, ev.Scores)...)
		if len(ev.Tokens) == 0 && ev.Finish == "" {
			continue
		}
		if err := r.compute(); err != nil {
			return err
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

// ended is a stream without more events.
func (r *run) ended(a arrival) error {
	if !errors.Is(a.err, io.EOF) {
		return a.err
	}
	for _, c := range r.choices[a.prompt*r.n : (a.prompt+1)*r.n] {
		if c.finish == "" {
			return errors.New("the pipeline ended an answer without saying why")
		}
	}
	return nil
}

// compute notes the first token, from which on the prompts are billed.
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
		if err := r.out.piece(i, changed[k], pieces[k]); err != nil {
			return context.Canceled
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
		r.s.Logger.Error("a request is not settled; the next start settles it", "request", r.id, "error", err)
	}
	r.s.metrics.settled(r, o)
	r.s.Logger.Info("answered", "request", r.id, "request_id", r.requestID, "key", r.key, "status", o.Status,
		"prompt_tokens", o.Prompt, "completion_tokens", o.Completion, "took", time.Since(r.began))
	return newUsage(o, r.grant.Prices)
}
