package plan

import (
	"fmt"
	"strings"
	"time"

	"github.com/stagecoach-llm/stagecoach/coordinator/place"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

const (
	saltBits  = 12
	countBits = 20
)

// epochID is term<<32 | salt<<20 | n.
func epochID(term uint64, salt uint32, n uint64) uint64 {
	return term<<32 | uint64(salt)<<countBits | n
}

// saltOf is the mark of the coordinator that began the epoch.
func saltOf(id uint64) uint32 { return uint32(id) >> countBits }

// FormatEpoch writes an epoch as term.n, such as 3.12.
func FormatEpoch(id uint64) string { return fmt.Sprintf("%d.%d", id>>32, id&(1<<countBits-1)) }

// phase is how far an epoch has come.
type phase int

const (
	preparing phase = iota
	committing
	canary
	serving
)

func (f phase) String() string {
	return [...]string{"preparing", "committing", "canary", "ready"}[f]
}

// epoch is a placement on its way to the shards, or live.
type epoch struct {
	id        uint64
	placement place.Placement
	parts     []part
	phase     phase
	since     time.Duration // of the phase
}

// part is one stage of an epoch and what its shard has answered in this phase.
type part struct {
	node        *node
	first, last int
	done        bool
	obeys       bool          // it has answered a Promise in this phase, so its loader may take its time
	asked       time.Duration // first order of this phase
	repeat      time.Duration // next time it is given
	measuredNS  int64
}

func (e *epoch) stages() []wire.Stage {
	out := make([]wire.Stage, len(e.parts))
	for i, s := range e.parts {
		out[i] = wire.Stage{Node: s.node.name, Boot: s.node.boot, First: s.first, Last: s.last}
	}
	return out
}

// part of a shard; nil if it has none. e may be nil.
func (e *epoch) part(n *node) *part {
	if e == nil {
		return nil
	}
	for i := range e.parts {
		if e.parts[i].node == n {
			return &e.parts[i]
		}
	}
	return nil
}

func (e *epoch) enter(f phase, now time.Duration) {
	e.phase, e.since = f, now
	for i := range e.parts {
		s := &e.parts[i]
		s.done, s.obeys, s.asked, s.repeat = false, false, now, now
	}
}

// again gives the orders of the phase once more to whoever has not answered. e may be nil.
func (e *epoch) again(now time.Duration) {
	if e == nil {
		return
	}
	for i := range e.parts {
		e.parts[i].asked, e.parts[i].repeat = now, now
	}
}

// awaited names the shards that have not answered.
func (e *epoch) awaited() string {
	var names []string
	for i := range e.parts {
		if !e.parts[i].done {
			names = append(names, e.parts[i].node.name)
		}
	}
	return strings.Join(names, ", ")
}

func (e *epoch) done() bool {
	for i := range e.parts {
		if !e.parts[i].done {
			return false
		}
	}
	return true
}

// find is the first shard of the epoch of which it is true; nil if there is none.
func (e *epoch) find(is func(*node) bool) *node {
	for i := range e.parts {
		if is(e.parts[i].node) {
			return e.parts[i].node
		}
	}
	return nil
}

// same tells whether stages are those of the epoch, boots included.
func (e *epoch) same(placement place.Placement, find func(string) *node) bool {
	if len(placement.Stages) != len(e.parts) {
		return false
	}
	for i, s := range placement.Stages {
		p := e.parts[i]
		if find(s.Node) != p.node || s.First != p.first || s.Last != p.last {
			return false
		}
	}
	return true
}
