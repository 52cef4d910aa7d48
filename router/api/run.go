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

	silence   *time.Ticker // since something was written
	arrivals  chan arrival
	computed  bool // a token or all scores of a prompt have come: the prompts have been paid for in work
	journaled []int
	began     time.Time
	first     time.Time // when they came
}

// arrival is what one stream said.
type arrival struct {
	prompt int
	events []generate.Event
	err    error
}

// do answers the request from its admission to its settlement.
func (r *run) do(ctx context.Context) *Error {
	done, err := r.settled(ctx)
	if err != nil {
		e := fromRun(ctx, err)
		if e.Status == http.StatusInternalServerError || unaccountable(err) {
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

// settled generates and settles, also where a panic goes through: what nobody settles keeps its slot and its budget until the next
// start.
func (r *run) settled(ctx context.Context) (done usage, err error) {
	err = errPanicked
	defer func() { done = r.settle(ctx, err) }()
	inner, cancel := context.WithCancel(ctx)
	err = r.generate(inner, cancel)
	return done, err
}

var errPanicked = errors.New("the handler panicked")

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
	r.silence = time.NewTicker(r.s.KeepAlive)
	defer r.silence.Stop()
	if err := r.give(r.finished()); err != nil {
		return err
	}
	for r.open > 0 {
		select {
		case a := <-r.arrivals:
			if err := r.take(ctx, a); err != nil {
				return err
			}
		case <-r.silence.C:
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
