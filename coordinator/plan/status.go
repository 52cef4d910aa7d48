package plan

import (
	"fmt"
	"slices"

	"github.com/stagecoach-llm/stagecoach/coordinator/place"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// Ready tells whether a canary has gone through every stage of the live epoch and the bus is there.
func (p *Planner) Ready() bool {
	return p.live != nil && p.live.phase == serving && !p.busLost
}

// Epoch is the live one; 0 if none is.
func (p *Planner) Epoch() uint64 {
	if p.live == nil {
		return 0
	}
	return p.live.id
}

// Term is the coordinator's own.
func (p *Planner) Term() uint64 { return p.term }

// Status describes the cluster. Cluster, Model, Queue and UptimeMS are the caller's to fill.
func (p *Planner) Status() wire.Status {
	s := wire.Status{
		ModelID: p.cfg.ModelID, Ready: p.Ready(), Term: p.term, Recovery: max(p.lives-1, 0),
		Stages: []wire.StageStatus{}, Nodes: []wire.NodeStatus{},
	}
	s.State, s.Reason = p.state()
	if e := p.shown(); e != nil {
		s.Epoch, s.Stages = e.id, stageStatus(e)
	}
	for _, n := range p.nodes {
		s.Nodes = append(s.Nodes, p.nodeStatus(n))
	}
	return s
}

// shown is the epoch that the status is about: the live one, else the one on its way.
func (p *Planner) shown() *epoch {
	if p.live != nil {
		return p.live
	}
	return p.next
}

func (p *Planner) state() (state, reason string) {
	switch {
	case p.standingDown():
		return "paused", p.reason
	case p.busLost:
		return "paused", "the connection to the bus is lost"
	case p.awaitsCanary():
		return "canary", fmt.Sprintf("epoch %s waits for its first token", FormatEpoch(p.live.id))
	case p.live != nil:
		return "ready", p.reason
	case p.next != nil:
		return p.next.phase.String(), fmt.Sprintf("epoch %s waits for %s", FormatEpoch(p.next.id), p.next.awaited())
	case len(p.available()) == 0 && slices.ContainsFunc(p.nodes, p.owesPromise):
		return "promising", fmt.Sprintf("no shard has promised term %d yet", p.term)
	case p.reason != "":
		return "waiting", p.reason
	case !slices.ContainsFunc(p.nodes, (*node).usable):
		return "waiting", "no shard is here"
	}
	return "waiting", plural(len(p.available()), "shard") + " joined; more may come"
}

func stageStatus(e *epoch) []wire.StageStatus {
	out := make([]wire.StageStatus, len(e.parts))
	for i, s := range e.placement.Stages {
		out[i] = placedStage(s)
		out[i].MeasuredNS, out[i].Busy = e.parts[i].measuredNS, e.parts[i].node.busy
	}
	return out
}

func placedStage(s place.Stage) wire.StageStatus {
	return wire.StageStatus{
		Node: s.Node, First: s.First, Last: s.Last,
		WeightBytes: s.WeightBytes, KVBytes: s.KVBytes, PredictedNS: s.PredictedNS,
	}
}

func (p *Planner) nodeStatus(n *node) wire.NodeStatus {
	h, b := n.hello, n.beat
	state, reason := p.nodeState(n)
	return wire.NodeStatus{
		Node: n.name, Boot: n.boot, State: state, Reason: reason,
		Host: h.Host, Kernels: h.Kernels, Threads: h.Threads,
		MemoryBytes: h.MemoryBytes, Resident: b.Resident, BytesPerSec: h.BytesPerSec, OpsPerSec: h.OpsPerSec,
		Loaded: b.Loaded, ToLoad: b.ToLoad,
	}
}

func (p *Planner) nodeState(n *node) (state, reason string) {
	next := p.next.part(n)
	switch {
	case n.lost:
		return "dead", n.why
	case n.refused != "":
		return "refused", n.refused
	case n.suspect:
		return "suspect", "it is silent"
	case n.leftOut > p.now:
		return "idle", n.why
	case next != nil && !next.done && p.next.phase == preparing:
		return "loading", ""
	case p.isDrained(n.name) && p.live.part(n) == nil:
		return "draining", "it has no layers"
	case p.isDrained(n.name):
		return "draining", "its layers are to move"
	case p.live.part(n) != nil || next != nil:
		return "ready", ""
	case n.promised != p.term:
		return "idle", "it has not promised the coordinator's term yet"
	}
	return "idle", ""
}

// measured averages the compute time of each stage over about the last sixteen steps. That one came back shows that the lane
// is not stuck, but slow; if nothing follows it, that will be said again.
func (p *Planner) measured(m Measured) {
	e := p.live
	if e == nil || e.id != m.Epoch || len(m.Timings) != len(e.parts) {
		return
	}
	p.stuck = never
	for i, t := range m.Timings {
		s := &e.parts[i]
		if s.measuredNS == 0 {
			s.measuredNS = t.ComputeNS
		}
		s.measuredNS += (t.ComputeNS - s.measuredNS) / 16
	}
}

// Propose is a dry run: what would be placed on at most so many shards (0 is the scale in force), without those that
// are excluded. It changes nothing.
func (p *Planner) Propose(shards int, exclude ...string) wire.PlanReply {
	nodes := slices.DeleteFunc(p.available(), func(n place.Node) bool { return slices.Contains(exclude, n.Name) })
	o := p.options()
	if shards > 0 {
		o.MaxStages = shards
	}
	reply := wire.PlanReply{Stages: []wire.StageStatus{}}
	placement, err := place.Place(p.cfg.Model, nodes, o)
	if err != nil {
		reply.Infeasible = err.Error()
		return reply
	}
	reply.KVBlocks, reply.StepNS, reply.SlowestNS = placement.KVBlocks, placement.StepNS, placement.SlowestNS
	for _, s := range placement.Stages {
		reply.Stages = append(reply.Stages, placedStage(s))
	}
	return reply
}
