package sched

import (
	"fmt"
	"time"
)

// repairEvery is how long the answer to a Resend may take before the same gap is asked for again, and repairTries how
// often that is done before the lane is called stuck.
const (
	repairEvery = 150 * time.Millisecond
	repairTries = 5
)

// watch looks after what must happen by itself: steps that do not come back, routers that fall silent.
func (s *Scheduler) watch() {
	if s.now >= s.silence() {
		s.loseSilent()
	}
	if s.now < s.overdue() {
		return
	}
	l := s.lane
	l.nudges++
	s.nudge()
	s.expect()
	if waited := s.now - l.moved; waited >= s.patience(s.cfg.StuckAfter, 6) {
		s.stuck(l.acked+1, fmt.Sprintf("not back after %v, %v predicted", waited.Round(time.Millisecond),
			l.cost.of(l.steps[0].rows).total.Round(time.Millisecond)))
	}
}

// moved notes that the oldest step in flight is another one, or has a new chance.
func (s *Scheduler) moved() {
	s.lane.moved, s.lane.nudges = s.now, 0
	s.expect()
}

// expect sets when the oldest step is sent again: after its patience, then after twice, four times … it, up to
// sixteen times; and when the lane becomes stuck.
func (s *Scheduler) expect() {
	l := s.lane
	if len(l.steps) == 0 {
		return
	}
	wait := s.patience(s.cfg.NudgeAfter, 3) << min(l.nudges, 4)
	if left := l.moved + s.patience(s.cfg.StuckAfter, 6) - s.now; left > 0 {
		wait = min(wait, left)
	}
	l.due = s.now + wait
}

// patience is how long the oldest step may take: least, or times the prediction.
func (s *Scheduler) patience(least time.Duration, times int) time.Duration {
	return max(least, time.Duration(times)*s.lane.cost.of(s.lane.steps[0].rows).total)
}

// overdue is when the oldest step in flight is to be sent again.
func (s *Scheduler) overdue() time.Duration {
	if !s.live || len(s.lane.steps) == 0 {
		return never
	}
	return s.lane.due
}

// nudge publishes everything again that may have been lost between the oldest step's start and its return.
func (s *Scheduler) nudge() {
	s.count.Nudges++
	for _, b := range s.lane.steps {
		s.sendStep(b)
	}
	for i := range s.lane.stages {
		s.do(Resend{Epoch: s.lane.epoch, Lane: s.lane.id, Stage: i, From: s.lane.acked + 1})
	}
}

func (s *Scheduler) stuck(step uint64, reason string) {
	s.count.Stuck++
	s.do(LaneStuck{Epoch: s.lane.epoch, Lane: s.lane.id, Step: step, Reason: reason})
}

func (s *Scheduler) gap(e LaneGap) {
	l := s.lane
	if !s.live || e.Epoch != l.epoch || e.Lane != l.id || e.Stage < 0 || e.Stage >= l.stages {
		return
	}
	if e.Step > l.acked && e.Step <= l.sent() {
		s.missing(e.Stage, e.Step)
	}
}

// missing repairs what stage to (or the coordinator, after the last) waits for, from step from on.
func (s *Scheduler) missing(to int, from uint64) {
	l := s.lane
	r := &l.repair
	if r.from != from || r.stage != to {
		*r = repair{from: from, stage: to}
	} else if s.now-r.at < repairEvery {
		return
	}
	r.at = s.now
	if r.tries++; r.tries > repairTries {
		s.stuck(from, fmt.Sprintf("stage %d still misses it after %d resends", to, repairTries))
	}
	s.count.Repairs++
	if to > 0 {
		s.do(Resend{Epoch: l.epoch, Lane: l.id, Stage: to - 1, From: from})
		return
	}
	for _, b := range l.steps {
		if b.number >= from {
			s.sendStep(b)
		}
	}
}
