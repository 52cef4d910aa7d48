package bus

import (
	"hash/fnv"
	"math/rand/v2"
	"strings"
	"time"
)

// stream is the messages of one sender to one receiver on one subject.
type stream struct{ from, to, subject string }

type streamState struct {
	key  uint64 // of the stream
	sent uint64
	last time.Time // when the last message in order is due
}

// fate is what happens to one message.
type fate struct {
	drop   bool
	late   bool
	copies int
	delay  time.Duration
}

// stream finds a stream's state. The answers to a connection's requests are one stream: their subjects differ.
func (n *Net) stream(from, to, subject string) *streamState {
	if strings.HasPrefix(subject, inboxPrefix) {
		subject = inboxPrefix
	}
	k := stream{from, to, subject}
	st := n.streams[k]
	if st == nil {
		h := fnv.New64a()
		h.Write([]byte(from + "\x00" + to + "\x00" + subject))
		st = &streamState{key: h.Sum64()}
		n.streams[k] = st
	}
	return st
}

// decide draws the fate of the stream's next message. Every draw is made whatever the faults are, so that changing
// one probability leaves the other decisions as they were.
func (st *streamState) decide(seed uint64, f Faults) fate {
	st.sent++
	r := rand.New(rand.NewPCG(seed, st.key+st.sent*0x9e3779b97f4a7c15))
	drop, twice, late, jitter := r.Float64(), r.Float64(), r.Float64(), r.Float64()
	out := fate{drop: drop < f.Drop, late: late < f.Reorder, copies: 1}
	out.delay = f.Delay + time.Duration(jitter*float64(f.Jitter))
	if twice < f.Duplicate {
		out.copies = 2
	}
	return out
}
