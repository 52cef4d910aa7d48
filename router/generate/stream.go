package generate

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// Request is what to generate.
type Request struct {
	ID        string // unique in the cluster
	Model     string // Card.ID
	Prompt    []int32
	Choices   []Choice
	Params    wire.Params
	MaxTokens int // output tokens of each choice
	Tenant    string
	Priority  int
	Salt      string
	Trace     string
	Deadline  time.Time
	Score     bool // log-probabilities of the prompt's tokens, too, with Params.Logprobs alternatives
}

// Choice is one of a request's answers.
type Choice struct {
	Index  int
	Seed   uint64
	Credit int // output tokens allowed at first
}

// Event extends one choice.
type Event struct {
	Choice   int
	Position int // index of Tokens[0] in the choice's output
	Tokens   []int32
	Logprobs []wire.Logprob // one for each token where asked for, else nil
	Scores   []wire.Logprob // of the prompt's tokens after those of earlier events, for all choices; the first token has none
	Finish   string         // "", wire.FinishStop (the last token is the stop id), wire.FinishLength
}

// Error ends a request.
type Error struct {
	Code       string // wire.Code…
	Message    string
	RetryAfter time.Duration // 0: not said
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %s", e.Code, e.Message) }

// Stream is the events of one request. Next belongs to one goroutine.
type Stream struct {
	client *Client
	req    *request
	wake   chan struct{} // something came

	mu                 sync.Mutex // never held while anything waits
	events             []Event
	ended              bool
	err                *Error
	cached, recomputed uint32
}

// Start submits a request. Close the stream in every case. A client whose Run has ended gives a stream that has ended, too.
func (c *Client) Start(q Request) *Stream {
	s := &Stream{client: c, wake: make(chan struct{}, 1)}
	r := &request{
		ask: wire.Generate{
			ID: q.ID, Router: c.Router, Boot: c.Boot, Model: q.Model, Prompt: q.Prompt, Params: q.Params,
			MaxTokens: q.MaxTokens, Tenant: q.Tenant, Priority: q.Priority, Salt: q.Salt, Trace: q.Trace,
			Score: q.Score,
		},
		choices: make(map[uint32]*choice, len(q.Choices)), stream: s, deadline: q.Deadline,
		pause: firstPause, patience: patience, scored: len(q.Prompt),
	}
	if q.Score {
		r.scored = min(1, len(q.Prompt))
	}
	for _, ch := range q.Choices {
		r.choices[uint32(ch.Index)] = &choice{index: uint32(ch.Index), seed: ch.Seed, credit: uint32(ch.Credit)}
	}
	s.req = r
	if !c.do(func() { c.begin(r) }) {
		s.end(&Error{Code: wire.CodeTimeout, Message: "the router is shutting down"})
	}
	return s
}

func (c *Client) begin(r *request) {
	if c.live[r.ask.ID] != nil {
		r.stream.end(&Error{Code: wire.CodeInvalid, Message: "a request with this id is live"})
		return
	}
	now := time.Now()
	c.live[r.ask.ID] = r
	r.pending, r.due, r.heard = true, now, now
	c.connected = c.connected && c.Bus.Connected()
	c.tend(r, now)
}

// Next waits for events and returns all there are, in order; io.EOF once every choice has finished, an *Error where the request
// failed, ctx's error where that ended first.
func (s *Stream) Next(ctx context.Context) ([]Event, error) {
	for {
		events, err, some := s.take()
		if some {
			return events, err
		}
		select {
		case <-s.wake:
		case <-s.client.done:
			s.end(&Error{Code: wire.CodeTimeout, Message: "the router is shutting down"})
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// take empties the stream; some is false while there is nothing to say.
func (s *Stream) take() (events []Event, err error, some bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	events, s.events = s.events, nil
	switch {
	case len(events) > 0:
		return events, nil, true
	case s.err != nil:
		return nil, s.err, true
	case s.ended:
		return nil, io.EOF, true
	}
	return nil, nil, false
}

func (s *Stream) push(ev Event) {
	s.mu.Lock()
	s.events = append(s.events, ev)
	s.mu.Unlock()
	s.signal()
}

func (s *Stream) end(err *Error) {
	s.mu.Lock()
	if !s.ended {
		s.ended, s.err = true, err
	}
	s.mu.Unlock()
	s.signal()
}

func (s *Stream) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *Stream) count(cached, recomputed uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cached, s.recomputed = max(s.cached, cached), max(s.recomputed, recomputed)
}

// Counts are the prompt tokens that came from the prefix cache, and the tokens that recoveries computed again.
func (s *Stream) Counts() (cached, recomputed int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int(s.cached), int(s.recomputed)
}

// Credit lets a choice run up to so many output tokens and says how many the client has got. It never goes down.
func (s *Stream) Credit(choice, upTo, delivered int) {
	c, r := s.client, s.req
	c.do(func() {
		ch := r.choices[uint32(choice)]
		if ch == nil || c.live[r.ask.ID] != r {
			return
		}
		ch.credit, ch.delivered = max(ch.credit, uint32(upTo)), max(ch.delivered, uint32(delivered))
		if r.accepted {
			c.sendCredit(r, ch)
		}
	})
}

// Cancel ends one choice at a position; no event follows for it.
func (s *Stream) Cancel(choice int, reason string, at int) {
	c, r := s.client, s.req
	c.do(func() {
		ch := r.choices[uint32(choice)]
		if ch == nil || ch.finished || c.live[r.ask.ID] != r {
			return
		}
		ch.finished = true
		if r.running() {
			c.sendCancel(r.ask.ID, choice, reason, uint32(at))
			return
		}
		c.sendCancel(r.ask.ID, -1, reason, uint32(at))
		c.drop(r)
		s.end(nil)
	})
}

// Close cancels what still runs.
func (s *Stream) Close() {
	c, r := s.client, s.req
	c.do(func() {
		if c.live[r.ask.ID] == r {
			c.fail(r, &Error{Code: wire.FinishCancel, Message: "the stream was closed"})
		}
	})
}
