package plan

import (
	"fmt"
	"time"

	"github.com/stagecoach-llm/stagecoach/coordinator/place"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// guard pauses the live epoch when one of its shards is gone, and gives up the next one.
func (p *Planner) guard() {
	p.guardNext()
	if p.live == nil {
		return
	}
	if n := p.live.find(func(n *node) bool { return n.lost }); n != nil {
		p.pause(fmt.Sprintf("%s is lost: %s", n.name, n.why))
		p.urgent = p.now
	}
}

func (p *Planner) guardNext() {
	if p.next == nil {
		return
	}
	if n := p.next.find(func(n *node) bool { return n.lost || n.promised != p.term }); n != nil {
		p.abandon(n.name + ": " + n.why)
	}
}

// pause ends the live epoch.
func (p *Planner) pause(reason string) {
	if p.live == nil {
		return
	}
	p.log(Paused, nil, "epoch %s is paused: %s", FormatEpoch(p.live.id), reason)
	p.live, p.stuck, p.reason = nil, never, reason
	p.do(Pause{reason})
}

// advance drives the epoch that is on its way: prepared on all, then committed on all, then live.
func (p *Planner) advance() {
	p.guardNext()
	if p.next == nil {
		return
	}
	if p.next.phase == preparing && p.next.done() {
		p.pause(fmt.Sprintf("epoch %s takes over", FormatEpoch(p.next.id)))
		p.next.enter(committing, p.now)
	}
	if p.next.phase == committing && p.next.done() {
		p.goLive()
		return
	}
	p.order()
}

// order repeats what has not been answered, and leaves out whoever does not answer and does not move either.
func (p *Planner) order() {
	e := p.next
	for i := range e.parts {
		s := &e.parts[i]
		if s.done {
			continue
		}
		if patience, what := p.patience(s); p.now-max(s.asked, s.node.moved) >= patience {
			p.leaveOut(s.node, what)
			p.abandon(s.node.name + " " + what)
			p.decide()
			return
		}
		if s.repeat <= p.now {
			again := s.repeat > s.asked
			s.repeat = p.now + p.t.Repeat
			p.instruct(e, i)
			if again && e.phase == preparing && !s.obeys {
				p.askPromise(s.node)
			}
		}
	}
}

// patience with a shard that is loading is longer. Before its first progress shows, that it obeys is told by its answer to
// a Promise: the goroutine that takes orders is not the one that loads.
func (p *Planner) patience(s *part) (time.Duration, string) {
	if p.next.phase == preparing && (s.obeys || s.node.beat.ToLoad > 0) {
		return p.t.LoadStalls, "has stopped in the middle of loading"
	}
	return p.t.Answer, "does not answer orders"
}

func (p *Planner) instruct(e *epoch, i int) {
	n := e.parts[i].node
	if e.phase == committing {
		p.send(n, wire.ControlMessage{Commit: &wire.Commit{Epoch: e.id}})
		return
	}
	n.touched, n.releases = true, 0
	p.send(n, p.prepareMessage(e, i))
}

func (p *Planner) prepared(m wire.Prepared) {
	n := p.boot(m.Node, m.Boot)
	if n == nil {
		return
	}
	p.hear(n)
	p.compareEpoch(m.Epoch)
	s := p.next.part(n)
	if s == nil || p.next.id != m.Epoch || p.next.phase != preparing || s.done {
		return
	}
	if m.Error != "" {
		why := "could not load its layers: " + m.Error
		p.leaveOut(n, why)
		p.abandon(n.name + " " + why)
		return
	}
	s.done = true
	p.logLayers(Loaded, p.next, s, fmt.Sprintf("%s has loaded %s", n.name, layers(s.first, s.last)))
}

func (p *Planner) committed(name, boot string, id uint64) {
	n := p.boot(name, boot)
	if n == nil {
		return
	}
	p.hear(n)
	p.compareEpoch(id)
	if s := p.next.part(n); s != nil && p.next.id == id && p.next.phase == committing {
		s.done = true
	}
}

func (p *Planner) goLive() {
	p.live, p.next = p.next, nil
	e := p.live
	e.enter(canary, p.now)
	p.lives++
	p.ranges, p.stuck, p.reason = e.placement.Ranges(), never, ""
	nodes := make([]place.Node, len(e.parts))
	for i := range e.parts {
		nodes[i] = e.parts[i].node.forPlacing()
	}
	p.log(Committed, nil, "epoch %s is committed on %s", FormatEpoch(e.id), plural(len(e.parts), "stage"))
	p.do(Ready{Epoch: e.id, Stages: e.stages(), Nodes: nodes, KVBlocks: e.placement.KVBlocks})
}
