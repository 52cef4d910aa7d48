package plan

import (
	"fmt"
	"slices"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

const (
	maxNodes     = 256 // known at once
	maxInquiries = 256 // strangers that were asked for a Hello in the last second
	maxEnded     = 8   // ended boots remembered of each node
)

func (p *Planner) heard(m wire.NodeMessage) {
	switch {
	case m.Hello != nil:
		p.hello(*m.Hello)
	case m.Beat != nil:
		p.beaten(*m.Beat)
	case m.Promised != nil:
		p.promised(*m.Promised)
	case m.Prepared != nil:
		p.prepared(*m.Prepared)
	case m.Committed != nil:
		p.committed(m.Committed.Node, m.Committed.Boot, m.Committed.Epoch)
	case m.Leaving != nil:
		p.leaving(m.Leaving.Node, m.Leaving.Boot)
	}
}

func (p *Planner) hello(h wire.Hello) {
	if h.Node == "" || h.Boot == "" || slices.Contains(p.ended[h.Node], h.Boot) {
		return
	}
	n := p.find(h.Node)
	if n == nil || n.boot != h.Boot {
		if n = p.admit(n, h); n == nil {
			return
		}
	}
	p.hear(n)
	p.compareTerm(n, h.Promised, true)
}

// admit makes a member of a boot that was not known; old is the boot of the same node that it replaces, or nil.
func (p *Planner) admit(old *node, h wire.Hello) *node {
	n := newNode(h, p.now)
	i, _ := p.search(h.Node)
	if old != nil {
		p.lose(old, "it was restarted")
		p.end(old)
		p.nodes[i] = n
	} else {
		if len(p.nodes) >= maxNodes {
			return nil
		}
		p.nodes = slices.Insert(p.nodes, i, n)
	}
	if n.refused = p.refusal(h); n.refused != "" {
		p.log(Refused, n, "%s is refused: %s", n.name, n.refused)
		return n
	}
	p.firstHello = min(p.firstHello, p.now)
	p.log(Found, n, "found %s%s", n.name, describe(h))
	return n
}

// refusal is why a shard cannot serve here, "" if it can.
func (p *Planner) refusal(h wire.Hello) string {
	if p.digest == "" {
		p.digest = h.Digest
	}
	switch {
	case h.Wire != p.cfg.Wire:
		return fmt.Sprintf("it speaks wire version %d, this coordinator %d; run the same release on both", h.Wire, p.cfg.Wire)
	case h.Model != p.cfg.ModelID:
		return fmt.Sprintf("it has model %s, this coordinator serves %s; start it with the same file", short(h.Model), short(p.cfg.ModelID))
	case h.Arithmetic != p.cfg.Arithmetic:
		return fmt.Sprintf("its arithmetic is version %d, here it is %d; run the same release on both", h.Arithmetic, p.cfg.Arithmetic)
	case h.Digest != p.digest:
		return fmt.Sprintf("its kernels (%s) compute other bits: self-test %s, expected %s", h.Kernels, short(h.Digest), short(p.digest))
	}
	return ""
}

// beaten takes a beat. A stranger is asked who it is.
func (p *Planner) beaten(b wire.Beat) {
	n := p.boot(b.Node, b.Boot)
	if n == nil {
		p.inquire(b.Node, b.Boot)
		return
	}
	p.hear(n)
	n.take(b, p.now)
	p.compareTerm(n, b.Promised, false)
	p.compareEpoch(b.Epoch)
	if b.Epoch != 0 {
		p.committed(b.Node, b.Boot, b.Epoch)
	}
}

// inquire asks a stranger for a Hello, once a second.
func (p *Planner) inquire(name, boot string) {
	if name == "" || boot == "" || slices.Contains(p.ended[name], boot) {
		return
	}
	key := name + " " + boot
	if at, ok := p.inquiries[key]; ok && p.now < at {
		return
	}
	if len(p.inquiries) >= maxInquiries {
		clear(p.inquiries)
	}
	p.inquiries[key] = p.now + 2*p.t.Repeat
	p.do(Send{name, boot, wire.ControlMessage{Announce: &wire.Announce{Term: p.term}}})
}

func (p *Planner) leaving(name, boot string) {
	if n := p.boot(name, boot); n != nil && !n.lost {
		p.lose(n, "it has left")
		p.end(n)
	}
}

// end remembers a boot that will not come back, so that a late message of it is not taken for a new one.
func (p *Planner) end(n *node) {
	boots := append(p.ended[n.name], n.boot)
	p.ended[n.name] = boots[max(0, len(boots)-maxEnded):]
}

// hear takes note that a shard lives.
func (p *Planner) hear(n *node) {
	if n.lost && !slices.Contains(p.ended[n.name], n.boot) {
		n.lost, n.why = false, ""
		n.promised, n.asked, n.askAt = 0, 0, p.now
		p.log(Back, n, "%s is back", n.name)
	} else if n.suspect {
		p.log(Back, n, "%s is heard again", n.name)
	}
	n.calm(p.now)
}

// lose counts a shard as gone. What follows for the epochs is seen by guard and advance.
func (p *Planner) lose(n *node, why string) {
	if n.lost {
		return
	}
	n.lost, n.lostAt, n.why, n.suspect = true, p.now, why, false
	n.promised, n.touched = 0, false
	if n.refused == "" {
		p.log(Lost, n, "%s is lost: %s", n.name, why)
		p.urgent = p.now
	}
}

// leaveOut keeps a shard that failed out of plans for a while.
func (p *Planner) leaveOut(n *node, why string) {
	pause := backoff(5e9, n.failures, 300e9)
	n.failures++
	n.leftOut, n.why, n.promised, n.askAt = p.now+pause, why, 0, p.now+pause
	p.log(LeftOut, n, "%s is left out for %s: %s", n.name, pause, why)
	p.urgent = p.now
}

// forget drops shards that were lost long ago.
func (p *Planner) forget() {
	p.nodes = slices.DeleteFunc(p.nodes, func(n *node) bool {
		if !n.lost || p.now-n.lostAt < p.t.Forget {
			return false
		}
		delete(p.ended, n.name)
		return true
	})
}
