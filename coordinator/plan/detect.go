package plan

import "time"

// detect finds shards that are silent, probes them, and gives up those that are gone.
func (p *Planner) detect() {
	for _, n := range p.nodes {
		if n.leftOut != 0 && n.leftOut <= p.now {
			n.leftOut, n.why = 0, ""
		}
		if n.rests != 0 && n.rests <= p.now {
			n.rests = 0
			p.joined()
		}
		silent := p.now-n.heard >= p.t.Suspect
		switch {
		case n.lost || !silent:
		case n.refused != "":
			if p.now-n.heard >= p.t.ProbeFails {
				p.lose(n, "it is silent")
			}
		case n.gossipDead:
			p.lose(n, "it is silent, and gossip has lost it too")
		default:
			p.doubt(n)
		}
	}
}

// doubt probes a silent shard.
func (p *Planner) doubt(n *node) {
	if !n.suspect {
		n.suspect, n.probeAt = true, p.now
		p.log(Suspect, n, "%s has been silent for %s: probing it", n.name, (p.now - n.heard).Round(10*time.Millisecond))
	}
	p.probe(n)
}

func (p *Planner) probe(n *node) {
	if n.probeAt <= p.now {
		n.probeAt = p.now + p.t.ProbeEvery
		p.do(Probe{n.name, n.boot})
	}
}

func (p *Planner) probed(r ProbeResult) {
	n := p.boot(r.Node, r.Boot)
	if n == nil || n.refused != "" {
		return
	}
	if r.Outcome == Answered {
		p.hear(n)
		if r.Beat != nil && r.Beat.Node == n.name && r.Beat.Boot == n.boot {
			p.beaten(*r.Beat)
		}
		return
	}
	if n.lost || p.busLost {
		return
	}
	n.unanswered = min(n.unanswered, p.now)
	if r.Outcome == NoResponders {
		n.noResponders = min(n.noResponders, p.now)
	} else {
		n.noResponders = never
	}
	p.judge(n)
}

// judge loses a shard whose probes have failed for long enough. Silence alone does not count: two probes at least have
// come back without an answer.
func (p *Planner) judge(n *node) {
	switch {
	case p.now < p.grace || p.now-n.heard < p.t.Suspect:
	case p.now-n.noResponders >= p.t.ProbeEvery && n.noResponders != never:
		p.lose(n, "it has no connection any more")
	case p.now-n.heard >= p.t.Suspect+p.t.ProbeFails && p.now > n.unanswered:
		p.lose(n, "it does not answer")
	}
}

func (p *Planner) gossip(g Gossip) {
	n := p.boot(g.Node, g.Boot)
	switch {
	case n == nil && g.Alive:
		p.inquire(g.Node, g.Boot)
	case n == nil:
	case g.Alive:
		n.gossipDead = false
	default:
		n.gossipDead, n.probeAt = true, p.now
		if !n.lost && !p.busLost {
			p.probe(n)
		}
	}
}

func (p *Planner) loseBus() {
	if !p.busLost {
		p.busLost = true
		p.log(Bus, nil, "the connection to the bus is lost; nobody is judged until it is back")
	}
}

func (p *Planner) regainBus() {
	if !p.busLost {
		return
	}
	p.busLost, p.grace = false, p.now+p.t.Grace
	p.log(Bus, nil, "the connection to the bus is back")
	p.excuse()
	p.do(Announce{p.term})
}

// excuse forgives all silence so far: it was this side that did not hear or speak.
func (p *Planner) excuse() {
	for _, n := range p.nodes {
		if !n.lost {
			n.calm(p.now)
			n.moved = p.now
		}
	}
	p.next.again(p.now)
	p.live.again(p.now)
	if p.live != nil && p.live.phase == canary {
		p.live.since = p.now
	}
	if p.stuck != never {
		p.stuck, p.heardAll = p.now, never
	}
}
