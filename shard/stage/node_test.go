package stage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stagecoach-llm/stagecoach/transport/bus"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// sumEngine adds its layers to each row: after layers [0, L) a row of token t is t + L(L-1)/2. Its last stage
// "samples" that sum, so that a step that is lost, repeated or out of place shows in the answer.
type sumEngine struct {
	stage  wire.Stage
	last   bool
	closed *bool
	x      []float32
}

func (e *sumEngine) Step(f *wire.Frame, layer func(int)) ([]float32, []wire.SampledItem) {
	e.x = e.x[:0]
	if f.Rows == 0 {
		for _, en := range f.Entries {
			for _, t := range en.Tokens {
				e.x = append(e.x, float32(t))
			}
		}
	} else {
		e.x = append(e.x, make([]float32, f.Rows)...)
		wire.Float32s(e.x, f.Body)
	}
	for l := e.stage.First; l < e.stage.Last; l++ {
		layer(l)
		for i := range e.x {
			e.x[i] += float32(l)
		}
	}
	if !e.last {
		return e.x, nil
	}
	var items []wire.SampledItem
	row := 0
	for _, en := range f.Entries {
		row += len(en.Tokens)
		items = append(items, wire.SampledItem{Seq: en.Seq, Pos: en.Pos + uint32(len(en.Tokens)), Tokens: []int32{int32(e.x[row-1])}})
	}
	return nil, items
}

func (e *sumEngine) KVUsed() int { return 0 }
func (e *sumEngine) Close()      { *e.closed = true }

// sumLoader makes sumEngines and counts those that were closed.
type sumLoader struct {
	mu     sync.Mutex
	fail   error
	hang   bool
	closed []*bool
}

func (l *sumLoader) Load(ctx context.Context, p *wire.Prepare, prev Engine, progress func(done, total int64)) (Engine, error) {
	l.mu.Lock()
	fail, hang := l.fail, l.hang
	l.mu.Unlock()
	if hang {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if fail != nil {
		return nil, fail
	}
	progress(1, 2)
	closed := new(bool)
	l.closed = append(l.closed, closed)
	return &sumEngine{stage: p.Stages[p.Index], last: p.Index == len(p.Stages)-1, closed: closed}, nil
}

// rig is a pipeline of nodes over a fake bus, with the test as its coordinator.
type rig struct {
	t       *testing.T
	net     *bus.Net
	conn    *bus.MemConn
	sub     wire.Subjects
	model   string
	stages  []wire.Stage
	loaders []*sumLoader
	stop    func()

	mu      sync.Mutex
	heard   []wire.NodeMessage // beats aside
	gaps    map[string]uint64  // by node
	sampled map[uint64]wire.Sampled
}

// newRig is a pipeline of sumEngines, four layers each.
func newRig(t *testing.T, stages int) *rig {
	loaders := make([]*sumLoader, stages)
	r := newRigOf(t, stages, 4*stages, 1, func(i int) Loader {
		loaders[i] = &sumLoader{}
		return loaders[i]
	})
	r.loaders = loaders
	return r
}

func newRigOf(t *testing.T, stages, layers, hidden int, loader func(i int) Loader) *rig {
	r := &rig{t: t, net: bus.NewNet(1), sub: wire.Subjects{Cluster: "test"}, gaps: map[string]uint64{}, sampled: map[uint64]wire.Sampled{}}
	r.conn = r.net.Connect("coordinator", bus.Events{})
	r.subscribe(r.sub.Nodes(), r.hear)
	r.subscribe(r.sub.Sampled(), r.take)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for i := range stages {
		st := wire.Stage{Node: fmt.Sprintf("n%d", i), Boot: "b", First: layers * i / stages, Last: layers * (i + 1) / stages}
		r.stages = append(r.stages, st)
		conn := r.net.Connect(st.Node, bus.Events{})
		n := NewNode(Config{Hello: wire.Hello{Node: st.Node, Boot: st.Boot}, Subjects: r.sub, Bus: conn, Loader: loader(i), Hidden: hidden, Logger: slog.New(slog.DiscardHandler)})
		wg.Go(func() {
			n.Run(ctx)
			conn.Close()
		})
	}
	r.stop = func() {
		cancel()
		wg.Wait()
		r.conn.Close()
	}
	synctest.Wait() // until they have subscribed
	return r
}

func (r *rig) subscribe(subject string, fn func(bus.Msg)) {
	if _, err := r.conn.Subscribe(subject, fn); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) hear(m bus.Msg) {
	var msg wire.NodeMessage
	if err := json.Unmarshal(m.Data, &msg); err != nil {
		r.t.Error(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if msg.Beat != nil {
		r.gaps[msg.Beat.Node] = msg.Beat.Gap
		return
	}
	r.heard = append(r.heard, msg)
}

func (r *rig) take(m bus.Msg) {
	var s wire.Sampled
	if err := wire.ParseSampled(m.Data, &s); err != nil {
		r.t.Error(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sampled[s.Step] = s
}

func (r *rig) order(node int, m wire.ControlMessage) {
	b, err := json.Marshal(m)
	if err == nil {
		err = r.conn.Publish(r.sub.Control(r.stages[node].Node, r.stages[node].Boot), b)
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) orderAll(m func(i int) wire.ControlMessage) {
	for i := range r.stages {
		r.order(i, m(i))
	}
	pass(10 * time.Millisecond)
}

// live brings an epoch up on every node.
func (r *rig) live(epoch uint64) {
	r.orderAll(func(int) wire.ControlMessage {
		return wire.ControlMessage{Promise: &wire.Promise{Term: epoch >> 32}}
	})
	r.orderAll(func(i int) wire.ControlMessage { return r.prepare(epoch, i) })
	r.orderAll(func(int) wire.ControlMessage { return wire.ControlMessage{Commit: &wire.Commit{Epoch: epoch}} })
}

func (r *rig) prepare(epoch uint64, i int) wire.ControlMessage {
	return wire.ControlMessage{Prepare: &wire.Prepare{Epoch: epoch, Model: r.model, Stages: r.stages, Index: i, KVBlocks: 8, KVType: "f16"}}
}

// step publishes a step for one sequence whose token is the step's number.
func (r *rig) step(epoch, step, ack uint64) {
	r.publish(&wire.Frame{Epoch: epoch, Step: step, Ack: ack, Entries: []wire.Entry{{Seq: 5, Pos: uint32(step), Tokens: []int32{int32(step)}, Want: wire.WantSample}}})
}

func (r *rig) publish(f *wire.Frame) {
	b, err := wire.AppendFrame(nil, f)
	if err == nil {
		err = r.conn.Publish(r.sub.Input(r.stages[0].Node, r.stages[0].Boot), b)
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

// committed counts the nodes that have committed an epoch.
func (r *rig) committed(epoch uint64) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := map[string]bool{}
	for _, m := range r.heard {
		if m.Committed != nil && m.Committed.Epoch == epoch {
			seen[m.Committed.Node] = true
		}
	}
	return len(seen)
}

// pass lets time go by and everything that is due come to rest.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// layersSum is what three stages of four layers add to a token.
const layersSum = 11 * 12 / 2

func TestStepsPassThroughStages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3)
		defer r.stop()
		const epoch = 1<<32 | 1
		r.live(epoch)
		if r.committed(epoch) != 3 {
			t.Fatalf("%d nodes committed", r.committed(epoch))
		}
		for s := uint64(1); s <= 20; s++ {
			r.step(epoch, s, s-1)
		}
		pass(time.Second)
		for s := uint64(1); s <= 20; s++ {
			got, ok := r.sampled[s]
			if !ok || got.Items[0].Tokens[0] != int32(s)+layersSum || len(got.Timings) != 3 {
				t.Fatalf("step %d: %+v", s, got)
			}
		}
	})
}

// With frames lost, doubled and overtaken between all stages, resending what is missing brings every step through,
// once, with the right value.
func TestLostFramesAreResent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3)
		defer r.stop()
		const epoch, steps = 1<<32 | 1, 100
		r.live(epoch)
		r.net.SetFaultsFunc(func(from, to string, m bus.Msg) bus.Faults {
			return bus.Faults{Drop: 0.15, Duplicate: 0.1, Reorder: 0.1, Jitter: time.Millisecond}
		})
		for s := uint64(1); s <= steps; s++ {
			r.step(epoch, s, 0)
		}
		for range 1000 {
			pass(20 * time.Millisecond)
			missing := r.missing(steps)
			if missing == 0 {
				break
			}
			for s := missing; s <= min(missing+8, steps); s++ {
				r.step(epoch, s, 0)
			}
			for i := range r.stages {
				r.order(i, wire.ControlMessage{Resend: &wire.Resend{Epoch: epoch, From: missing}})
			}
		}
		for s := uint64(1); s <= steps; s++ {
			if got := r.sampled[s]; len(got.Items) == 0 || got.Items[0].Tokens[0] != int32(s)+layersSum {
				t.Fatalf("step %d: %+v", s, got)
			}
		}
	})
}

func (r *rig) missing(steps uint64) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	for s := uint64(1); s <= steps; s++ {
		if _, ok := r.sampled[s]; !ok {
			return s
		}
	}
	return 0
}

func TestGapShowsInBeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2)
		defer r.stop()
		const epoch = 1<<32 | 1
		r.live(epoch)
		r.step(epoch, 1, 0)
		r.step(epoch, 3, 0)
		pass(2 * BeatEvery)
		r.mu.Lock()
		gap0, gap1 := r.gaps["n0"], r.gaps["n1"]
		r.mu.Unlock()
		if gap0 != 2 || gap1 != 0 {
			t.Fatalf("gaps %d and %d, want 2 and 0", gap0, gap1)
		}
		r.step(epoch, 2, 0)
		pass(2 * BeatEvery)
		if r.missing(3) != 0 || r.gaps["n0"] != 0 {
			t.Fatalf("step %d missing, gap %d", r.missing(3), r.gaps["n0"])
		}
	})
}

func TestFencing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2)
		defer r.stop()
		const old, next = 1<<32 | 1, 1<<32 | 2
		r.live(old)
		r.live(next)
		for i, l := range r.loaders {
			if !*l.closed[0] || *l.closed[1] {
				t.Fatalf("node %d: engines closed %v %v, want the old one alone", i, *l.closed[0], *l.closed[1])
			}
		}
		r.step(old, 1, 0)
		pass(time.Second)
		if len(r.sampled) != 0 {
			t.Fatal("a step of an old epoch was executed")
		}
		// A newer coordinator's promise stops the old one, before it has a plan of its own.
		r.order(0, wire.ControlMessage{Promise: &wire.Promise{Term: 9}})
		r.order(1, wire.ControlMessage{Promise: &wire.Promise{Term: 9}})
		pass(time.Second)
		r.step(next, 1, 0)
		r.order(0, r.prepare(1<<32|3, 0))
		pass(time.Second)
		if len(r.sampled) != 0 {
			t.Fatal("a step of an old term was executed")
		}
		if n := len(r.loaders[0].closed); n != 2 {
			t.Fatalf("%d engines loaded, want 2: an old term's plan must be refused", n)
		}
	})
}

func TestLoadFailsAndIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		defer r.stop()
		l := r.loaders[0]
		l.fail = errors.New("not enough memory")
		r.order(0, wire.ControlMessage{Promise: &wire.Promise{Term: 1}})
		r.order(0, r.prepare(1<<32|1, 0))
		pass(time.Second)
		r.mu.Lock()
		last := r.heard[len(r.heard)-1]
		r.mu.Unlock()
		if last.Prepared == nil || last.Prepared.Error != "not enough memory" {
			t.Fatalf("heard %+v", last)
		}
		l.mu.Lock()
		l.fail, l.hang = nil, true
		l.mu.Unlock()
		r.order(0, r.prepare(1<<32|2, 0))
		pass(time.Second)
		l.mu.Lock()
		l.hang = false
		l.mu.Unlock()
		// The next plan ends the load of the one before.
		r.order(0, r.prepare(1<<32|3, 0))
		pass(time.Second)
		r.order(0, wire.ControlMessage{Commit: &wire.Commit{Epoch: 1<<32 | 3}})
		pass(time.Second)
		if r.committed(1<<32|3) != 1 {
			t.Fatal("the plan after a cancelled one was not committed")
		}
		r.order(0, wire.ControlMessage{Release: &wire.Release{Epoch: 1<<32 | 3}})
		pass(time.Second)
		if !*l.closed[0] {
			t.Fatal("released, but the engine is open")
		}
	})
}

func TestProbeAndHello(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		pass(2500 * time.Millisecond)
		r.mu.Lock()
		hellos := 0
		for _, m := range r.heard {
			if m.Hello != nil {
				hellos++
			}
		}
		r.mu.Unlock()
		if hellos < 3 {
			t.Errorf("%d hellos in 2.5 s without a promise, want one a second", hellos)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		b, err := r.conn.Request(ctx, r.sub.Control("n0", "b"), nil)
		var beat wire.Beat
		if err == nil {
			err = json.Unmarshal(b, &beat)
		}
		if err != nil || beat.Node != "n0" {
			t.Errorf("probe: %+v, %v", beat, err)
		}
		conn := r.net.Connect("watcher", bus.Events{})
		left := false
		conn.Subscribe(r.sub.Nodes(), func(m bus.Msg) {
			var msg wire.NodeMessage
			json.Unmarshal(m.Data, &msg)
			left = left || msg.Leaving != nil
		})
		r.stop()
		synctest.Wait()
		if !left {
			t.Error("the shard went without a word")
		}
		conn.Close()
	})
}
