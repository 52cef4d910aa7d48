package plan

import (
	"time"

	"github.com/stagecoach-llm/stagecoach/coordinator/place"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// Command is something to be done, in order. The types below are all there are.
type Command interface{ command() }

type (
	// Send publishes a message on the control subject of one boot of a shard.
	Send struct {
		Node, Boot string
		Message    wire.ControlMessage
	}

	// Announce asks all shards for a Hello.
	Announce struct{ Term uint64 }

	// Probe sends a request to a shard's control subject; it is answered with a ProbeResult.
	Probe struct{ Node, Boot string }

	// Persist writes the state to disk before any later command is carried out.
	Persist struct{ State State }

	// Pause ends the live epoch: no step of it may be sent any more.
	Pause struct{ Reason string }

	// Ready begins an epoch: every stage has committed it. The first thing to go through it is a canary, whose end
	// is a CanaryDone.
	Ready struct {
		Epoch    uint64
		Stages   []wire.Stage
		Nodes    []place.Node // of the stages, for place.Model.StageNS
		KVBlocks int
	}

	// Log is something that the operator may want to know.
	Log struct {
		Kind        Kind
		Node        string // "" if it is about no shard
		Epoch       uint64 // 0 if it is about none
		First, Last int    // layers [First, Last) where Kind is Loading or Loaded
		Text        string
	}

	// WakeAt asks for a Tick at that time. A later one replaces it.
	WakeAt struct{ At time.Duration }
)

// Kind of a Log.
type Kind string

const (
	Found        Kind = "found"   // a shard said Hello
	Refused      Kind = "refused" // it cannot serve here
	Back         Kind = "back"    // a suspect or lost shard is heard again
	Suspect      Kind = "suspect"
	Lost         Kind = "lost"
	LeftOut      Kind = "left out" // for a while, after a failure
	Waiting      Kind = "waiting"  // nothing can be served yet
	Planned      Kind = "planned"  // a placement was chosen
	Loading      Kind = "loading"
	Loaded       Kind = "loaded"
	Abandoned    Kind = "abandoned" // a plan that was on its way
	Paused       Kind = "paused"
	Committed    Kind = "committed"
	CanaryPassed Kind = "canary passed"
	CanaryFailed Kind = "canary failed"
	Outranked    Kind = "outranked" // another coordinator drives the shards
	Changed      Kind = "changed"   // by the operator: drain, scale
	Bus          Kind = "bus"
)

// Warning tells whether the operator should look.
func (k Kind) Warning() bool {
	switch k {
	case Refused, Suspect, Lost, LeftOut, Abandoned, CanaryFailed, Outranked, Bus:
		return true
	}
	return false
}

func (Send) command()     {}
func (Announce) command() {}
func (Probe) command()    {}
func (Persist) command()  {}
func (Pause) command()    {}
func (Ready) command()    {}
func (Log) command()      {}
func (WakeAt) command()   {}
