package sched

import (
	"time"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// Command is something to be done outside, in the order given. What a command points to is valid until the next
// Apply and must not be changed.
type Command interface{ command() }

// SendStep publishes a step to stage 0. The same step may be commanded again, with the same entries, to repair a
// loss; stages drop what they have.
type SendStep struct {
	Epoch   uint64
	Lane    uint8
	Step    uint64
	Ack     uint64 // every step up to it has been received back
	Entries []wire.Entry
}

// Resend asks stage Stage to publish again the outputs it retains from step From on.
type Resend struct {
	Epoch uint64
	Lane  uint8
	Stage int
	From  uint64
}

// Emit is one Delta for one boot of a router.
type Emit struct {
	Router, Boot string
	Items        []wire.DeltaItem
}

// Reply answers the Submit of the same Apply. The caller sets Term.
type Reply struct{ wire.GenerateReply }

// LaneStuck says that a step is overdue although it was sent again: somebody should probe the stages. It is
// repeated while nothing moves.
type LaneStuck struct {
	Epoch  uint64
	Lane   uint8
	Step   uint64
	Reason string
}

// WakeAt asks for a Tick at a time. Only the last one counts.
type WakeAt struct{ At time.Duration }

func (SendStep) command()  {}
func (Resend) command()    {}
func (Emit) command()      {}
func (Reply) command()     {}
func (LaneStuck) command() {}
func (WakeAt) command()    {}
