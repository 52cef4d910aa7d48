package plan

import (
	"fmt"
	"slices"
	"time"

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
	if h.Node == "" || h.Boot == "" || p.hasEnded(h.Node, h.Boot) {
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
	p.restAfterFalls(n)
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
	if name == "" || boot == "" || p.hasEnded(name, boot) {
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

// ended is a boot that was replaced or has left.
type ended struct {
	boot string
	at   time.Duration
	told bool
}

// end remembers a boot that will not come back, so that a late message of it is not taken for a new one.
func (p *Planner) end(n *node) {
	boots := append(p.ended[n.name], ended{boot: n.boot, at: p.now})
	p.ended[n.name] = boots[max(0, len(boots)-maxEnded):]
}

// hasEnded tells whether a boot is past. One that goes on speaking is a second process of the same name.
func (p *Planner) hasEnded(name, boot string) bool {
	for i := range p.ended[name] {
		e := &p.ended[name][i]
		if e.boot != boot {
			continue
		}
		if !e.told && p.now-e.at >= p.t.Answer {
			e.told = true
			p.log(Refused, p.find(name), "two processes call themselves %s: the later one is used; name one of them otherwise, or stop it", name)
		}
		return true
	}
	return false
}

// hear takes note that a shard lives.
func (p *Planner) hear(n *node) {
	if n.lost && !p.hasEnded(n.name, n.boot) {
		n.lost, n.why = false, ""
		n.promised, n.asked, n.askAt = 0, 0, p.now
		p.log(Back, n, "%s is back", n.name)
		p.restAfterFalls(n)
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
	p.countFall(n)
	n.lost, n.lostAt, n.why, n.suspect = true, p.now, why, false
	n.promised, n.touched = 0, false
	if n.refused == "" {
		p.log(Lost, n, "%s is lost: %s", n.name, why)
		p.urgent = p.now
	}
}

// countFall counts how often in a row a shard was lost from an epoch. A minute of service makes up for it all.
func (p *Planner) countFall(n *node) {
	if p.live.part(n) != nil && p.live.phase == serving && p.now-p.live.since >= time.Minute {
		p.falls[n.name] = 0
	}
	if p.live.part(n) != nil || p.next.part(n) != nil {
		p.falls[n.name]++
	}
}

// restAfterFalls keeps a shard that comes and goes from ending everybody's work each time.
func (p *Planner) restAfterFalls(n *node) {
	falls := p.falls[n.name]
	if falls < 3 {
		return
	}
	pause := backoff(5*time.Second, falls-3, time.Minute)
	n.rests = p.now + pause
	p.log(LeftOut, n, "%s was lost %d times in a row: it rests for %s unless it is needed", n.name, falls, pause)
}

// leaveOut keeps a shard that failed out of plans for a while.
func (p *Planner) leaveOut(n *node, why string) {
	pause := backoff(5*time.Second, n.failures, 5*time.Minute)
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
		delete(p.falls, n.name)
		return true
	})
}
