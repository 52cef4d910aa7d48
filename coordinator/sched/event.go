package sched

import (
	"time"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// Event is something that happened outside. What an event points to is not kept after Apply, except a Submit's
// Generate, which belongs to the scheduler from then on.
type Event interface{ event() }

// Submit asks for the choices of a request. It is answered by exactly one Reply in the same Apply.
//
// The same (id, attempt) again is accepted and changes nothing. A higher attempt replaces the request: what it says
// was emitted is the truth, and the output goes on after it.
type Submit struct{ Generate *wire.Generate }

// Credit raises a choice's allowance of output tokens. A lower one than before changes nothing.
type Credit wire.Credit

// Cancel ends a choice, or all of a request's with Choice -1.
type Cancel wire.Cancel

// RouterBeat names the requests that a router still wants. Requests of this boot that it does not name and that are
// older than a beat's way are cancelled. A router that has beaten once is lost when nothing is heard of it for
// Config.RouterSilence.
type RouterBeat wire.RouterBeat

// BusLost says that nothing is heard and nothing gets through: no router is judged by its silence until BusBack.
type BusLost struct{}

// BusBack ends that, and forgives all silence so far.
type BusBack struct{}

// Sampled is the outcome of a step. Duplicates and other epochs are ignored.
type Sampled struct{ Result *wire.Sampled }

// LaneGap says that stage Stage (0 is the first) waits for Step while it holds later ones.
type LaneGap struct {
	Epoch uint64
	Lane  uint8
	Stage int
	Step  uint64
}

// PipelinePaused stops sending. Steps in flight may still return and count.
type PipelinePaused struct{ Reason string }

// PipelineReady starts sending. An epoch begins with empty KV, so that every sequence waits, prefills again and goes on. One that
// is not higher than those before is ignored.
type PipelineReady struct {
	Epoch uint64
	Lanes []Lane // at least one; the first is used, the others are room for replicas of a pipeline
}

// Lane is one chain of stages.
type Lane struct {
	KVBlocks int // blocks of BlockTokens positions, the same number in every stage
	MaxRows  int // rows that a step's message can carry from stage to stage; 0: Config.MaxRows alone
	// RowTokens is how many tokens of four bytes take as much of a message as a row; 0: a small part of it.
	RowTokens int
	Stages    []StageTime // one per stage, in order
}

// StageTime predicts the compute time of one stage for a step of some rows: Fixed + rows*PerRow.
// It is what the scheduler believes until it has measured steps of about that size.
type StageTime struct {
	Fixed  time.Duration
	PerRow time.Duration
}

// Tick lets time pass. It is wanted at the time of the last WakeAt and harmless at any other.
type Tick struct{}

func (Submit) event()         {}
func (Credit) event()         {}
func (Cancel) event()         {}
func (RouterBeat) event()     {}
func (BusLost) event()        {}
func (BusBack) event()        {}
func (Sampled) event()        {}
func (LaneGap) event()        {}
func (PipelinePaused) event() {}
func (PipelineReady) event()  {}
func (Tick) event()           {}
