package plan

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stagecoach-llm/stagecoach/coordinator/place"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// world is a simulated cluster: shards that obey as package stage does, coordinators around real Planners, and a
// network between them. Time is a number; the same seed gives the same run.
type world struct {
	t      *testing.T
	r      *rand.Rand
	now    time.Duration
	queue  timeline
	seq    int
	model  place.Model
	shards []*fakeShard // by index of name; the process of now
	coords []*fakeCoord
	delay  time.Duration // most, of a message
	loss   float64       // of messages, duplicates as many
	boots  int
	plans  map[uint64]string // what each epoch is; it must be one thing
	trace  []string
}

type timed struct {
	at  time.Duration
	seq int
	fn  func()
}

type timeline []timed

func (q timeline) Len() int { return len(q) }
func (q timeline) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].seq < q[j].seq
}
func (q timeline) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *timeline) Push(x any)   { *q = append(*q, x.(timed)) }
func (q *timeline) Pop() any {
	last := len(*q) - 1
	x := (*q)[last]
	*q = (*q)[:last]
	return x
}

func newWorld(t *testing.T, seed uint64, memory ...int64) *world {
	w := &world{t: t, r: rand.New(rand.NewPCG(seed, 7)), delay: 5 * time.Millisecond, plans: map[uint64]string{}, model: testModel(12)}
	for i, m := range memory {
		w.shards = append(w.shards, &fakeShard{w: w, name: fmt.Sprintf("shard-%d", i), memory: m})
	}
	return w
}

// testModel has layers of 100 MB.
func testModel(layers int) place.Model {
	m := place.Model{LayerBytes: make([]int64, layers), LayerOps: make([]float64, layers), KVBlockBytes: 16 << 10, ScratchBytes: 10e6}
	for i := range layers {
		m.LayerBytes[i], m.LayerOps[i] = 100e6, 100e6
	}
	return m
}

func (w *world) after(d time.Duration, fn func()) {
	w.seq++
	heap.Push(&w.queue, timed{w.now + d, w.seq, fn})
}

// every calls fn until it says no.
func (w *world) every(d time.Duration, fn func() bool) {
	w.after(d, func() {
		if fn() {
			w.every(d, fn)
		}
	})
}

func (w *world) run(until time.Duration) {
	for len(w.queue) > 0 && w.queue[0].at <= until {
		e := heap.Pop(&w.queue).(timed)
		w.now = e.at
		e.fn()
	}
	w.now = until
}

// runUntil runs until cond holds and tells whether it did in time.
func (w *world) runUntil(within time.Duration, cond func() bool) bool {
	for end := w.now + within; !cond(); {
		if w.now >= end {
			return false
		}
		w.run(w.now + 10*time.Millisecond)
	}
	return true
}

// carry delivers after a while, or not, or twice.
func (w *world) carry(fn func()) {
	copies := 1
	if w.loss > 0 {
		if x := w.r.Float64(); x < w.loss {
			copies = 0
		} else if x < 2*w.loss {
			copies = 2
		}
	}
	for range copies {
		w.after(time.Duration(w.r.Int64N(int64(w.delay)))+1, fn)
	}
}

func (w *world) note(format string, args ...any) {
	w.trace = append(w.trace, fmt.Sprintf("%9s  ", w.now.Round(time.Millisecond))+fmt.Sprintf(format, args...))
}

func (w *world) fail(format string, args ...any) {
	w.t.Helper()
	tail := w.trace[max(0, len(w.trace)-60):]
	for _, line := range tail {
		w.t.Log(line)
	}
	w.t.Fatalf("at %s: %s", w.now, fmt.Sprintf(format, args...))
}

// fakeShard is a node and its process. boot is "" while there is none.
type fakeShard struct {
	w      *world
	name   string
	boot   string
	memory int64

	hung   bool // computes for ever: beats, but obeys nothing
	frozen bool // the whole process
	held   []func()
	breaks int           // loads that will fail
	quiet  time.Duration // until then loading shows no progress

	promised         uint64
	active, prepared *wire.Prepare
	loading          *wire.Prepare
	progress         int64
	steps            uint64
	executed         []uint64 // epochs in the order of their first step
}

func (s *fakeShard) up() bool { return s.boot != "" }

func (s *fakeShard) start() {
	w := s.w
	w.boots++
	s.boot = fmt.Sprintf("b%d", w.boots)
	s.hung, s.frozen, s.held = false, false, nil
	s.promised, s.active, s.prepared, s.loading, s.progress, s.steps, s.executed = 0, nil, nil, nil, 0, 0, nil
	w.note("%s starts as %s", s.name, s.boot)
	boot := s.boot
	s.sayHello()
	w.every(time.Second, func() bool {
		if s.boot == boot && s.promised == 0 && !s.hung && !s.frozen {
			s.sayHello()
		}
		return s.boot == boot
	})
	w.every(100*time.Millisecond, func() bool {
		if s.boot == boot && !s.frozen {
			b := s.beat()
			s.tell(wire.NodeMessage{Beat: &b})
		}
		return s.boot == boot
	})
}

func (s *fakeShard) crash() {
	s.w.note("%s crashes", s.name)
	s.boot = ""
}

func (s *fakeShard) sayHello() {
	s.tell(wire.NodeMessage{Hello: &wire.Hello{
		Node: s.name, Boot: s.boot, Wire: 1, Arithmetic: 1, Digest: "d", Model: "m",
		MemoryBytes: s.memory, BytesPerSec: 10e9, OpsPerSec: 100e9, Promised: s.promised,
	}})
}

func (s *fakeShard) beat() wire.Beat {
	b := wire.Beat{Node: s.name, Boot: s.boot, Promised: s.promised, Layer: -1, In: s.steps, Out: s.steps}
	if s.active != nil {
		b.Epoch = s.active.Epoch
	}
	if s.loading != nil && s.progress > 0 {
		b.Loaded, b.ToLoad = s.progress, 100
	}
	return b
}

// tell publishes to every coordinator, as a subject does.
func (s *fakeShard) tell(m wire.NodeMessage) {
	for _, c := range s.w.coords {
		s.w.carry(func() { c.apply(Heard{m}) })
	}
}

// order is a control message's arrival. What comes to a process that hangs waits in its queue.
func (s *fakeShard) order(boot string, m wire.ControlMessage) {
	if s.boot != boot {
		return
	}
	if s.hung || s.frozen {
		if len(s.held) < 64 {
			s.held = append(s.held, func() { s.order(boot, m) })
		}
		return
	}
	switch {
	case m.Announce != nil:
		s.sayHello()
	case m.Promise != nil:
		s.promised = max(s.promised, m.Promise.Term)
		s.sayPromised()
	case m.Prepare != nil && s.obeys(m.Prepare.Epoch):
		s.prepare(m.Prepare)
	case m.Commit != nil && s.obeys(m.Commit.Epoch):
		s.commit(m.Commit.Epoch)
	case m.Release != nil && s.obeys(m.Release.Epoch):
		s.release(m.Release.Epoch)
	}
}

// wake ends a hang or freeze.
func (s *fakeShard) wake() {
	s.hung, s.frozen = false, false
	held := s.held
	s.held = nil
	for _, fn := range held {
		fn()
	}
}

func (s *fakeShard) sayPromised() {
	s.tell(wire.NodeMessage{Promised: &wire.Promised{Node: s.name, Boot: s.boot, Term: s.promised}})
}

func (s *fakeShard) obeys(epoch uint64) bool {
	if epoch>>32 >= s.promised && s.promised > 0 {
		return true
	}
	s.sayPromised()
	return false
}

func (s *fakeShard) prepare(p *wire.Prepare) {
	for _, r := range []*wire.Prepare{s.active, s.prepared} {
		if r != nil && r.Epoch == p.Epoch {
			s.sayPrepared(p.Epoch, "")
			return
		}
	}
	if s.loading != nil && s.loading.Epoch >= p.Epoch {
		return
	}
	s.w.agree(p)
	s.prepared, s.loading, s.progress = nil, p, 0
	boot := s.boot
	s.w.every(50*time.Millisecond, func() bool {
		if s.boot != boot || s.loading != p {
			return false
		}
		if !s.frozen && s.w.now >= s.quiet {
			s.progress += 10 + s.w.r.Int64N(30)
		}
		if s.progress < 100 || s.hung || s.frozen {
			return true
		}
		s.loading = nil
		if s.breaks > 0 {
			s.breaks--
			s.sayPrepared(p.Epoch, "no memory")
			return false
		}
		s.prepared = p
		s.sayPrepared(p.Epoch, "")
		return false
	})
}

// agree proves that an epoch means one plan, whoever is told.
func (w *world) agree(p *wire.Prepare) {
	text := fmt.Sprint(p.Stages, p.KVBlocks)
	if old, ok := w.plans[p.Epoch]; ok && old != text {
		w.fail("epoch %x is %s and %s", p.Epoch, old, text)
	}
	w.plans[p.Epoch] = text
}

func (s *fakeShard) sayPrepared(epoch uint64, err string) {
	s.tell(wire.NodeMessage{Prepared: &wire.Prepared{Node: s.name, Boot: s.boot, Epoch: epoch, Error: err}})
}

func (s *fakeShard) commit(epoch uint64) {
	if s.prepared != nil && s.prepared.Epoch == epoch {
		s.active, s.prepared, s.steps = s.prepared, nil, 0
	}
	if s.active != nil && s.active.Epoch == epoch {
		s.tell(wire.NodeMessage{Committed: &wire.Committed{Node: s.name, Boot: s.boot, Epoch: epoch}})
	}
}

func (s *fakeShard) release(epoch uint64) {
	if s.loading != nil && s.loading.Epoch <= epoch {
		s.loading = nil
	}
	if s.prepared != nil && s.prepared.Epoch <= epoch {
		s.prepared = nil
	}
	if s.active != nil && s.active.Epoch <= epoch && s.loading == nil {
		s.active = nil
	}
}

// execute runs a step and tells whether it was one of the active epoch.
func (s *fakeShard) execute(boot string, epoch uint64) bool {
	if s.boot != boot || s.hung || s.frozen || s.active == nil || s.active.Epoch != epoch {
		return false
	}
	if i := slices.Index(s.executed, epoch); i < 0 {
		s.executed = append(s.executed, epoch)
	} else if i != len(s.executed)-1 {
		s.w.fail("%s executes epoch %x after %x", s.name, epoch, s.executed[i+1:])
	}
	s.steps++
	return true
}

// fakeCoord is a coordinator's process around a Planner: it carries out commands and sends steps.
type fakeCoord struct {
	w       *world
	name    string
	want    int
	disk    State
	p       *Planner
	offline bool
	live    *Ready
	pending int // steps without an answer in a row
	logs    []Log
	onReady func(Ready)
}

func (w *world) coordinator(name string, want int) *fakeCoord {
	c := &fakeCoord{w: w, name: name, want: want}
	w.coords = append(w.coords, c)
	return c
}

func (c *fakeCoord) start() {
	c.w.note("%s starts at term %d", c.name, c.disk.Term)
	c.p = New(Config{
		Model: c.w.model, ModelID: "m", Wire: 1, Arithmetic: 1, Digest: "d", KVType: "f16",
		Placement: place.Options{MinKVBlocks: 16, MaxKVBlocks: 256},
		Want:      c.want, Salt: uint32(c.w.r.IntN(1 << saltBits)), State: c.disk,
	})
	c.live, c.offline = nil, false
	c.apply(Start{})
}

func (c *fakeCoord) crash() {
	c.w.note("%s crashes", c.name)
	c.p, c.live = nil, nil
}

func (c *fakeCoord) ready() bool { return c.p != nil && c.p.Ready() }

// said finds the first Log of a kind.
func (c *fakeCoord) said(k Kind) (Log, bool) {
	for _, l := range c.logs {
		if l.Kind == k {
			return l, true
		}
	}
	return Log{}, false
}

func (c *fakeCoord) apply(ev Event) {
	switch ev.(type) {
	case Heard, ProbeResult:
		if c.offline {
			return
		}
	}
	if c.p == nil {
		return
	}
	for _, cmd := range c.p.Apply(c.w.now, ev, nil) {
		c.carryOut(cmd)
	}
	if err := c.p.Check(); err != nil {
		c.w.fail("%s after %+v: %v", c.name, ev, err)
	}
}

func (c *fakeCoord) carryOut(cmd Command) {
	w, p := c.w, c.p
	switch cmd := cmd.(type) {
	case Persist:
		c.disk = cmd.State
	case Send:
		if id := epochOf(cmd.Message); c.disk.Term < p.Term() || id>>32 > c.disk.Term {
			w.fail("%s sends %x, but its disk has term %d", c.name, id, c.disk.Term)
		}
		if !c.offline {
			for _, s := range w.shards {
				if s.name == cmd.Node {
					w.carry(func() { s.order(cmd.Boot, cmd.Message) })
				}
			}
		}
	case Announce:
		for _, s := range w.shards {
			if boot := s.boot; boot != "" && !c.offline {
				w.carry(func() { s.order(boot, wire.ControlMessage{Announce: &wire.Announce{Term: cmd.Term}}) })
			}
		}
	case Probe:
		w.probe(c, cmd)
	case WakeAt:
		w.after(cmd.At-w.now, func() {
			if c.p == p {
				c.apply(Tick{})
			}
		})
	case Pause:
		if c.live == nil {
			w.fail("%s pauses, but nothing is live", c.name)
		}
		w.note("%s: pause: %s", c.name, cmd.Reason)
		c.live = nil
	case Ready:
		if c.live != nil {
			w.fail("%s: epoch %x is ready while %x is live", c.name, cmd.Epoch, c.live.Epoch)
		}
		w.note("%s: ready %x %v", c.name, cmd.Epoch, cmd.Stages)
		c.live, c.pending = &cmd, 0
		if c.onReady != nil {
			c.onReady(cmd)
		}
		c.drive(&cmd)
	case Log:
		w.note("%s: %s: %s", c.name, cmd.Kind, cmd.Text)
		c.logs = append(c.logs, cmd)
	}
}

func epochOf(m wire.ControlMessage) uint64 {
	switch {
	case m.Promise != nil:
		return m.Promise.Term << 32
	case m.Prepare != nil:
		return m.Prepare.Epoch
	case m.Commit != nil:
		return m.Commit.Epoch
	case m.Release != nil:
		return m.Release.Epoch
	}
	return 0
}

// probe is answered at once, by silence after a while, or by the bus when nobody is subscribed.
func (w *world) probe(c *fakeCoord, cmd Probe) {
	result := func(after time.Duration, o Outcome, b *wire.Beat) {
		w.after(after, func() { c.apply(ProbeResult{cmd.Node, cmd.Boot, o, b}) })
	}
	for _, s := range w.shards {
		if s.name != cmd.Node || s.boot != cmd.Boot || c.offline {
			continue
		}
		if s.frozen || w.r.Float64() < w.loss {
			result(500*time.Millisecond, Silent, nil)
		} else {
			b := s.beat()
			result(2*time.Millisecond, Answered, &b)
		}
		return
	}
	result(time.Millisecond, NoResponders, nil)
}

// drive sends a step every 100 ms: the first is the canary. Ten in a row that do not come back are a stuck lane, as they
// would be for the scheduler.
func (c *fakeCoord) drive(r *Ready) {
	w, first := c.w, true
	w.every(100*time.Millisecond, func() bool {
		if c.live != r {
			return false
		}
		if c.pending >= 10 {
			c.pending = 0
			c.apply(LaneStuck{r.Epoch})
		}
		c.pending++
		c.step(r, 0, func() {
			if c.live != r {
				return
			}
			c.pending = 0
			if first {
				first = false
				c.apply(CanaryDone{Epoch: r.Epoch})
			}
		})
		return c.live == r
	})
}

func (c *fakeCoord) step(r *Ready, stage int, done func()) {
	if stage == len(r.Stages) {
		c.w.carry(done)
		return
	}
	if c.offline {
		return
	}
	st := r.Stages[stage]
	for _, s := range c.w.shards {
		if s.name == st.Node {
			c.w.carry(func() {
				if s.execute(st.Boot, r.Epoch) {
					c.step(r, stage+1, done)
				}
			})
		}
	}
}
