package ledger

import (
	"sync"
	"time"

	"github.com/stagecoach-llm/stagecoach/router/account"
)

const (
	beatEvery = time.Second
	// silence is the time after which a router that says nothing is gone.
	silence = 10 * time.Second
	// settling is how long after its admission a request may be missing in what its router says.
	settling = 5 * time.Second
)

// sessions are the boots of other routers and what they said last.
type sessions struct {
	mu   sync.Mutex // never held while anything waits
	boot map[[2]string]*session
}

type session struct {
	heard time.Time
	live  map[string]bool // nil before the first beat
}

func (s *sessions) beat(b beat, now time.Time) {
	live := make(map[string]bool, len(b.Live))
	for _, id := range b.Live {
		live[id] = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set([2]string{b.Router, b.Boot}, &session{heard: now, live: live})
}

// gone tells whether nobody has a request any more. A router that was never heard has been since it is first asked about.
func (s *sessions) gone(f account.Foreign, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := [2]string{f.ID.Router, f.Boot}
	ses := s.boot[at]
	if ses == nil {
		ses = &session{heard: now}
		s.set(at, ses)
	}
	switch {
	case now.Sub(ses.heard) > silence:
		return true
	case ses.live == nil:
		return false
	}
	return !ses.live[f.ID.Request] && ses.heard.Sub(f.Admitted) > settling
}

func (s *sessions) set(at [2]string, ses *session) {
	if s.boot == nil {
		s.boot = map[[2]string]*session{}
	}
	s.boot[at] = ses
}

// forget drops those that have been silent for long: their requests are settled.
func (s *sessions) forget(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for at, ses := range s.boot {
		if now.Sub(ses.heard) > 6*silence {
			delete(s.boot, at)
		}
	}
}
