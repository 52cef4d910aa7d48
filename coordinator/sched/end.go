package sched

import (
	"fmt"
	"slices"
	"time"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// limit is the most tokens that a choice may have, prompt and output.
func (s *Scheduler) limit(c *choice) int {
	n := min(c.req.prompt+c.req.maxTokens, s.cfg.Context)
	if c.req.room > 0 {
		n = min(n, c.req.room)
	}
	return n
}

// finishIfDone ends a choice whose last token says so, with item as its last one, and tells whether it did.
func (s *Scheduler) finishIfDone(c *choice, item wire.DeltaItem) bool {
	switch {
	case c.stopped():
		item.Finish = wire.FinishStop
	case len(c.tokens) >= s.limit(c) && !c.req.scoring():
		item.Finish = wire.FinishLength
	default:
		return false
	}
	s.finish(c, item)
	return true
}

// finish emits a choice's last item and ends it.
func (s *Scheduler) finish(c *choice, item wire.DeltaItem) {
	s.emit(c, item)
	s.end(c)
}

func (s *Scheduler) fail(c *choice, code, format string, args ...any) {
	s.count.Failed++
	s.finish(c, wire.DeltaItem{ErrorCode: code, Error: fmt.Sprintf(format, args...)})
}

// end takes a choice out of wherever it is. Its blocks go as soon as no step in flight writes them.
func (s *Scheduler) end(c *choice) {
	switch c.state {
	case waiting:
		s.queue.remove(c)
	case running:
		s.halt(c)
	}
	c.state = ended
	r := c.req
	r.choices = without(r.choices, c)
	if len(r.choices) > 0 {
		return
	}
	delete(s.requests, r.id)
	s.order = slices.DeleteFunc(s.order, func(o *request) bool { return o == r })
	s.ended.add(grave{id: r.id, attempt: r.attempt, at: s.now})
}

// drop ends a request without a word.
func (s *Scheduler) drop(r *request) {
	for _, c := range slices.Clone(r.choices) {
		s.end(c)
	}
}

func (s *Scheduler) credit(e Credit) {
	if c := s.choice(e.ID, e.Choice); c != nil {
		s.heard(c.req.router, c.req.boot)
		c.credit = max(c.credit, int(e.UpTo))
	}
}

func (s *Scheduler) choice(id string, index uint32) *choice {
	r := s.requests[id]
	if r == nil {
		return nil
	}
	if i := slices.IndexFunc(r.choices, func(c *choice) bool { return c.index == index }); i >= 0 {
		return r.choices[i]
	}
	return nil
}

// cancel ends what a router no longer wants. A cancel that overtook its Generate is remembered.
func (s *Scheduler) cancel(e Cancel) {
	r := s.requests[e.ID]
	if r == nil {
		if _, ok := s.ended.find(e.ID, s.now); !ok && e.Choice < 0 {
			s.ended.add(grave{id: e.ID, attempt: ^uint32(0), at: s.now})
		}
		return
	}
	s.heard(r.router, r.boot)
	for _, c := range slices.Clone(r.choices) {
		if e.Choice < 0 || int(c.index) == e.Choice {
			s.finish(c, wire.DeltaItem{Finish: wire.FinishCancel})
		}
	}
}

// expire ends the requests whose deadline has come.
func (s *Scheduler) expire() {
	if s.now < s.deadline {
		return
	}
	s.deadline = never
	s.each(func(r *request) {
		switch {
		case r.deadline == 0:
		case s.now < r.deadline:
			s.deadline = min(s.deadline, r.deadline)
		default:
			s.expireRequest(r)
		}
	})
}

func (s *Scheduler) expireRequest(r *request) {
	after := (s.now - r.accepted).Round(time.Millisecond)
	for _, c := range slices.Clone(r.choices) {
		if s.live {
			s.fail(c, wire.CodeTimeout, "the deadline came after %v with %d tokens of the answer", after, c.output())
		} else {
			s.fail(c, wire.CodeNoPipeline, "no pipeline within the deadline of %v: %s", after, s.paused)
		}
	}
}
