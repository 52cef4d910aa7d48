package sched

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// world is what one simulation is made of.
type world struct {
	requests  int
	faultTime time.Duration // how long things go wrong
	drop, dup float64       // per message, while things go wrong
	epochs    int           // how often the pipeline dies or changes meanwhile
	cancels   float64       // share of requests
	deadlines float64
	scored    float64 // share of requests that want scores of the prompt
	slow      float64 // share of requests whose reader stops for seconds
	blocks    [2]int  // KV blocks, from and to
	stages    [2]int
	prompt    int
	output    int
	n         int
	rate      uint64 // one row in rate overflows; 0 none
	queue     int
	maxRows   int
	running   int
	noCache   bool
	shrinks   bool // answers are as long as the KV at their begin allows, and later epochs may hold less
}

const simContext = 96

// sim is a cluster in virtual time: scheduler, stages, lossy links, routers with readers.
type sim struct {
	t    *testing.T
	w    world
	r    *rand.Rand
	now  time.Duration
	todo agenda
	n    uint64
	s    *Scheduler
	cmds []Command
	in   wire.Sampled // reused for every result, as a careful caller would

	epoch    uint64
	blocks   int // of this epoch
	stages   []*fakeStage
	free     []time.Duration // when a stage is done with what it has
	dead     bool            // the stages of this epoch answer no more
	stuckAt  uint64          // epoch that was called stuck
	arrivals map[string]time.Duration
	wake     time.Duration
	faults   bool
	jobs     []*job
	byID     map[string]*job
	max      Stats
	canary   *wire.Generate // of this epoch
	sang     string         // its outcome
}

type task struct {
	at time.Duration
	n  uint64
	fn func()
}

type agenda []task

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	return a[i].at < a[j].at || a[i].at == a[j].at && a[i].n < a[j].n
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(task)) }
func (a *agenda) Pop() any {
	x := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return x
}

func (m *sim) after(d time.Duration, fn func()) {
	m.n++
	heap.Push(&m.todo, task{m.now + d, m.n, fn})
}

func (m *sim) chance(p float64) bool { return m.r.Float64() < p }
func (m *sim) between(b [2]int) int  { return b[0] + m.r.IntN(b[1]-b[0]+1) }
func (m *sim) ms(most int) time.Duration {
	return time.Duration(m.r.IntN(most*1000)+1) * time.Microsecond
}

func newSim(t *testing.T, w world, seed uint64) *sim {
	m := &sim{t: t, w: w, r: rand.New(rand.NewPCG(seed, 7)), arrivals: map[string]time.Duration{}, byID: map[string]*job{},
		faults: w.faultTime > 0}
	m.s = New(Config{Model: "m", Context: simContext, Vocab: fakeVocab, MaxQueue: w.queue, MaxRunning: w.running, MaxRows: w.maxRows, Quantum: 64,
		NoPrefixCache: w.noCache})
	return m
}

// run lets everything happen and then demands that everything has ended well.
func (m *sim) run() {
	m.after(m.ms(50), m.replan)
	m.after(m.w.faultTime, func() {
		if m.faults = false; m.w.shrinks {
			m.replan()
		}
	})
	for range m.w.epochs {
		m.after(time.Duration(m.r.Int64N(int64(m.w.faultTime))), m.disturb)
	}
	for i := range m.w.requests {
		j := m.newJob(i)
		m.after(60*time.Millisecond+time.Duration(m.r.Int64N(int64(m.w.faultTime/2+200*time.Millisecond))), j.start)
	}
	m.beats()
	const patience = 10 * time.Minute
	for len(m.todo) > 0 && !m.over() {
		k := heap.Pop(&m.todo).(task)
		if m.now = k.at; m.now > m.w.faultTime+patience {
			m.t.Fatalf("after %v not over: %+v\n%s", m.now, m.s.Stats(), m.unfinished())
		}
		k.fn()
	}
	m.settle()
}

func (m *sim) over() bool {
	return m.now > m.w.faultTime && len(m.s.requests) == 0 && len(m.s.closes) == 0 && m.s.Stats().InFlight == 0 &&
		!slices.ContainsFunc(m.jobs, func(j *job) bool { return !j.ended() })
}

// settle demands that nothing is left anywhere.
func (m *sim) settle() {
	if m.sang != wire.FinishLength && m.sang != wire.CodeNumeric {
		m.t.Fatalf("the last epoch's canary: %q", m.sang)
	}
	if st := m.s.Stats(); st.KVUsed != 0 || st.Waiting != 0 || st.Running != 0 || len(m.s.dying) != 0 || m.s.queue.tokens != 0 {
		m.t.Fatalf("left over: %+v", st)
	}
	for i, st := range m.stages {
		if len(st.seqs) != 0 {
			m.t.Fatalf("stage %d still knows %d sequences", i, len(st.seqs))
		}
	}
	for _, j := range m.jobs {
		j.judge()
	}
}

func (m *sim) unfinished() string {
	var b strings.Builder
	for _, j := range m.jobs {
		if !j.ended() {
			fmt.Fprintf(&b, "%s attempt %d\n", j.g.ID, j.g.Attempt)
			for _, c := range j.choices {
				fmt.Fprintf(&b, "  choice %d: %d of %d tokens, credit %d, ended %v\n", c.w.Index, len(c.tokens), len(c.want.tokens), c.credit, c.ended)
			}
		}
	}
	return b.String()
}

func (m *sim) apply(ev Event) {
	m.cmds = m.s.Apply(m.now, ev, m.cmds[:0])
	if err := m.s.Check(); err != nil {
		m.t.Fatalf("at %v after %T %+v: %v", m.now, ev, ev, err)
	}
	for _, c := range m.cmds {
		m.obey(c)
	}
	st := m.s.Stats()
	m.max.InFlight, m.max.Running, m.max.Batch = max(m.max.InFlight, st.InFlight), max(m.max.Running, st.Running), max(m.max.Batch, st.Batch)
}

func (m *sim) obey(c Command) {
	switch c := c.(type) {
	case SendStep:
		m.sendStep(c)
	case Resend:
		if c.Epoch == m.epoch && !m.dead {
			st := m.stages[c.Stage]
			m.after(m.ms(3), func() { m.resend(st, c) })
		}
	case Emit:
		m.emit(c)
	case Reply:
		m.reply(c)
	case LaneStuck:
		m.stuck(c)
	case WakeAt:
		m.wake = c.At
		m.after(max(c.At-m.now, 0), func() {
			if m.wake == m.now {
				m.apply(Tick{})
			}
		})
	}
}

// carry delivers a message in order with those before it on the same link, unless things go wrong.
func (m *sim) carry(link string, fn func()) {
	times := 1
	if m.faults && m.chance(m.w.drop) {
		times = 0
	} else if m.faults && m.chance(m.w.dup) {
		times = 2
	}
	for i := range times {
		at := m.now + m.ms(2)
		if i == 0 && !(m.faults && m.chance(m.w.dup)) {
			at = max(at, m.arrivals[link])
			m.arrivals[link] = at
		}
		m.after(at-m.now, fn)
	}
}

func (m *sim) sendStep(c SendStep) {
	f := wire.Frame{Epoch: c.Epoch, Lane: c.Lane, Step: c.Step, Ack: c.Ack, Entries: c.Entries}
	data, err := wire.AppendFrame(nil, &f)
	if err != nil {
		m.t.Fatalf("step %d: %v", c.Step, err)
	}
	m.carry("in0", func() { m.arrive(c.Epoch, 0, data, nil) })
}

// arrive is a frame at a stage.
func (m *sim) arrive(epoch uint64, i int, data []byte, rows [][]uint64) {
	if epoch != m.epoch || m.dead || i >= len(m.stages) {
		return
	}
	st := m.stages[i]
	var f wire.Frame
	if err := wire.ParseFrame(data, &f); err != nil {
		m.t.Fatal(err)
	}
	if f.Step > st.done+1 {
		st.held[f.Step] = kept{data, rows}
		return
	}
	if f.Step <= st.done {
		return
	}
	m.execute(st, i, &f, rows)
	if next, ok := st.held[st.done+1]; ok {
		delete(st.held, st.done+1)
		m.arrive(epoch, i, next.data, next.rows)
	}
}

func (m *sim) execute(st *fakeStage, i int, f *wire.Frame, rows [][]uint64) {
	if rows == nil {
		rows = make([][]uint64, len(f.Entries))
	}
	out, items := st.step(f, rows)
	if st.wrong != nil {
		m.t.Fatalf("at %v epoch %d step %d: %v", m.now, f.Epoch, f.Step, st.wrong)
	}
	st.done = f.Step
	n := 0
	for k := range f.Entries {
		n += len(f.Entries[k].Tokens)
	}
	took := time.Millisecond + time.Duration(n)*100*time.Microsecond
	began := max(m.now, m.free[i])
	m.free[i] = began + took
	f.Timings = append(f.Timings, wire.Timing{QueueNS: int64(began - m.now), ComputeNS: int64(took)})
	k := kept{rows: out}
	var err error
	if st.head {
		k.data, err = wire.AppendSampled(nil, &wire.Sampled{Epoch: f.Epoch, Lane: f.Lane, Step: f.Step, Items: items, Timings: f.Timings})
	} else {
		k.data, err = wire.AppendFrame(nil, f)
	}
	if err != nil {
		m.t.Fatal(err)
	}
	st.kept[f.Step] = k
	for s := range st.kept {
		if s <= f.Ack {
			delete(st.kept, s)
		}
	}
	m.after(m.free[i]-m.now, func() { m.forward(f.Epoch, i, k) })
}

func (m *sim) forward(epoch uint64, i int, k kept) {
	if epoch != m.epoch || m.dead {
		return
	}
	if i+1 < len(m.stages) {
		m.carry(fmt.Sprint("in", i+1), func() { m.arrive(epoch, i+1, k.data, k.rows) })
		return
	}
	m.carry("sampled", func() {
		if err := wire.ParseSampled(k.data, &m.in); err != nil {
			m.t.Fatal(err)
		}
		m.apply(Sampled{&m.in})
	})
}

func (m *sim) resend(st *fakeStage, c Resend) {
	if c.Epoch != m.epoch || m.dead {
		return
	}
	for s := c.From; s <= st.done; s++ {
		// What is not kept any more was acknowledged while the request was on its way.
		if k, ok := st.kept[s]; ok {
			m.forward(c.Epoch, c.Stage, k)
		}
	}
}

// beats report gaps and what routers want.
func (m *sim) beats() {
	for i, st := range m.stages {
		if len(st.held) > 0 && !m.dead {
			gap := LaneGap{Epoch: m.epoch, Stage: i, Step: st.done + 1}
			m.carry("beat", func() { m.apply(gap) })
		}
	}
	if m.now/time.Second != (m.now-100*time.Millisecond)/time.Second {
		for _, name := range []string{"a", "b"} {
			b := RouterBeat{Router: name, Boot: "1"}
			for _, j := range m.jobs {
				if j.g.Router == name && j.begun && !j.ended() {
					b.Live = append(b.Live, j.g.ID)
				}
			}
			m.carry("beat"+name, func() { m.apply(b) })
		}
	}
	m.after(100*time.Millisecond, m.beats)
}

// disturb is what happens to pipelines: they die without a word, change as planned, or the bus is said to be lost for a while.
func (m *sim) disturb() {
	switch m.r.IntN(4) {
	case 0:
		m.dead = true // found out by the steps that do not come back
		m.after(30*time.Second, func() {
			if m.dead {
				m.replan()
			}
		})
	case 1:
		m.apply(PipelinePaused{Reason: "a shard died"})
		m.after(m.ms(2000), m.replan)
	case 2:
		m.replan()
	case 3:
		m.apply(BusLost{})
		m.after(m.ms(8000), func() { m.apply(BusBack{}) })
	}
}

func (m *sim) stuck(c LaneStuck) {
	if c.Epoch == m.epoch && m.dead && m.stuckAt != m.epoch {
		m.stuckAt = m.epoch
		m.after(m.ms(500), m.replan)
	}
}

// replan begins an epoch on fresh stages whose KV is full of garbage.
func (m *sim) replan() {
	m.epoch++
	m.dead = false
	n, blocks := m.between(m.w.stages), m.between(m.w.blocks)
	if m.w.shrinks && !m.faults {
		blocks = m.w.blocks[1]
	}
	m.blocks = blocks
	m.stages, m.free = nil, make([]time.Duration, n)
	lane := Lane{KVBlocks: blocks, MaxRows: m.w.maxRows}
	for i := range n {
		st := newFakeStage(fakeLayers*i/n, fakeLayers*(i+1)/n, blocks, m.w.rate, m.r.Uint64())
		m.stages = append(m.stages, st)
		lane.Stages = append(lane.Stages, StageTime{Fixed: time.Millisecond, PerRow: 100 * time.Microsecond})
	}
	m.canary = &wire.Generate{ID: fmt.Sprint("canary", m.epoch), Model: "m", Prompt: []int32{7}, MaxTokens: 1, Salt: "canary",
		Choices: []wire.Choice{{Credit: 1}}}
	m.sang = ""
	m.apply(Submit{m.canary})
	m.apply(PipelineReady{Epoch: m.epoch, Lanes: []Lane{lane}})
}

// sing is the outcome of a canary, which is the coordinator's own.
func (m *sim) sing(items []wire.DeltaItem) {
	for _, it := range items {
		if it.ID == m.canary.ID {
			m.sang = it.Finish + it.ErrorCode
		}
	}
}
