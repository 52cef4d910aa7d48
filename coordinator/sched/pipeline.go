package sched

import (
	"slices"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

func (s *Scheduler) pause(reason string) {
	s.live, s.paused = false, reason
}

func (s *Scheduler) ready(e PipelineReady) {
	if len(e.Lanes) == 0 || s.lane != nil && e.Epoch < s.lane.epoch {
		return
	}
	if s.lane == nil || e.Epoch > s.lane.epoch {
		s.renew(e.Epoch, e.Lanes[0])
	} else if !s.live {
		s.resume()
	}
	s.live, s.paused = true, ""
}

// resume goes on with the same epoch. Whatever was in flight may have been lost meanwhile.
func (s *Scheduler) resume() {
	s.moved()
	if len(s.lane.steps) > 0 {
		s.nudge()
	}
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

// refit ends the choices that the KV memory of this epoch cannot hold.
func (s *Scheduler) refit(r *request) {
	for _, c := range slices.Clone(r.choices) {
		if c.output() > 0 {
			s.finishIfDone(c, wire.DeltaItem{})
		} else if no := s.judgeLength(r.prompt, r.maxTokens); no.code != "" {
			s.fail(c, no.code, "%s", no.message)
		}
	}
}
