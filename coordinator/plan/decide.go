package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/stagecoach-llm/stagecoach/coordinator/place"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// decide looks at the placement when something has changed, and begins a new epoch if another one is better.
func (p *Planner) decide() {
	if p.next != nil || p.now < min(p.urgent, p.join) {
		return
	}
	if p.awaitsCanary() || p.awaitsPromises() || p.awaitsMore() {
		return
	}
	p.urgent, p.join, p.joins = never, never, never
	placement, err := place.Place(p.cfg.Model, p.rested(), p.options())
	if err != nil {
		placement, err = place.Place(p.cfg.Model, p.available(), p.options())
	}
	switch {
	case err != nil:
		p.doesNotFit(err)
	case p.live != nil && !p.force && p.live.same(placement, p.find):
		p.reason = ""
	default:
		p.begin(placement)
	}
}

// awaitsCanary: a change that is no emergency lets the live epoch prove itself first.
func (p *Planner) awaitsCanary() bool { return p.live != nil && p.live.phase == canary }

// awaitsPromises gives the shards a moment to promise a new term, so that the plan is made with all of them.
func (p *Planner) awaitsPromises() bool {
	if p.now-p.raised >= 2*p.t.Repeat {
		return false
	}
	return slices.ContainsFunc(p.nodes, func(n *node) bool { return p.owesPromise(n) && !n.suspect })
}

func (p *Planner) owesPromise(n *node) bool {
	return n.usable() && n.leftOut <= p.now && n.promised != p.term
}

// awaitsMore tells whether the very first plan should wait for shards that are expected.
func (p *Planner) awaitsMore() bool {
	have := len(p.available())
	if p.lives > 0 || have >= p.cfg.Want || p.firstHello == never || p.now-p.firstHello >= p.t.WantWithin {
		return false
	}
	p.wait(fmt.Sprintf("%d of %s expected have joined", have, plural(p.cfg.Want, "shard")))
	return true
}

// rested are the available shards that do not rest.
func (p *Planner) rested() []place.Node {
	return slices.DeleteFunc(p.available(), func(n place.Node) bool { return p.find(n.Name).rests > p.now })
}

// available are the shards that may be given layers.
func (p *Planner) available() []place.Node {
	var nodes []place.Node
	for _, n := range p.nodes {
		if n.usable() && n.promised == p.term && n.leftOut <= p.now && !p.isDrained(n.name) {
			nodes = append(nodes, n.forPlacing())
		}
	}
	return nodes
}

func (p *Planner) options() place.Options {
	o := p.cfg.Placement
	o.MaxStages, o.Current = p.scale, p.ranges
	return o
}

// doesNotFit says what is missing. What serves goes on.
func (p *Planner) doesNotFit(err error) {
	text := err.Error()
	var missing *place.Infeasible
	if errors.As(err, &missing) {
		for _, n := range p.nodes {
			if n.usable() && n.leftOut > p.now {
				text += fmt.Sprintf("; %s is left out: %s", n.name, n.why)
			}
		}
		if len(p.drained) > 0 {
			text += "; drained: " + strings.Join(p.drained, ", ")
		}
	}
	if p.live != nil {
		text = "serving on as before, since what was asked for does not fit: " + text
	}
	p.wait(text)
}

// wait says once why nothing happens.
func (p *Planner) wait(reason string) {
	if p.reason != reason {
		p.reason = reason
		p.log(Waiting, nil, "%s", reason)
	}
}

// begin starts to prepare a placement.
func (p *Planner) begin(placement place.Placement) {
	p.count++
	p.force, p.reason = false, ""
	e := &epoch{id: p.id(p.count), placement: placement}
	for _, s := range placement.Stages {
		e.parts = append(e.parts, part{node: p.find(s.Node), first: s.First, last: s.Last})
	}
	e.enter(preparing, p.now)
	p.next = e
	p.log(Planned, nil, "epoch %s: %s", FormatEpoch(e.id), describePlacement(placement))
	for i := range e.parts {
		s := &e.parts[i]
		p.logLayers(Loading, e, s, fmt.Sprintf("loading %s on %s", layers(s.first, s.last), s.node.name))
	}
	p.advance()
}

func describePlacement(pl place.Placement) string {
	text := plural(len(pl.Stages), "stage")
	for i, s := range pl.Stages {
		text += map[bool]string{true: ": ", false: ", "}[i == 0]
		text += fmt.Sprintf("%s on %s", layers(s.First, s.Last), s.Node)
	}
	for _, l := range pl.LeftOut {
		text += fmt.Sprintf("; without %s: %s", l.Node, l.Reason)
	}
	return text
}

// abandon gives up the epoch that is on its way.
func (p *Planner) abandon(why string) {
	p.log(Abandoned, nil, "epoch %s is abandoned: %s", FormatEpoch(p.next.id), why)
	p.next, p.urgent = nil, p.now
}

// prepareMessage is the order for one stage.
func (p *Planner) prepareMessage(e *epoch, index int) wire.ControlMessage {
	return wire.ControlMessage{Prepare: &wire.Prepare{
		Epoch: e.id, Model: p.cfg.ModelID, Stages: e.stages(), Index: index,
		KVBlocks: e.placement.KVBlocks, KVType: p.cfg.KVType,
	}}
}
