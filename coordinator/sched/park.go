package sched

import (
	"slices"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// A choice may have as many tokens as the KV memory held when its request was taken. When the pipeline is lost and the next one
// holds less, an answer that does not fit is neither cut short nor refused: it is parked, for the lost shard is often back soon.

// outgrown tells whether the KV memory holds too little for the next token of a choice that may have one.
func (s *Scheduler) outgrown(c *choice) bool {
	return len(c.tokens)+min(c.req.maxTokens, 1) > s.lane.positions()
}

// park notes since when a waiting choice does not fit, if it does not.
func (s *Scheduler) park(c *choice) {
	if c.state == waiting && s.lane != nil && s.outgrown(c) {
		c.parked = max(s.now, 1)
		s.parking = min(s.parking, c.parked+s.cfg.ParkWithin)
	}
}

// unpark fails the choices that have been parked for too long.
func (s *Scheduler) unpark() {
	if s.now < s.parking {
		return
	}
	s.parking = never
	s.each(func(r *request) {
		for _, c := range slices.Clone(r.choices) {
			switch {
			case c.parked == 0:
			case !s.outgrown(c):
				c.parked = 0
			case s.now-c.parked < s.cfg.ParkWithin:
				s.parking = min(s.parking, c.parked+s.cfg.ParkWithin)
			default:
				s.fail(c, wire.CodeMemory, "the cluster has lost KV memory: it holds %d tokens now, %d when this answer of %d began; "+
					"add memory or shards", s.lane.positions(), r.room, len(c.tokens))
			}
		}
	})
}
