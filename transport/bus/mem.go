package bus

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Net is a message bus in memory with faults. Every connection of one Net is a client of the same imagined server.
// Its zero value is not usable; make one with NewNet.
//
// What happens to a message follows from the seed, the names of sender and receiver, the subject, and how many
// messages went that way before: two runs in which each sender sends the same see the same faults, however the
// goroutines are scheduled.
type Net struct {
	seed uint64

	mu         sync.Mutex // guards everything below and the state of all connections; never held in a callback
	maxPayload int
	faults     func(from, to string, m Msg) Faults
	conns      []*MemConn
	streams    map[stream]*streamState
	arrivals   uint64
}

// Faults are what may happen to a message on its way to one receiver. Probabilities are 0..1.
type Faults struct {
	Drop      float64 // it never arrives
	Duplicate float64 // it arrives twice
	Reorder   float64 // those sent after it overtake it: it is late by Jitter and a millisecond more
	Delay     time.Duration
	Jitter    time.Duration // 0..Jitter is added to Delay; the order within a stream is kept
}

// NewNet makes a network without faults.
func NewNet(seed uint64) *Net {
	return &Net{
		seed: seed, maxPayload: DefaultMaxPayload, streams: map[stream]*streamState{},
		faults: func(string, string, Msg) Faults { return Faults{} },
	}
}

// SetFaults gives every message from now on the same faults.
func (n *Net) SetFaults(f Faults) {
	n.SetFaultsFunc(func(string, string, Msg) Faults { return f })
}

// SetFaultsFunc asks fn about every message from now on; from and to are names of connections. fn runs under the
// network's lock: it must not call the network, and must not keep or change m.Data.
func (n *Net) SetFaultsFunc(fn func(from, to string, m Msg) Faults) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.faults = fn
}

// SetMaxPayload sets the largest message in bytes; at first it is DefaultMaxPayload.
func (n *Net) SetMaxPayload(bytes int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.maxPayload = bytes
}

// Connect makes a connection. Names need not differ: Cut and Heal take all connections of a name.
func (n *Net) Connect(name string, e Events) *MemConn {
	c := &MemConn{net: n, name: name, events: e, gate: newGate(), down: make(chan struct{}), work: make(chan struct{}, 1)}
	c.ended.Go(c.runEvents)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.conns = append(n.conns, c)
	return c
}

// errCut is what Events.Disconnected is told.
var errCut = fmt.Errorf("%w: cut", ErrDisconnected)

// Cut takes the server away from the connections called name: what is on the way to them is lost, nobody is
// subscribed for them, their requests fail, and Events.Disconnected is called.
func (n *Net) Cut(name string) { n.each(name, (*MemConn).cutLocked) }

// Heal brings the connections called name back, with their subscriptions, and calls Events.Reconnected.
func (n *Net) Heal(name string) { n.each(name, (*MemConn).healLocked) }

// CutAll is the server's death.
func (n *Net) CutAll() { n.each("", (*MemConn).cutLocked) }

// HealAll is its return.
func (n *Net) HealAll() { n.each("", (*MemConn).healLocked) }

func (n *Net) each(name string, do func(*MemConn)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.conns {
		if name == "" || c.name == name {
			do(c)
		}
	}
}

// send delivers m from a connection to everybody who is subscribed and returns how many that are.
func (n *Net) send(from *MemConn, m Msg) int {
	now, receivers := time.Now(), 0
	for _, c := range n.conns {
		if c.cut {
			continue
		}
		for _, s := range c.subs {
			if matches(s.subject, m.Subject) {
				receivers++
				n.route(from, s, m, now)
			}
		}
	}
	return receivers
}

// route decides a message's fate on its way to one subscription.
func (n *Net) route(from *MemConn, s *memSub, m Msg, now time.Time) {
	st := n.stream(from.name, s.conn.name, m.Subject)
	f := n.faults(from.name, s.conn.name, m)
	fate := st.decide(n.seed, f)
	if fate.drop {
		return
	}
	due := now.Add(fate.delay)
	if due.Before(st.last) && !fate.late {
		due = st.last
	}
	if fate.late {
		due = due.Add(f.Jitter + time.Millisecond)
	} else {
		st.last = due
	}
	for range fate.copies {
		n.arrivals++
		own := m
		own.Data = slices.Clone(m.Data)
		s.push(pending{msg: own, due: due, seq: n.arrivals})
	}
}

// matches tells whether a subscription's pattern covers a subject: "*" is one token, ">" at the end all the rest.
func matches(pattern, subject string) bool {
	for {
		p, prest, pmore := strings.Cut(pattern, ".")
		if p == ">" && !pmore {
			return true
		}
		s, srest, smore := strings.Cut(subject, ".")
		if p != "*" && p != s || pmore != smore {
			return false
		}
		if !pmore {
			return true
		}
		pattern, subject = prest, srest
	}
}
