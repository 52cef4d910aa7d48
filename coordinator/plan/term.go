package plan

import (
	"fmt"
	"time"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// maxRaises is how often in a row the term is raised before another coordinator must be the reason.
const maxRaises = 3

// raise takes a term above all known ones. Every shard has to promise it; a live epoch of a former term serves on.
func (p *Planner) raise() {
	p.term = max(p.term, p.highest) + 1
	p.highest = p.term
	p.count, p.raiseAt, p.raised = 0, never, p.now
	p.persist()
	for _, n := range p.nodes {
		n.promised, n.asked = 0, 0
		n.askAt = max(p.now, n.leftOut)
	}
	if p.next != nil {
		p.abandon("the term is raised")
	}
	if p.live != nil {
		p.force, p.urgent = true, p.now
	}
}

// compareTerm looks for promises to others. A shard that has promised us and now has a higher term was asked by another
// coordinator that lives; one that we have not asked yet may only remember an earlier one.
func (p *Planner) compareTerm(n *node, promised uint64, hello bool) {
	switch {
	case promised > p.term:
		p.outranked(promised, n.promised == p.term)
	case hello && promised == p.term && n.asked != p.term && p.count == 0:
		p.outranked(promised, false)
	}
}

// compareEpoch looks for epochs of others.
func (p *Planner) compareEpoch(id uint64) {
	switch {
	case id>>32 > p.term:
		p.outranked(id>>32, false)
	case id>>32 == p.term && id > p.id(p.count), id>>32 == p.term && saltOf(id) != p.cfg.Salt:
		p.outranked(p.term, p.count > 0)
	}
}

func (p *Planner) id(n uint64) uint64 { return epochID(p.term, p.cfg.Salt, n) }

// outranked takes note of a higher term. If a living coordinator is proven to be behind it, this one gives way.
func (p *Planner) outranked(term uint64, proven bool) {
	if term > wire.MaxTerm {
		return // nobody counts so far: whoever says so is broken
	}
	p.highest = max(p.highest, term)
	if p.standDown != 0 {
		return // at its end the term is raised above the highest
	}
	if !proven && p.raises < maxRaises {
		// A moment, since the other shards' promises may be higher still.
		p.raiseAt = min(p.raiseAt, p.now+p.t.ProbeEvery)
		return
	}
	pause := backoff(p.t.StandDown, p.standDowns, 6*p.t.StandDown) + time.Duration(p.cfg.Salt)*time.Millisecond
	p.standDowns++
	p.standDown, p.raiseAt = p.now+pause, never
	if p.next != nil {
		p.abandon("another coordinator drives the shards")
	}
	p.log(Outranked, nil, "another coordinator drives the shards with term %d, this one has %d: standing down for %s; stop one of the two",
		p.highest, p.term, pause.Round(time.Second))
	p.pause("another coordinator drives the shards")
	p.reason = fmt.Sprintf("another coordinator drives the shards with term %d; stop one of the two", p.highest)
}

func (p *Planner) standingDown() bool { return p.standDown > p.now }

// checkTerm raises the term when the time for it has come. It tells whether orders may be given now.
func (p *Planner) checkTerm() bool {
	switch {
	case p.standingDown():
		return false
	case p.standDown != 0:
		p.standDown, p.raises, p.urgent = 0, 0, p.now
		p.raise()
		p.do(Announce{p.term})
	case p.raiseAt <= p.now:
		p.raises++
		p.raise()
	}
	return p.raiseAt == never
}

// askPromises asks every shard for the term until it has promised it.
func (p *Planner) askPromises() {
	for _, n := range p.nodes {
		if n.usable() && n.promised != p.term && n.askAt <= p.now {
			p.askPromise(n)
		}
	}
}

func (p *Planner) askPromise(n *node) {
	n.asked, n.askAt = p.term, p.now+p.t.Repeat
	p.send(n, wire.ControlMessage{Promise: &wire.Promise{Term: p.term}})
}

func (p *Planner) send(n *node, m wire.ControlMessage) { p.do(Send{n.name, n.boot, m}) }

func (p *Planner) promised(m wire.Promised) {
	n := p.boot(m.Node, m.Boot)
	if n == nil {
		return
	}
	p.hear(n)
	p.compareTerm(n, m.Term, false)
	if m.Term != p.term || n.asked != p.term || !n.usable() || p.now < n.leftOut {
		return
	}
	n.answered = true
	if s := p.next.part(n); s != nil {
		s.obeys = true
	}
	if n.promised != p.term {
		n.promised = p.term
		p.joined()
	}
}

// joined gathers joins, so that several shards that start together make one plan.
func (p *Planner) joined() {
	if p.joins == never {
		p.joins = p.now
	}
	p.join = min(p.now+p.t.Gather, p.joins+p.t.GatherMost)
	if p.lives == 0 && p.cfg.Want > 0 && len(p.available()) >= p.cfg.Want {
		p.join = p.now // everyone who was expected is here
	}
}
