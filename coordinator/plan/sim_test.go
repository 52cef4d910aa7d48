package plan

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stagecoach-llm/stagecoach/coordinator/place"
)

// threeReady is a cluster of three shards that serves.
func threeReady(t *testing.T, seed uint64) (*world, *fakeCoord) {
	w := newWorld(t, seed, 8e9, 8e9, 8e9)
	c := w.coordinator("coord", 3)
	c.start()
	for _, s := range w.shards {
		s.start()
	}
	if !w.runUntil(10*time.Second, c.ready) {
		w.fail("not ready: %+v", c.p.Status())
	}
	if got := len(c.live.Stages); got != 3 {
		w.fail("%d stages", got)
	}
	return w, c
}

func TestLossIsFollowedByAPlan(t *testing.T) {
	for _, c := range []struct {
		name   string
		fault  func(s *fakeShard)
		within time.Duration // until the others are told to prepare
	}{
		{"killed", (*fakeShard).crash, 1500 * time.Millisecond},
		{"frozen", func(s *fakeShard) { s.frozen = true }, 5 * time.Second},
		{"killed and started again", func(s *fakeShard) { s.crash(); s.start() }, 200 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			for seed := range uint64(9) {
				w, coord := threeReady(t, seed)
				w.run(w.now + time.Duration(w.r.Int64N(2e9)))
				before := coord.live.Epoch
				c.fault(w.shards[seed%3])
				planned := func() bool { return coord.p.next != nil && coord.p.next.id > before }
				if !w.runUntil(c.within, planned) {
					w.fail("no plan in %s", c.within)
				}
				if coord.live != nil {
					w.fail("the old epoch was not paused")
				}
				if !w.runUntil(5*time.Second, coord.ready) {
					w.fail("not ready again")
				}
			}
		})
	}
}

// A shard whose computing goroutine hangs still beats. The lane gets stuck, and the plan goes on without it.
func TestHungShardIsLeftOut(t *testing.T) {
	w, c := threeReady(t, 1)
	w.shards[1].hung = true
	without := func() bool { return c.ready() && len(c.live.Stages) == 2 }
	if !w.runUntil(20*time.Second, without) {
		w.fail("not ready without it: %+v", c.p.Status())
	}
	w.shards[1].wake()
	if !w.runUntil(60*time.Second, func() bool { return c.ready() && len(c.live.Stages) == 3 }) {
		w.fail("it was not taken back")
	}
}

// A large first weight from a slow disk shows no progress for a while. That is no reason to leave its shard out.
func TestSlowLoadIsNotAHang(t *testing.T) {
	w := newWorld(t, 12, 8e9, 8e9)
	c := w.coordinator("coord", 2)
	c.start()
	w.shards[0].quiet = 30 * time.Second
	w.shards[0].start()
	w.shards[1].start()
	if !w.runUntil(40*time.Second, c.ready) || len(c.live.Stages) != 2 {
		w.fail("not ready on both: %+v", c.p.Status())
	}
	if l, ok := c.said(LeftOut); ok {
		w.fail("it said: %s", l.Text)
	}
}

// A join is prepared while the old epoch serves: the pause is the commit's, not the loading's.
func TestJoinDoesNotInterrupt(t *testing.T) {
	w := newWorld(t, 2, 8e9, 8e9, 8e9)
	c := w.coordinator("coord", 0)
	c.start()
	w.shards[0].start()
	w.shards[1].start()
	if !w.runUntil(10*time.Second, c.ready) {
		w.fail("not ready")
	}
	w.run(w.now + 5*time.Second)
	w.shards[2].start()
	if !w.runUntil(10*time.Second, func() bool { return c.p.next != nil && c.p.next.phase == preparing }) {
		w.fail("no plan")
	}
	if !c.ready() {
		w.fail("the old epoch is not served while the new one loads")
	}
	down := time.Duration(0)
	for end := w.now + 10*time.Second; w.now < end; w.run(w.now + time.Millisecond) {
		if !c.ready() {
			down += time.Millisecond
		}
	}
	if len(c.live.Stages) != 3 || !c.ready() {
		w.fail("three shards are not used")
	}
	if down > 300*time.Millisecond {
		w.fail("%s without a ready epoch", down)
	}
}

func TestReleaseFollowsDrain(t *testing.T) {
	w, c := threeReady(t, 3)
	c.apply(Drain{"shard-1"})
	if !w.runUntil(10*time.Second, func() bool { return c.ready() && len(c.live.Stages) == 2 }) {
		w.fail("not drained")
	}
	w.run(w.now + 3*time.Second)
	if w.shards[1].active != nil || w.shards[1].prepared != nil {
		w.fail("a drained shard keeps its layers")
	}
	if c.disk.Drained[0] != "shard-1" {
		w.fail("not persisted: %+v", c.disk)
	}
	c.apply(Undrain{"shard-1"})
	if !w.runUntil(10*time.Second, func() bool { return c.ready() && len(c.live.Stages) == 3 }) {
		w.fail("not used again")
	}
	c.apply(Scale{1})
	if !w.runUntil(10*time.Second, func() bool { return c.ready() && len(c.live.Stages) == 1 }) {
		w.fail("not scaled")
	}
}

// The coordinator's own outages are nobody else's: no shard is lost for them.
func TestOwnAbsence(t *testing.T) {
	t.Run("bus", func(t *testing.T) {
		w, c := threeReady(t, 4)
		c.offline = true
		c.apply(BusLost{})
		w.run(w.now + 20*time.Second)
		if c.ready() {
			w.fail("ready without a bus")
		}
		c.offline = false
		c.apply(BusBack{})
		ownAbsence(w, c)
	})
	t.Run("frozen", func(t *testing.T) {
		w, c := threeReady(t, 5)
		p := c.p
		c.p = nil // hears nothing, has no ticks
		w.run(w.now + 20*time.Second)
		c.p = p
		c.apply(Tick{})
		w.every(100*time.Millisecond, func() bool { c.apply(Tick{}); return true })
		ownAbsence(w, c)
	})
}

// Orders whose answers came while nobody listened are given again, and held against no one.
func TestOwnAbsenceWhilePreparing(t *testing.T) {
	w, c := threeReady(t, 6)
	c.apply(Drain{"shard-0"})
	w.run(w.now + 10*time.Millisecond)
	p := c.p
	c.p = nil
	w.run(w.now + 20*time.Second)
	c.p = p
	c.apply(Tick{})
	w.every(100*time.Millisecond, func() bool { c.apply(Tick{}); return true })
	if !w.runUntil(2*time.Second, func() bool { return c.ready() && len(c.live.Stages) == 2 }) {
		w.fail("not drained: %+v", c.p.Status())
	}
	if l, ok := c.said(LeftOut); ok {
		w.fail("it said: %s", l.Text)
	}
}

// A network that loses every fifth message delays a plan; it does not cost a shard its place.
func TestOrdersAreRepeated(t *testing.T) {
	for seed := range uint64(20) {
		w := newWorld(t, seed, 8e9, 8e9, 8e9)
		w.loss, w.delay = 0.2, 50*time.Millisecond
		c := w.coordinator("coord", 3)
		c.start()
		for _, s := range w.shards {
			s.start()
		}
		if !w.runUntil(15*time.Second, func() bool { return c.live != nil && len(c.live.Stages) == 3 }) {
			w.fail("no plan on three: %+v", c.p.Status())
		}
		if l, ok := c.said(LeftOut); ok {
			w.fail("it said: %s", l.Text)
		}
	}
}

func ownAbsence(w *world, c *fakeCoord) {
	w.t.Helper()
	w.run(w.now + 3*time.Second)
	if !w.runUntil(10*time.Second, c.ready) || len(c.live.Stages) != 3 {
		w.fail("not ready on all three: %+v", c.p.Status())
	}
	if l, ok := c.said(Lost); ok {
		w.fail("it said: %s", l.Text)
	}
}

func TestCoordinatorRestart(t *testing.T) {
	for _, disk := range []string{"kept", "lost"} {
		t.Run(disk, func(t *testing.T) {
			for seed := range uint64(8) {
				w, c := threeReady(t, seed)
				term := c.p.Term()
				c.crash()
				w.run(w.now + 2*time.Second)
				if disk == "lost" {
					c.disk = State{}
				}
				c.start()
				if !w.runUntil(5*time.Second, c.ready) {
					w.fail("not ready: %+v", c.p.Status())
				}
				if c.p.Term() <= term {
					w.fail("term %d after %d", c.p.Term(), term)
				}
			}
		})
	}
}

// Two that start at the same moment with equal disks must not share an epoch, and one of them must get on.
func TestTwinCoordinators(t *testing.T) {
	for seed := range uint64(16) {
		w := newWorld(t, seed, 8e9, 8e9, 8e9)
		a, b := w.coordinator("a", 3), w.coordinator("b", 3)
		a.start()
		b.start()
		for _, s := range w.shards {
			s.start()
		}
		if !w.runUntil(30*time.Second, func() bool { return a.ready() || b.ready() }) {
			w.fail("neither is ready")
		}
		w.run(w.now + 60*time.Second)
		b.crash()
		if !w.runUntil(90*time.Second, a.ready) {
			w.fail("the one that is left is not ready: %+v", a.p.Status())
		}
	}
}

// Whatever happens for a minute, afterwards the cluster serves if it can, and says why if it cannot.
func TestRecoversFromEverything(t *testing.T) {
	seeds := uint64(24)
	if testing.Short() {
		seeds = 20
	}
	feasible := 0
	for seed := range seeds {
		if recovers(t, seed) {
			feasible++
		}
	}
	if feasible < int(seeds)/4 || feasible == int(seeds) {
		t.Fatalf("%d of %d runs were feasible: the generator tests one kind only", feasible, seeds)
	}
}

func recovers(t *testing.T, seed uint64) (feasible bool) {
	w := newWorld(t, seed)
	memory := []int64{8e9, 700e6, 350e6}[w.r.IntN(3)]
	for i := range 2 + w.r.IntN(4) {
		w.shards = append(w.shards, &fakeShard{w: w, name: fmt.Sprintf("shard-%d", i), memory: memory})
	}
	w.loss = []float64{0, 0.01, 0.1}[w.r.IntN(3)]
	w.delay = []time.Duration{2 * time.Millisecond, 50 * time.Millisecond, 300 * time.Millisecond}[w.r.IntN(3)]
	a, b := w.coordinator("a", w.r.IntN(4)), w.coordinator("b", 0)
	a.start()
	for _, s := range w.shards {
		s.start()
	}
	w.every(200*time.Millisecond, func() bool {
		w.mishap(a, b)
		return w.now < time.Minute
	})
	w.run(time.Minute + 10*time.Second)
	w.heal(a, b)
	nodes := []place.Node{}
	for _, s := range w.shards {
		if !a.p.isDrained(s.name) {
			nodes = append(nodes, place.Node{Name: s.name, MemoryBytes: s.memory, BytesPerSec: 10e9, OpsPerSec: 100e9})
		}
	}
	o := place.Options{MinKVBlocks: 16, MaxStages: a.disk.Scale}
	_, err := place.Place(w.model, nodes, o)
	if err == nil {
		if !w.runUntil(150*time.Second, a.ready) {
			w.fail("seed %d: not ready: %+v", seed, a.p.Status())
		}
		steady(w, a)
		return true
	}
	w.run(w.now + 150*time.Second)
	if s := a.p.Status(); a.ready() && !strings.Contains(s.Reason, "serving on as before") ||
		!strings.Contains(s.Reason, err.Error()) {
		w.fail("seed %d: want reason %q, got %+v", seed, err, s)
	}
	return false
}

// steady: once everything is used that can be, nothing changes any more.
func steady(w *world, c *fakeCoord) {
	w.t.Helper()
	w.run(w.now + 120*time.Second) // shards that were left out come back
	if !c.ready() {
		w.fail("ready no more: %+v", c.p.Status())
	}
	epoch := c.live.Epoch
	w.run(w.now + 120*time.Second)
	if !c.ready() || c.live.Epoch != epoch {
		w.fail("a new epoch without a cause: %+v", c.p.Status())
	}
}

// mishap does something bad now and then.
func (w *world) mishap(a, b *fakeCoord) {
	s := w.shards[w.r.IntN(len(w.shards))]
	span := func(most time.Duration) time.Duration { return time.Duration(w.r.Int64N(int64(most))) }
	switch w.r.IntN(40) {
	case 0, 1:
		if s.up() {
			s.crash()
		}
	case 2, 3, 4:
		if !s.up() {
			s.start()
		}
	case 5:
		w.note("%s hangs", s.name)
		boot := s.boot
		s.hung = true
		w.after(span(20*time.Second), func() { w.wakeBoot(s, boot) })
	case 6:
		w.note("%s freezes", s.name)
		boot := s.boot
		s.frozen = true
		w.after(span(8*time.Second), func() { w.wakeBoot(s, boot) })
	case 7:
		s.breaks += w.r.IntN(2)
	case 8:
		if a.p != nil && w.r.IntN(3) == 0 {
			a.crash()
			if w.r.IntN(4) == 0 {
				a.disk = State{}
			}
			w.after(span(3*time.Second), a.start)
		}
	case 9:
		if b.p == nil && w.r.IntN(4) == 0 {
			b.start()
		} else if b.p != nil {
			b.crash()
		}
	case 10:
		if a.p != nil && !a.offline {
			w.note("a loses the bus")
			p := a.p
			a.offline = true
			a.apply(BusLost{})
			w.after(span(5*time.Second), func() {
				if a.p == p && a.offline {
					a.offline = false
					a.apply(BusBack{})
				}
			})
		}
	case 11:
		a.apply(Drain{s.name})
	case 12, 13:
		a.apply(Undrain{s.name})
	case 14:
		a.apply(Scale{w.r.IntN(4)})
	case 15:
		if s.up() && a.p != nil {
			a.apply(Gossip{Node: s.name, Boot: s.boot, Alive: w.r.IntN(2) == 0})
		}
	case 16:
		if a.live != nil && a.p.Epoch() != 0 {
			a.apply(LaneStuck{a.live.Epoch})
		}
	case 17:
		if a.live != nil {
			a.apply(CanaryDone{a.live.Epoch, "no token"})
		}
	}
}

func (w *world) wakeBoot(s *fakeShard, boot string) {
	if s.boot == boot && s.up() {
		s.wake()
	}
}

// heal ends all faults: one coordinator, every shard up, a network that delivers.
func (w *world) heal(a, b *fakeCoord) {
	w.note("faults end")
	w.loss, w.delay = 0, 5*time.Millisecond
	if b.p != nil {
		b.crash()
	}
	if a.p == nil {
		a.start()
	}
	if a.offline {
		a.offline = false
		a.apply(BusBack{})
	}
	for _, s := range w.shards {
		s.breaks = 0
		if !s.up() {
			s.start()
		} else {
			s.wake()
		}
	}
}
