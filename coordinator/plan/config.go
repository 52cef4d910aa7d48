package plan

import (
	"time"

	"github.com/stagecoach-llm/stagecoach/coordinator/place"
)

// Config is what a Planner knows from the start.
type Config struct {
	Model   place.Model
	ModelID string // checkpoint.Card.ID; a shard with another model is refused

	Wire       int    // wire.Version
	Arithmetic int    // version of ARITHMETIC.md
	Digest     string // kernel self-test; "" takes the first shard's

	KVType    string        // "f16" or "f32", given on to the shards
	Placement place.Options // Current, MaxStages aside, which the Planner sets

	Want  int    // shards that the first plan waits for, at most Timings.WantWithin
	Salt  uint32 // random per process, 12 bits are used; see the package comment
	State State  // as persisted last; the zero value on a new disk

	Timings Timings // zero fields take the defaults
}

// State is what must survive the coordinator.
type State struct {
	Term    uint64   `json:"term"`
	Scale   int      `json:"scale"`   // most stages, 0 is all shards
	Drained []string `json:"drained"` // sorted
}

// Timings are the Planner's patience. DefaultTimings has the values and their reasons.
type Timings struct {
	Suspect      time.Duration // silence after which a shard is probed
	ProbeEvery   time.Duration // between probes; also the least time between two "no responders" that count
	ProbeFails   time.Duration // a suspect that answers no probe for so long is lost
	Grace        time.Duration // after the bus came back, nobody is lost by probes
	Repeat       time.Duration // between repetitions of an order
	Answer       time.Duration // an order unanswered for so long, with no progress in the beats, is a failure
	LoadStalls   time.Duration // the same while the shard loads
	StuckAnswer  time.Duration // the same for a stage of a stuck lane
	StuckRepair  time.Duration // once all stages of a stuck lane have answered, for its steps to come back after all
	Gather       time.Duration // after a join, for more to come
	GatherMost   time.Duration // after the first of several joins
	WantWithin   time.Duration // after the first Hello, for Config.Want
	CanaryWithin time.Duration
	StandDown    time.Duration // first time, doubled each time
	Forget       time.Duration // how long a lost shard is shown in the status
	Wake         time.Duration // between ticks
}

// DefaultTimings are those of DESIGN.md: a beat comes every 100 ms, so 500 ms are five lost in a row; no-responders
// are certain but for the moment in which a subscription is renewed, so two of them, apart; probes that time out
// may mean a starved process, so 3 s of them, as long as gossip takes.
func DefaultTimings() Timings {
	return Timings{
		Suspect:      500 * time.Millisecond,
		ProbeEvery:   300 * time.Millisecond,
		ProbeFails:   3 * time.Second,
		Grace:        2 * time.Second,
		Repeat:       500 * time.Millisecond,
		Answer:       5 * time.Second,
		LoadStalls:   time.Minute,
		StuckAnswer:  5 * time.Second,
		StuckRepair:  300 * time.Millisecond,
		Gather:       500 * time.Millisecond,
		GatherMost:   3 * time.Second,
		WantWithin:   10 * time.Second,
		CanaryWithin: 30 * time.Second,
		StandDown:    10 * time.Second,
		Forget:       10 * time.Minute,
		Wake:         100 * time.Millisecond,
	}
}

func (t Timings) withDefaults() Timings {
	d := DefaultTimings()
	for _, f := range []struct{ v, d *time.Duration }{
		{&t.Suspect, &d.Suspect}, {&t.ProbeEvery, &d.ProbeEvery}, {&t.ProbeFails, &d.ProbeFails}, {&t.Grace, &d.Grace},
		{&t.Repeat, &d.Repeat}, {&t.Answer, &d.Answer}, {&t.LoadStalls, &d.LoadStalls}, {&t.StuckAnswer, &d.StuckAnswer},
		{&t.StuckRepair, &d.StuckRepair}, {&t.Gather, &d.Gather}, {&t.GatherMost, &d.GatherMost}, {&t.WantWithin, &d.WantWithin},
		{&t.CanaryWithin, &d.CanaryWithin}, {&t.StandDown, &d.StandDown}, {&t.Forget, &d.Forget}, {&t.Wake, &d.Wake},
	} {
		if *f.v <= 0 {
			*f.v = *f.d
		}
	}
	return t
}
