package sched

import (
	"slices"
	"time"
)

// grow gives a decoding choice the block that its next row needs, at the cost of those who rank behind it. False
// leaves it for later, or has sent itself back.
func (s *Scheduler) grow(c *choice) bool {
	q := c.seq
	if q.sent < len(q.blocks)*BlockTokens {
		return true
	}
	for s.lane.pool.available() == 0 {
		v := s.victim(c)
		if v == nil {
			return false
		}
		s.preempt(v)
		if v == c {
			return false
		}
	}
	q.blocks = append(q.blocks, s.lane.pool.take())
	return true
}

// victim is who has to give up KV so that c can go on: who cannot go on anyway, else the last of those behind c, in shares and
// rank, else c. It is nil where waiting for steps in flight will do.
func (s *Scheduler) victim(c *choice) *choice {
	if v := s.starvedVictim(); v != nil {
		return v
	}
	sh := s.shares()
	worst, soon := c, len(s.dying) > 0
	for _, o := range s.runningChoices() {
		if !sh.behind(o, c) {
			continue
		}
		if o.seq.steps > 0 {
			soon = true
		} else if sh.behind(o, worst) {
			worst = o
		}
	}
	if worst == c && soon {
		return nil
	}
	return worst
}

// creditWait is how long a choice may wait for credit before its KV goes to whoever needs it: longer than a reader's
// answer is on its way.
const creditWait = 500 * time.Millisecond

// starvedVictim is the last in rank of those who have been out of credit for long.
func (s *Scheduler) starvedVictim() *choice {
	var v *choice
	for _, o := range s.decodes {
		if s.idle(o) && s.now-o.spoke >= creditWait && (v == nil || rank(o, v) > 0) {
			v = o
		}
	}
	return v
}

// idle tells whether a decoding choice does nothing for lack of credit.
func (s *Scheduler) idle(c *choice) bool { return c.seq.steps == 0 && c.starved() }

// patienceEnds is when the next choice out of credit has to give way to those who wait; never if nobody waits.
func (s *Scheduler) patienceEnds() time.Duration {
	at := never
	if !s.live || s.queue.len() == 0 {
		return at
	}
	for _, o := range s.decodes {
		if end := o.spoke + creditWait; s.idle(o) && end > s.now {
			at = min(at, end)
		}
	}
	return at
}

func (s *Scheduler) runningChoices() []*choice { return slices.Concat(s.prefills, s.decodes) }

// preempt sends a choice with nothing in flight back to the queue. What it published stays findable for a while.
func (s *Scheduler) preempt(c *choice) {
	s.halt(c)
	s.requeue(c)
	s.count.Preempted++
}

// halt takes a choice out of the running ones.
func (s *Scheduler) halt(c *choice) {
	s.prefills, s.decodes = without(s.prefills, c), without(s.decodes, c)
	q := c.seq
	if q.steps > 0 {
		q.dying = true
		s.dying = append(s.dying, q)
		return
	}
	s.bury(q)
}

// bury frees a sequence's blocks. No step in flight writes them any more, so their next owner has them alone. The
// last block is released first: the beginning of a prompt is the last to be forgotten.
func (s *Scheduler) bury(q *sequence) {
	for _, id := range slices.Backward(q.blocks) {
		s.lane.pool.release(id)
	}
	q.blocks = nil
	if q.opened {
		s.closes = append(s.closes, q.id)
	}
}
