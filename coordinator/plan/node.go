package plan

import (
	"time"

	"github.com/stagecoach-llm/stagecoach/coordinator/place"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// node is one boot of a shard.
type node struct {
	name, boot string
	hello      wire.Hello
	refused    string // why it may not serve, "" if it may

	promised uint64        // our term, once it has said so
	asked    uint64        // term that we asked it to promise
	askAt    time.Duration // next time
	answered bool          // it has promised again since its lane was found stuck

	beat     wire.Beat
	moved    time.Duration // last progress in its beats
	heard    time.Duration // last message of any kind
	busyAt   time.Duration // of busyNS
	busyNS   int64
	busy     float64
	touched  bool // it was sent a Prepare and may hold layers
	releases int
	release  time.Duration // next Release

	suspect      bool
	probeAt      time.Duration // next probe
	noResponders time.Duration // first of a row without answer; never if none
	unanswered   time.Duration // first probe that failed in any way
	gossipDead   bool

	lost   bool
	lostAt time.Duration
	why    string // it was lost or left out

	leftOut  time.Duration // until then; 0 if it is not
	rests    time.Duration // until then it is placed only if it must be; 0 if it does not rest
	failures int
}

func newNode(h wire.Hello, now time.Duration) *node {
	return &node{
		name: h.Node, boot: h.Boot, hello: h,
		beat:  wire.Beat{Layer: -1},
		heard: now, moved: now, busyAt: never,
		noResponders: never, unanswered: never,
	}
}

// usable tells whether it takes part at all.
func (n *node) usable() bool { return !n.lost && n.refused == "" }

// forPlacing is the node as package place sees it.
func (n *node) forPlacing() place.Node {
	return place.Node{
		Name: n.name, MemoryBytes: n.hello.MemoryBytes,
		BytesPerSec: n.hello.BytesPerSec, OpsPerSec: n.hello.OpsPerSec, Mapping: mappings[n.hello.Repack],
	}
}

// mappings are what the ways of repacking mean for placement; a shard that names none repacks everything.
var mappings = map[string]place.Mapping{"auto": place.MapIfShort, "never": place.MapAll}

// take records a beat. Progress is anything in it that only a working shard changes.
func (n *node) take(b wire.Beat, now time.Duration) {
	old := n.beat
	if b.In != old.In || b.Out != old.Out || b.Layer != old.Layer || b.Epoch != old.Epoch ||
		b.Loaded != old.Loaded || b.ToLoad != old.ToLoad || b.BusyNS != old.BusyNS {
		n.moved = now
	}
	n.beat = b
	n.measureBusy(now)
}

// measureBusy averages the time spent computing over windows of at least a second.
func (n *node) measureBusy(now time.Duration) {
	if n.busyAt == never {
		n.busyAt, n.busyNS = now, n.beat.BusyNS
		return
	}
	if d := now - n.busyAt; d >= time.Second {
		n.busy = min(max(float64(n.beat.BusyNS-n.busyNS)/float64(d), 0), 1)
		n.busyAt, n.busyNS = now, n.beat.BusyNS
	}
}

// calm forgets all doubt.
func (n *node) calm(now time.Duration) {
	n.heard, n.suspect, n.gossipDead = now, false, false
	n.noResponders, n.unanswered = never, never
}
