package plan

import (
	"fmt"
	"time"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// canaryDone makes an epoch ready, or begins another after a while.
func (p *Planner) canaryDone(c CanaryDone) {
	if p.live == nil || p.live.id != c.Epoch || p.live.phase != canary {
		return
	}
	if c.Err != "" {
		p.failCanary(c.Err)
		return
	}
	p.live.enter(serving, p.now)
	p.canaryFailed, p.raises = 0, 0
	for i := range p.live.parts {
		p.live.parts[i].node.failures = 0
	}
	p.log(CanaryPassed, nil, "canary passed: epoch %s is ready", FormatEpoch(c.Epoch))
}

func (p *Planner) failCanary(why string) {
	pause := backoff(time.Second, p.canaryFailed, 30*time.Second)
	p.canaryFailed++
	p.log(CanaryFailed, nil, "canary failed: %s; a new epoch in %s", why, pause)
	p.pause("canary failed: " + why)
	if p.next == nil {
		p.urgent = p.now + pause
	}
}

func (p *Planner) checkCanary() {
	if p.live != nil && p.live.phase == canary && p.now-p.live.since >= p.t.CanaryWithin {
		p.failCanary(fmt.Sprintf("no token in %s", p.t.CanaryWithin))
	}
}

// laneStuck asks every stage for its promise again. The answer comes from the goroutine that computes, so a shard that
// only beats is told from one that works.
func (p *Planner) laneStuck(id uint64) {
	if p.live == nil || p.live.id != id || p.stuck != never {
		return
	}
	p.stuck, p.heardAll = p.now, never
	for i := range p.live.parts {
		n := p.live.parts[i].node
		n.probeAt, n.answered = p.now, false
		p.probe(n)
		p.live.parts[i].repeat = p.now
	}
}

// checkStuck leaves out a stage that does not answer. Once all have, the steps that were asked for again have a moment to come
// back, which ends the matter (measured); then a new epoch begins.
func (p *Planner) checkStuck() {
	if p.stuck == never || p.live == nil {
		return
	}
	waiting := false
	for i := range p.live.parts {
		s := &p.live.parts[i]
		n := s.node
		if n.answered {
			continue
		}
		waiting = true
		if p.now-max(p.stuck, n.moved) >= p.t.StuckAnswer {
			p.leaveOut(n, "does not answer orders")
			p.pause(n.name + " does not answer orders")
			return
		}
		if s.repeat <= p.now {
			s.repeat = p.now + p.t.Repeat
			p.askPromise(n)
		}
	}
	switch {
	case waiting:
	case p.heardAll == never:
		p.heardAll = p.now
	case p.now-p.heardAll >= p.t.StuckRepair:
		p.pause("steps did not come back")
		p.urgent = p.now
	}
}

// releaseIdle tells shards that hold layers of a former plan, and have none now, to drop them. Nothing is answered to it:
// it is repeated until the beats show that no epoch is held, and three times at least.
func (p *Planner) releaseIdle() {
	if p.live == nil || p.live.phase != serving {
		return
	}
	for _, n := range p.nodes {
		if p.live.part(n) != nil || p.next.part(n) != nil || !n.usable() || n.promised != p.term || n.release > p.now {
			continue
		}
		holds := n.beat.Epoch != 0 && n.beat.Epoch < p.live.id
		if !holds && !n.touched {
			continue
		}
		n.release = p.now + 2*p.t.Repeat
		if n.releases++; n.releases >= 3 {
			n.touched = false
		}
		p.send(n, wire.ControlMessage{Release: &wire.Release{Epoch: p.live.id}})
	}
}
