package plan

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

func TestEpochNames(t *testing.T) {
	id := epochID(3, 0xabc, 12)
	if id>>32 != 3 || saltOf(id) != 0xabc || FormatEpoch(id) != "3.12" {
		t.Errorf("%x: salt %x, %s", id, saltOf(id), FormatEpoch(id))
	}
	if epochID(3, 0xfff, 1<<countBits-1) >= epochID(4, 0, 1) {
		t.Error("an epoch of a lower term is higher")
	}
}

func TestBackoff(t *testing.T) {
	for n, want := range []time.Duration{1, 2, 4, 8, 10, 10} {
		if got := backoff(time.Second, n, 10*time.Second); got != want*time.Second {
			t.Errorf("after %d: %s, want %ds", n, got, want)
		}
	}
	if got := backoff(time.Second, math.MaxInt, time.Minute); got != time.Minute {
		t.Error(got)
	}
}

func TestTimingsDefaults(t *testing.T) {
	if got := (Timings{}).withDefaults(); got != DefaultTimings() {
		t.Errorf("%+v", got)
	}
	if got := (Timings{Gather: time.Hour}).withDefaults(); got.Gather != time.Hour || got.Wake != DefaultTimings().Wake {
		t.Errorf("%+v", got)
	}
}

func TestNothingHappensBeforeStart(t *testing.T) {
	w := newWorld(t, 1, 8e9)
	p := New(Config{Model: w.model, ModelID: "m", Wire: 1, Arithmetic: 1})
	for _, ev := range []Event{
		Tick{}, Heard{wire.NodeMessage{Hello: &wire.Hello{Node: "a", Boot: "b", Promised: 9}}}, Scale{2}, BusLost{}, BusBack{},
	} {
		if out := p.Apply(0, ev, nil); len(out) > 0 {
			t.Errorf("%T: %v", ev, out)
		}
	}
	out := p.Apply(0, Start{}, nil)
	if s, ok := out[0].(Persist); !ok || s.State.Term != 1 {
		t.Errorf("the first command is %#v, want Persist", out[0])
	}
	if out := p.Apply(0, Start{}, nil); len(out) > 0 {
		t.Errorf("a second Start: %v", out)
	}
}

// A clock that goes back must not make a shard suspect or send the planner into the past.
func TestClockThatGoesBack(t *testing.T) {
	w, c := threeReady(t, 8)
	at, latest := w.now, c.p.now
	w.now -= time.Second
	c.apply(Tick{})
	if c.p.now < latest {
		t.Errorf("time went back to %s", c.p.now)
	}
	w.now = at
	w.run(w.now + 5*time.Second)
	if !c.ready() {
		w.fail("not ready any more")
	}
}

func TestNodesAreBounded(t *testing.T) {
	p := New(Config{Model: testModel(4), ModelID: "m", Wire: 1, Arithmetic: 1, Digest: "d"})
	p.Apply(0, Start{}, nil)
	for i := range 10 * maxNodes {
		name := fmt.Sprint("n", i)
		p.Apply(0, Heard{wire.NodeMessage{Hello: &wire.Hello{Node: name, Boot: "b", Wire: 1, Arithmetic: 1, Digest: "d", Model: "other"}}}, nil)
		p.Apply(0, Heard{wire.NodeMessage{Beat: &wire.Beat{Node: name, Boot: "c"}}}, nil)
		p.Apply(0, Heard{wire.NodeMessage{Hello: &wire.Hello{Node: "n0", Boot: fmt.Sprint(i)}}}, nil)
	}
	if len(p.nodes) > maxNodes || len(p.inquiries) > maxInquiries || len(p.ended["n0"]) > maxEnded {
		t.Errorf("%d nodes, %d inquiries, %d boots", len(p.nodes), len(p.inquiries), len(p.ended["n0"]))
	}
}

func TestLostShardsAreForgotten(t *testing.T) {
	w, c := threeReady(t, 9)
	w.shards[2].crash()
	if !w.runUntil(10*time.Second, func() bool { return c.ready() && len(c.live.Stages) == 2 }) {
		w.fail("not ready")
	}
	dead := func() bool {
		return slices.ContainsFunc(c.p.Status().Nodes, func(n wire.NodeStatus) bool { return n.State == "dead" })
	}
	if !dead() {
		w.fail("the lost shard is not shown")
	}
	w.run(w.now + DefaultTimings().Forget)
	if dead() {
		w.fail("the lost shard is shown for ever")
	}
}

// A shard that dies again and again is not put to use each time, unless nothing fits without it.
func TestFlappingShardRests(t *testing.T) {
	for _, c := range []struct {
		memory int64
		most   int
		needed bool
	}{{8e9, 5, false}, {450e6, 100, true}} {
		w := newWorld(t, 10, c.memory, c.memory, c.memory)
		coord := w.coordinator("coord", 3)
		epochs := 0
		coord.onReady = func(Ready) { epochs++ }
		coord.start()
		w.shards[0].start()
		w.shards[1].start()
		for range 10 {
			w.shards[2].start()
			w.run(w.now + 3*time.Second)
			if c.needed && !coord.ready() {
				w.fail("not ready, though all are here: %+v", coord.p.Status())
			}
			w.shards[2].crash()
			w.run(w.now + 2*time.Second)
		}
		// It is used three times, with a plan of two between; after that it rests longer than it lives.
		if got := len(slices.DeleteFunc(slices.Clone(coord.logs), func(l Log) bool { return l.Kind != Planned })); !c.needed && got > 10 {
			w.fail("%d plans, %d epochs", got, epochs)
		}
		w.shards[2].start()
		if !w.runUntil(70*time.Second, func() bool { return coord.ready() && len(coord.live.Stages) == 3 }) {
			w.fail("it is never used again")
		}
	}
}

func TestBusyIsAShare(t *testing.T) {
	n := newNode(wire.Hello{Node: "a", Boot: "b"}, 0)
	for i := range 30 {
		n.take(wire.Beat{BusyNS: int64(i) * 25e6}, time.Duration(i)*100*time.Millisecond)
	}
	if math.Abs(n.busy-0.25) > 1e-9 {
		t.Errorf("busy %v, want 0.25", n.busy)
	}
	n.take(wire.Beat{BusyNS: 0}, time.Minute)
	if n.busy != 0 {
		t.Errorf("busy %v after the counter went back", n.busy)
	}
}

func TestStatusWhileLoading(t *testing.T) {
	w := newWorld(t, 11, 8e9)
	c := w.coordinator("coord", 1)
	c.start()
	w.shards[0].start()
	seen := map[string]bool{}
	for !c.ready() && w.now < 10*time.Second {
		w.run(w.now + time.Millisecond)
		s := c.p.Status()
		seen[s.State] = true
		if s.Reason == "" && !s.Ready {
			w.fail("%s without a reason", s.State)
		}
		if s.Ready != (s.State == "ready") {
			w.fail("state %s, ready %v", s.State, s.Ready)
		}
	}
	for _, state := range []string{"waiting", "promising", "preparing", "committing", "canary", "ready"} {
		if !seen[state] {
			t.Errorf("state %s was not seen in %v", state, seen)
		}
	}
}
