package sched

import (
	"slices"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// emit completes an item of a choice and puts it into its router's delta. Without tokens the position is the end
// of the output.
func (s *Scheduler) emit(c *choice, item wire.DeltaItem) {
	r := c.req
	item.ID, item.Attempt, item.Choice = r.id, r.attempt, c.index
	item.Position = uint32(c.output() - len(item.Tokens))
	item.Cached, item.Recomputed = uint32(c.cached), uint32(c.recomputed)
	i := slices.IndexFunc(s.mail, func(m Emit) bool { return m.Router == r.router && m.Boot == r.boot })
	if i < 0 {
		s.mail = append(s.mail, Emit{Router: r.router, Boot: r.boot})
		i = len(s.mail) - 1
	}
	s.mail[i].Items = append(s.mail[i].Items, item)
}

// deliver commands one Emit per router.
func (s *Scheduler) deliver() {
	for _, m := range s.mail {
		s.do(m)
	}
	s.mail = s.mail[:0]
}
