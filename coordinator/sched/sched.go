package sched

import (
	"slices"
	"time"
)

// Scheduler decides what the pipeline computes next. See the package comment. Not safe for concurrent use.
type Scheduler struct {
	cfg Config
	now time.Duration
	out []Command // of this Apply

	requests map[string]*request
	order    []*request // by arrival
	arrivals uint64
	ended    graves
	routers  []router
	mail     []Emit // of this Apply

	queue    queue
	prefills []*choice // running, with rows not yet sent, in order of admission
	decodes  []*choice // running, all rows known so far are sent, or only the last sampled one is not
	dying    []*sequence
	closes   []uint64 // sequences that the stages may forget
	ids      uint64   // of sequences
	blocked  *choice  // found no room when pool.grown was blockage
	blockage uint64

	lane   *lane // nil until a pipeline was ready
	paused string
	live   bool

	deadline time.Duration // no request ends before it
	parking  time.Duration // no parked choice fails before it
	deaf     bool          // the bus is lost
	wake     time.Duration // last WakeAt
	count    Stats
	picked   []*choice // scratch
}

// never is later than any time.
const never = time.Duration(1<<63 - 1)

// New returns a scheduler without a pipeline.
func New(cfg Config) *Scheduler {
	s := &Scheduler{cfg: cfg.withDefaults(), requests: map[string]*request{}, deadline: never, parking: never, wake: never}
	s.queue.quantum = s.cfg.Quantum
	s.paused = "no pipeline yet"
	return s
}

// Apply takes one event in and appends what has to be done to out. now is any clock that starts at 0 or later and
// does not go back (where it does, it is held).
func (s *Scheduler) Apply(now time.Duration, ev Event, out []Command) []Command {
	late := s.wake != never && now-s.wake > time.Second
	s.now, s.out = max(now, s.now), out
	if late {
		s.excuse() // it was this process that did not listen
	}
	s.take(ev)
	s.expire()
	s.unpark()
	s.watch()
	s.fill()
	s.deliver()
	s.alarm()
	out, s.out = s.out, nil
	return out
}

func (s *Scheduler) take(ev Event) {
	switch e := ev.(type) {
	case Submit:
		s.submit(e.Generate)
	case Credit:
		s.credit(e)
	case Cancel:
		s.cancel(e)
	case RouterBeat:
		s.beat(e)
	case BusLost:
		s.deaf = true
	case BusBack:
		s.deaf = false
		s.excuse()
	case Sampled:
		s.sampled(e.Result)
	case LaneGap:
		s.gap(e)
	case PipelinePaused:
		s.pause(e.Reason)
	case PipelineReady:
		s.ready(e)
	case Tick:
	}
}

func (s *Scheduler) do(c Command) { s.out = append(s.out, c) }

// alarm asks to be woken for whatever has to happen without an event, unless it has asked for that time already.
func (s *Scheduler) alarm() {
	at := min(s.deadline, s.parking, s.overdue(), s.silence(), s.patienceEnds())
	if at != s.wake && at != never {
		s.do(WakeAt{At: at})
	}
	s.wake = at
}

// each calls fn for every request in order of arrival; fn may end requests.
func (s *Scheduler) each(fn func(*request)) {
	for _, r := range slices.Clone(s.order) {
		fn(r)
	}
}
