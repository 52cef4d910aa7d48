package sched

import (
	"slices"
	"time"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// router is one boot of a router that beats.
type router struct {
	name, boot string
	seen       time.Duration
}

// beatGrace is how old a request must be before a beat that does not name it cancels it: the beat may have been
// on its way when the request was made.
const beatGrace = 2 * time.Second

func (s *Scheduler) beat(e RouterBeat) {
	i := slices.IndexFunc(s.routers, func(r router) bool { return r.name == e.Router && r.boot == e.Boot })
	if i < 0 {
		s.routers = append(s.routers, router{name: e.Router, boot: e.Boot})
		i = len(s.routers) - 1
	}
	s.routers[i].seen = s.now
	wanted := make(map[string]bool, len(e.Live))
	for _, id := range e.Live {
		wanted[id] = true
	}
	s.each(func(r *request) {
		if r.router == e.Router && r.boot == e.Boot && !wanted[r.id] && s.now-r.accepted >= beatGrace {
			s.abandon(r)
		}
	})
}

// heard notes that a router that beats has said something else.
func (s *Scheduler) heard(name, boot string) {
	for i := range s.routers {
		if r := &s.routers[i]; r.name == name && r.boot == boot {
			r.seen = s.now
		}
	}
}

// lose ends every request of one boot of a router.
func (s *Scheduler) lose(name, boot string) {
	s.routers = slices.DeleteFunc(s.routers, func(r router) bool { return r.name == name && r.boot == boot })
	s.each(func(r *request) {
		if r.router == name && r.boot == boot {
			s.abandon(r)
		}
	})
}

func (s *Scheduler) abandon(r *request) {
	for _, c := range slices.Clone(r.choices) {
		s.finish(c, wire.DeltaItem{Finish: wire.FinishCancel})
	}
}

// excuse forgives all silence so far, of routers and of stages.
func (s *Scheduler) excuse() {
	for i := range s.routers {
		s.routers[i].seen = s.now
	}
	if s.live && len(s.lane.steps) > 0 {
		s.moved()
	}
}

// silence is when the first router is silent for too long, never if none beats or none could be heard.
func (s *Scheduler) silence() time.Duration {
	at := never
	if s.deaf {
		return at
	}
	for _, r := range s.routers {
		at = min(at, r.seen+s.cfg.RouterSilence)
	}
	return at
}

func (s *Scheduler) loseSilent() {
	for _, r := range slices.Clone(s.routers) {
		if s.now-r.seen >= s.cfg.RouterSilence {
			s.lose(r.name, r.boot)
		}
	}
}
