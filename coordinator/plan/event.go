package plan

import "github.com/stagecoach-llm/stagecoach/transport/wire"

// Event is something that happened. The types below are all there are.
type Event interface{ event() }

type (
	// Start is the first event, once.
	Start struct{}

	// Tick says that the time of a WakeAt has come.
	Tick struct{}

	// Heard is a message of a shard.
	Heard struct{ Message wire.NodeMessage }

	// Gossip is memberlist's opinion of a shard.
	Gossip struct {
		Node, Boot string
		Alive      bool
	}

	// ProbeResult answers a Probe.
	ProbeResult struct {
		Node, Boot string
		Outcome    Outcome
		Beat       *wire.Beat // when Answered, if it could be read
	}

	// BusLost says that the coordinator's own connection is gone; BusBack that it is there again.
	BusLost struct{}
	BusBack struct{}

	// LaneStuck says that steps of an epoch have not returned and asking for them again did not help.
	LaneStuck struct{ Epoch uint64 }

	// CanaryDone says that a token has gone through every stage of an epoch, or with Err why not.
	CanaryDone struct {
		Epoch uint64
		Err   string
	}

	// Measured are the timings of one step, stage by stage, for the status.
	Measured struct {
		Epoch   uint64
		Timings []wire.Timing
	}

	// Drain moves a shard's layers away and keeps it out of plans; Undrain lets it in again.
	Drain   struct{ Node string }
	Undrain struct{ Node string }

	// Scale bounds the stages of a plan; 0 is every shard that is here.
	Scale struct{ Shards int }
)

// Outcome of a probe.
type Outcome int

const (
	Answered     Outcome = iota
	Silent               // no answer in time
	NoResponders         // the bus knows of no subscription
)

func (Start) event()       {}
func (Tick) event()        {}
func (Heard) event()       {}
func (Gossip) event()      {}
func (ProbeResult) event() {}
func (BusLost) event()     {}
func (BusBack) event()     {}
func (LaneStuck) event()   {}
func (CanaryDone) event()  {}
func (Measured) event()    {}
func (Drain) event()       {}
func (Undrain) event()     {}
func (Scale) event()       {}
