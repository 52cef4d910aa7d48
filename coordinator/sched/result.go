package sched

import (
	"slices"
	"strings"
	"time"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// sampled takes the outcome of the oldest step in flight. A later one shows that this one was lost on its way, and
// will come again after it.
func (s *Scheduler) sampled(r *wire.Sampled) {
	l := s.lane
	if l == nil || r.Epoch != l.epoch || r.Lane != l.id || r.Step <= l.acked || r.Step > l.sent() {
		return
	}
	if r.Step > l.acked+1 {
		s.missing(l.stages, l.acked+1)
		return
	}
	b := l.retire(s.now)
	s.moved()
	s.measure(b, r.Timings)
	next := 0
	for _, p := range b.parts {
		s.returned(p, item(r.Items, p.seq.id, &next))
	}
	l.recycle(b)
}

// item finds a sequence's item. Items come in the order of the entries, but for those of failures.
func item(items []wire.SampledItem, seq uint64, next *int) *wire.SampledItem {
	for i := range items {
		k := (*next + i) % len(items)
		if items[k].Seq == seq {
			*next = k + 1
			return &items[k]
		}
	}
	return nil
}

// measure keeps what the stages took.
func (s *Scheduler) measure(b *step, timings []wire.Timing) {
	var m measure
	var queued time.Duration
	for _, t := range timings {
		took := time.Duration(max(t.ComputeNS, 0))
		m.slowest, m.total = max(m.slowest, took), m.total+took
		queued += time.Duration(max(t.QueueNS, 0))
	}
	s.lane.cost.observe(b.rows, m, s.now-b.sent-m.total-queued)
}

// returned settles one entry of a returned step.
func (s *Scheduler) returned(p part, it *wire.SampledItem) {
	q := p.seq
	q.steps--
	if it != nil && it.Error != "" {
		q.failed = true
	}
	if !q.failed {
		q.done = p.end
		q.choice.high = max(q.choice.high, p.end)
		s.publish(q)
	}
	switch {
	case q.dying:
		s.settle(q)
	case q.failed:
		if fault, ok := strings.CutPrefix(it.Error, wire.FaultOfRequest); ok {
			s.fail(q.choice, wire.CodeInvalid, "%s", fault)
			return
		}
		s.fail(q.choice, wire.CodeNumeric, "the pipeline failed at position %d: %s", p.end, it.Error)
	case p.want || p.scores > 0:
		s.outcome(p, it)
	}
}

// outcome takes what the last stage made of an entry: scores, a token, or both.
func (s *Scheduler) outcome(p part, it *wire.SampledItem) {
	c := p.seq.choice
	var out wire.DeltaItem
	if p.scores > 0 && !s.score(c.req, p, it, &out) {
		s.fail(c, wire.CodeStage, "the last stage gave no log-probabilities for positions %d to %d", p.at, p.at+p.scores-1)
		return
	}
	if p.want && !s.extend(c, p.end, it, &out) {
		s.fail(c, wire.CodeStage, "the last stage gave no token for position %d", p.end)
		return
	}
	if !s.finishIfDone(c, out) && (p.want || len(out.Scores) > 0) {
		s.emit(c, out)
	}
	if c.state == running && !c.req.scoring() && s.outgrown(c) {
		s.preempt(c)
		s.park(c)
	}
	if p.scores > 0 && !c.req.scoring() {
		for _, o := range slices.Clone(c.req.choices) { // who wanted nothing else
			s.finishIfDone(o, wire.DeltaItem{})
		}
	}
}

// publish lets others find the full blocks that are in KV for certain.
func (s *Scheduler) publish(q *sequence) {
	if s.cfg.NoPrefixCache {
		return
	}
	for ; (q.published+1)*BlockTokens <= q.done; q.published++ {
		s.lane.pool.publish(q.blocks[q.published], q.choice.name(q.published))
	}
}

// settle buries a sequence whose choice has left, once nothing of it is in flight.
func (s *Scheduler) settle(q *sequence) {
	if q.steps > 0 {
		return
	}
	s.dying = slices.DeleteFunc(s.dying, func(o *sequence) bool { return o == q })
	s.bury(q)
}

// extend appends the sampled token to the choice, whose tokens end at position end. False: there is none.
func (s *Scheduler) extend(c *choice, end int, it *wire.SampledItem, out *wire.DeltaItem) bool {
	if it == nil || len(it.Tokens) != 1 || int(it.Pos) != end || s.foreign(it.Tokens) >= 0 {
		return false
	}
	c.tokens = append(c.tokens, it.Tokens[0])
	c.spoke = s.now
	s.count.Tokens++
	out.Tokens, out.Logprobs = c.tokens[end:end+1:end+1], it.Logprobs
	return true
}
