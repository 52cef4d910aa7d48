package sched

import (
	"slices"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

func (s *Scheduler) pause(reason string) {
	s.live, s.paused = false, reason
}

func (s *Scheduler) ready(e PipelineReady) {
	if len(e.Lanes) == 0 || s.lane != nil && e.Epoch <= s.lane.epoch {
		return
	}
	s.renew(e.Epoch, e.Lanes[0])
	s.live, s.paused = true, ""
}

// renew begins an epoch: nothing is in KV, and every sequence waits with what it has emitted.
func (s *Scheduler) renew(epoch uint64, l Lane) {
	s.lane = newLane(epoch, l, s.cfg.MaxRows)
	s.dying, s.closes, s.blocked = nil, nil, nil
	back := slices.Concat(s.prefills, s.decodes)
	s.prefills, s.decodes = s.prefills[:0], s.decodes[:0]
	for _, c := range back {
		s.requeue(c)
		s.count.Restarted++
	}
	s.each(s.refit)
}

// requeue makes a running choice wait. Its sequence has been dealt with.
func (s *Scheduler) requeue(c *choice) {
	c.state, c.seq, c.begun = waiting, nil, true
	s.queue.push(c)
}

// refit gives a request that came before any pipeline the room of this one. Whoever was promised more room before waits for it:
// see outgrown.
func (s *Scheduler) refit(r *request) {
	first := r.room == 0
	if first {
		r.room = s.lane.positions()
	}
	for _, c := range slices.Clone(r.choices) {
		if no := s.judgeLength(r.prompt, r.maxTokens, 0); first && no.code != "" && c.output() == 0 {
			s.fail(c, no.code, "%s", no.message)
		} else if c.output() == 0 || !s.finishIfDone(c, wire.DeltaItem{}) {
			s.park(c)
		}
	}
}
