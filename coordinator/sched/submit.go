package sched

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// refusal is why a Generate is not taken; the zero value takes it.
type refusal struct {
	code    string
	message string
	retry   time.Duration
}

func refuse(code, format string, args ...any) refusal {
	return refusal{code: code, message: fmt.Sprintf(format, args...)}
}

func (s *Scheduler) submit(g *wire.Generate) {
	s.heard(g.Router, g.Boot)
	old := s.requests[g.ID]
	if s.repeats(g, old) {
		s.reply(g, refusal{}, old)
		return
	}
	if old != nil && g.Attempt < old.attempt {
		s.reply(g, refuse(wire.CodeInvalid, "attempt %d was replaced by attempt %d", g.Attempt, old.attempt), nil)
		return
	}
	arrival := s.arrivals + 1
	if old != nil {
		arrival = old.arrival // it keeps its place
		s.drop(old)
	}
	no := s.judge(g)
	if no.code != "" {
		s.reply(g, no, nil)
		return
	}
	r := s.request(g, arrival)
	s.reply(g, no, r)
	s.accept(r, g)
}

// repeats tells whether g is a copy of what runs, or of what has ended a moment ago.
func (s *Scheduler) repeats(g *wire.Generate, old *request) bool {
	if old != nil {
		return g.Attempt == old.attempt
	}
	last, ok := s.ended.find(g.ID, s.now)
	return ok && g.Attempt <= last
}

// reply answers g: refused, or taken as r, which is nil when it has ended already.
func (s *Scheduler) reply(g *wire.Generate, no refusal, r *request) {
	a := wire.GenerateReply{ID: g.ID, Attempt: g.Attempt, Code: no.code, Message: no.message, RetryAfterMS: no.retry.Milliseconds()}
	if r != nil {
		a.Room = r.room
	}
	s.do(Reply{a})
}

func (s *Scheduler) judge(g *wire.Generate) refusal {
	if s.cfg.Model != "" && g.Model != s.cfg.Model {
		return refuse(wire.CodeModel, "model %q is not served here, %q is", g.Model, s.cfg.Model)
	}
	if no := s.judgeForm(g); no.code != "" {
		return no
	}
	if g.RemainingMS < 0 {
		return refuse(wire.CodeTimeout, "the deadline passed %d ms before the request arrived", -g.RemainingMS)
	}
	if no := s.judgeLength(len(g.Prompt), g.MaxTokens, g.Room); no.code != "" {
		return no
	}
	return s.judgeLoad(g)
}

func (s *Scheduler) judgeForm(g *wire.Generate) refusal {
	switch {
	case g.ID == "":
		return refuse(wire.CodeInvalid, "the request has no id")
	case len(g.Prompt) == 0:
		return refuse(wire.CodeInvalid, "the prompt is empty: at least one token is needed")
	case len(g.Choices) == 0 || len(g.Choices) > MaxChoices:
		return refuse(wire.CodeInvalid, "%d choices, want 1 to %d", len(g.Choices), MaxChoices)
	case g.Scored < 0 || g.Scored > len(g.Prompt):
		return refuse(wire.CodeInvalid, "scored is %d of a prompt of %d tokens", g.Scored, len(g.Prompt))
	case len(g.Params.Grammar) > wire.MaxGrammar:
		return refuse(wire.CodeInvalid, "the grammar has %d bytes, at most %d", len(g.Params.Grammar), wire.MaxGrammar)
	case len(g.Params.LogitBias) > wire.MaxBias:
		return refuse(wire.CodeInvalid, "logit_bias names %d tokens, at most %d", len(g.Params.LogitBias), wire.MaxBias)
	case len(g.Params.StopIDs) > wire.MaxStopIDs:
		return refuse(wire.CodeInvalid, "%d stop ids, at most %d", len(g.Params.StopIDs), wire.MaxStopIDs)
	case g.Room < 0:
		return refuse(wire.CodeInvalid, "room is %d, want 0 or more", g.Room)
	case g.MaxTokens < 0:
		return refuse(wire.CodeInvalid, "max_tokens is %d, want 0 or more", g.MaxTokens)
	case s.foreign(g.Prompt) >= 0:
		i := s.foreign(g.Prompt)
		return refuse(wire.CodeInvalid, "prompt[%d] is token %d, want 0 to %d", i, g.Prompt[i], s.cfg.Vocab-1)
	}
	for i := range g.Choices {
		c := &g.Choices[i]
		if slices.ContainsFunc(g.Choices[:i], func(o wire.Choice) bool { return o.Index == c.Index }) {
			return refuse(wire.CodeInvalid, "choice %d is there twice", c.Index)
		}
		if g.Score && len(c.Emitted) > 0 && g.Scored < len(g.Prompt) {
			return refuse(wire.CodeInvalid, "choice %d has output, and only %d of %d prompt tokens are scored",
				c.Index, g.Scored, len(g.Prompt))
		}
		if k := s.foreign(c.Emitted); k >= 0 {
			return refuse(wire.CodeInvalid, "emitted[%d] of choice %d is token %d, want 0 to %d",
				k, c.Index, c.Emitted[k], s.cfg.Vocab-1)
		}
	}
	return refusal{}
}

// foreign is the index of the first token outside the vocabulary, -1 when there is none.
func (s *Scheduler) foreign(tokens []int32) int {
	return slices.IndexFunc(tokens, func(t int32) bool { return t < 0 || s.cfg.Vocab > 0 && int(t) >= s.cfg.Vocab })
}

// judgeLength refuses a prompt that leaves no room for a single token, where one is wanted. What was taken once, with more room,
// is taken again.
func (s *Scheduler) judgeLength(prompt, maxTokens, room int) refusal {
	least := prompt + min(maxTokens, 1)
	if least > s.cfg.Context {
		return refuse(wire.CodeTooLong, "the prompt has %d tokens, the context holds %d with at least one for the answer",
			prompt, s.cfg.Context)
	}
	if s.lane != nil && least > max(s.lane.positions(), room) {
		return refuse(wire.CodeTooLong, "the prompt has %d tokens, the KV memory of this cluster holds %d "+
			"with at least one for the answer: add memory or shards", prompt, s.lane.positions())
	}
	return refusal{}
}

// judgeLoad refuses new work when too much waits. Answers that have begun elsewhere go on in any case.
func (s *Scheduler) judgeLoad(g *wire.Generate) refusal {
	begun := g.Scored > 1 || slices.ContainsFunc(g.Choices, func(c wire.Choice) bool { return len(c.Emitted) > 0 })
	if begun || g.Router == "" || s.queue.size+len(g.Choices) <= s.cfg.MaxQueue {
		return refusal{}
	}
	no := refuse(wire.CodeOverloaded, "%d answers are waiting and this request adds %d, the queue holds %d",
		s.queue.size, len(g.Choices), s.cfg.MaxQueue)
	no.retry = s.relief()
	return no
}

// relief guesses when half of the waiting tokens will have been prefilled.
func (s *Scheduler) relief() time.Duration {
	const least, most = time.Second, 30 * time.Second
	if s.lane == nil || s.lane.rate <= 0 {
		return 2 * least
	}
	return min(max(time.Duration(float64(s.queue.tokens/2)/s.lane.rate*float64(time.Second)), least), most)
}

// request makes a request of what was submitted.
func (s *Scheduler) request(g *wire.Generate, arrival uint64) *request {
	r := &request{id: g.ID, attempt: g.Attempt, router: g.Router, boot: g.Boot, tenant: g.Tenant,
		priority: g.Priority, root: rootSum(g.Salt), prompt: len(g.Prompt), scored: len(g.Prompt), maxTokens: g.MaxTokens,
		room: g.Room, accepted: s.now, arrival: arrival, own: g.Router == ""}
	if r.room == 0 && s.lane != nil {
		r.room = s.lane.positions()
	}
	if g.Score {
		r.scored = max(g.Scored, 1)
	}
	if g.RemainingMS > 0 {
		r.deadline = s.now + time.Duration(min(g.RemainingMS, int64(1)<<40))*time.Millisecond
	}
	return r
}

func (s *Scheduler) accept(r *request, g *wire.Generate) {
	s.arrivals = max(s.arrivals, r.arrival)
	if r.deadline > 0 {
		s.deadline = min(s.deadline, r.deadline)
	}
	s.requests[r.id] = r
	at, _ := slices.BinarySearchFunc(s.order, r, func(a, b *request) int { return cmp.Compare(a.arrival, b.arrival) })
	s.order = slices.Insert(s.order, at, r)
	for i := range g.Choices {
		r.choices = append(r.choices, newChoice(r, g, &g.Choices[i]))
	}
	for _, c := range slices.Clone(r.choices) {
		s.queue.push(c)
		if !s.finishIfDone(c, wire.DeltaItem{}) {
			s.park(c)
		}
	}
}

func newChoice(r *request, g *wire.Generate, w *wire.Choice) *choice {
	c := &choice{req: r, index: w.Index, params: g.Params, credit: int(w.Credit)}
	c.params.Seed, c.params.PromptLen = w.Seed, len(g.Prompt)
	c.tokens = append(append(make([]int32, 0, len(g.Prompt)+len(w.Emitted)+64), g.Prompt...), w.Emitted...)
	if len(w.Emitted) > 0 {
		c.high = len(c.tokens) - 1
	}
	return c
}
