package lead

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stagecoach-llm/stagecoach/shard/checkpoint"
	"github.com/stagecoach-llm/stagecoach/shard/stage"
	"github.com/stagecoach-llm/stagecoach/transport/bus"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

const layers, vocab = 12, 1000

var card = &checkpoint.Card{
	ID:         "model",
	Config:     checkpoint.Config{Layers: layers, Hidden: 1, Heads: 1, KVHeads: 1, HeadDim: 1, FFN: 1, Vocab: vocab, RealVocab: vocab, Context: 4096},
	LayerBytes: slices.Repeat([]int64{1 << 20}, layers), EmbedBytes: 1 << 20, HeadBytes: 1 << 20,
}

// next is the token that the fake model says after a history.
func next(history []int32) int32 {
	h := fnv.New64a()
	for _, t := range history {
		h.Write([]byte{byte(t), byte(t >> 8)})
	}
	return int32(h.Sum64()%(vocab-10)) + 10
}

// reference is the answer to a prompt: n tokens.
func reference(prompt []int32, n int) []int32 {
	all := slices.Clone(prompt)
	for range n {
		all = append(all, next(all))
	}
	return all[len(prompt):]
}

// hashEngine samples a hash of the whole history, so that any row that is lost, repeated or out of place changes
// every token after it.
type hashEngine struct {
	last bool
	took time.Duration
	seqs map[uint64][]int32
}

func (e *hashEngine) Step(f *wire.Frame, layer func(int)) ([]float32, []wire.SampledItem) {
	time.Sleep(e.took)
	var items []wire.SampledItem
	rows := 0
	for i := range f.Entries {
		en := &f.Entries[i]
		rows += len(en.Tokens)
		for _, op := range en.Ops {
			switch op.Kind {
			case wire.OpOpen:
				e.seqs[en.Seq] = slices.Clone(op.History)
			case wire.OpFork:
				e.seqs[en.Seq] = slices.Clone(e.seqs[op.Parent][:op.Len])
			case wire.OpClose:
				delete(e.seqs, en.Seq)
			}
		}
		if len(en.Tokens) == 0 {
			continue
		}
		h := e.seqs[en.Seq]
		if int(en.Pos) > len(h) {
			items = append(items, wire.SampledItem{Seq: en.Seq, Pos: en.Pos, Error: fmt.Sprintf("rows at %d after %d", en.Pos, len(h))})
			continue
		}
		h = append(h[:en.Pos], en.Tokens...)
		e.seqs[en.Seq] = h
		if en.Want == wire.WantSample {
			items = append(items, wire.SampledItem{Seq: en.Seq, Pos: uint32(len(h)), Tokens: []int32{next(h)}})
		}
	}
	if e.last {
		return nil, items
	}
	return make([]float32, rows), nil
}

func (e *hashEngine) KVUsed() int { return len(e.seqs) }
func (e *hashEngine) Close()      {}

type hashLoader struct{}

func (hashLoader) Load(ctx context.Context, p *wire.Prepare, _ stage.Engine, _ func(done, total int64)) (stage.Engine, error) {
	return &hashEngine{last: p.Index == len(p.Stages)-1, took: 2 * time.Millisecond, seqs: map[uint64][]int32{}}, nil
}

// world is a cluster in one process: real coordinator, real stages, fake engines, fake bus.
type world struct {
	t      *testing.T
	net    *bus.Net
	sub    wire.Subjects
	dir    string
	shards map[string]func() // kills one
	boots  int
	lead   func() // kills the coordinator
	client *bus.MemConn
	wg     sync.WaitGroup
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, net: bus.NewNet(7), sub: wire.Subjects{Cluster: "test"}, dir: t.TempDir(), shards: map[string]func(){}}
	w.client = w.net.Connect("client", bus.Events{})
	return w
}

func (w *world) close() {
	for _, kill := range w.shards {
		kill()
	}
	if w.lead != nil {
		w.lead()
	}
	w.client.Close()
	w.wg.Wait()
}

// startLead starts a coordinator, with the disk of the one before.
func (w *world) startLead(want int) {
	ctx, cancel := context.WithCancel(context.Background())
	var l *Lead
	conn := w.net.Connect("coordinator", bus.Events{
		Disconnected: func(error) { l.BusLost() }, Reconnected: func() { l.BusBack() },
	})
	l, err := New(Options{Bus: conn, Subjects: w.sub, Card: card, ServedName: "m", Data: w.dir, Want: want, KVType: "f16", KVTokens: 4096,
		Arithmetic: 1, Digest: "d", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		w.t.Fatal(err)
	}
	done := make(chan struct{})
	w.wg.Go(func() {
		defer close(done)
		if err := l.Run(ctx); err != nil {
			w.t.Error(err)
		}
		conn.Close()
	})
	w.lead = func() { cancel(); <-done }
}

// startShard starts a shard; killing it is silent, as by kill -9.
func (w *world) startShard(name string) {
	w.boots++
	boot := fmt.Sprintf("b%d", w.boots)
	conn := w.net.Connect(name+"."+boot, bus.Events{})
	ctx, cancel := context.WithCancel(context.Background())
	n := stage.NewNode(stage.Config{
		Hello: wire.Hello{Node: name, Boot: boot, Wire: wire.Version, Arithmetic: 1, Digest: "d", Model: card.ID,
			MemoryBytes: 1 << 30, BytesPerSec: 1e9, OpsPerSec: 1e12},
		Subjects: w.sub, Bus: conn, Loader: hashLoader{}, Hidden: 1, Logger: slog.New(slog.DiscardHandler),
	})
	done := make(chan struct{})
	w.wg.Go(func() {
		defer close(done)
		n.Run(ctx)
	})
	w.shards[name] = func() {
		w.net.Cut(name + "." + boot)
		cancel()
		<-done
		conn.Close()
		delete(w.shards, name)
	}
}

func (w *world) ask(verb string, args, result any) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	req := wire.AdminRequest{Verb: verb}
	if args != nil {
		req.Args, _ = json.Marshal(args)
	}
	b, _ := json.Marshal(req)
	b, err := w.client.Request(ctx, w.sub.Admin(), b)
	if err != nil {
		return err
	}
	var r wire.AdminReply
	if err := json.Unmarshal(b, &r); err != nil {
		return err
	}
	if r.Error != "" {
		return fmt.Errorf("%s", r.Error)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(r.Result, result)
}

// waitReady waits until a plan over n stages is ready.
func (w *world) waitReady(n int, within time.Duration) wire.Status {
	w.t.Helper()
	var s wire.Status
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if w.ask(wire.VerbStatus, nil, &s) == nil && s.Ready && len(s.Stages) == n {
			return s
		}
	}
	w.t.Fatalf("no plan over %d stages after %v: %+v", n, within, s)
	return s
}

// answer is what a client of the test has been given.
type answer struct {
	w       *world
	id      string
	prompt  []int32
	max     int
	attempt uint32
	mu      sync.Mutex
	tokens  []int32
	gap     bool
	finish  string
	err     string
	heard   time.Time
}

// generate submits a request and follows it as a router does: a gap or a silence submits it again.
func (w *world) generate(id string, prompt []int32, max int) *answer {
	a := &answer{w: w, id: id, prompt: prompt, max: max, heard: time.Now()}
	if _, err := w.client.Subscribe(w.sub.Delta("router", id), a.take); err != nil {
		w.t.Fatal(err)
	}
	a.submit()
	return a
}

func (a *answer) take(m bus.Msg) {
	var d wire.Delta
	if err := wire.ParseDelta(m.Data, &d); err != nil {
		a.w.t.Error(err)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.heard = time.Now()
	for _, it := range d.Items {
		if it.ID != a.id {
			continue
		}
		if int(it.Position) > len(a.tokens) {
			a.gap = true
			continue
		}
		for i, t := range it.Tokens {
			at := int(it.Position) + i
			if at < len(a.tokens) {
				if a.tokens[at] != t {
					a.w.t.Errorf("%s: token %d was %d and is %d", a.id, at, a.tokens[at], t)
				}
				continue
			}
			a.tokens = append(a.tokens, t)
		}
		if it.Finish != "" {
			a.finish = it.Finish
		}
		if it.ErrorCode != "" {
			a.err = it.ErrorCode + ": " + it.Error
		}
	}
}

func (a *answer) submit() {
	a.mu.Lock()
	g := wire.Generate{ID: a.id, Attempt: a.attempt, Router: "router", Boot: a.id, Model: card.ID, Prompt: a.prompt,
		Choices: []wire.Choice{{Emitted: slices.Clone(a.tokens), Credit: uint32(a.max)}}, MaxTokens: a.max,
		Params: wire.Params{TopP: 1, Repetition: 1, Logprobs: -1, PromptLen: len(a.prompt)}, RemainingMS: 120_000}
	a.attempt++
	a.gap, a.heard = false, time.Now()
	a.mu.Unlock()
	b, _ := json.Marshal(g)
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	a.w.client.Request(ctx, a.w.sub.Generate(), b)
}

// wait follows the answer to its end and compares it with the reference.
func (a *answer) wait(within time.Duration) {
	a.w.t.Helper()
	for end := time.Now().Add(within); ; time.Sleep(20 * time.Millisecond) {
		a.mu.Lock()
		over, again := a.finish != "" || a.err != "", a.gap || time.Since(a.heard) > 2*time.Second
		a.mu.Unlock()
		if over {
			break
		}
		if time.Now().After(end) {
			a.w.t.Fatalf("%s: %d of %d tokens after %v", a.id, len(a.tokens), a.max, within)
		}
		if again {
			a.submit()
		}
	}
	if a.err != "" || a.finish != wire.FinishLength || !slices.Equal(a.tokens, reference(a.prompt, a.max)) {
		a.w.t.Fatalf("%s: finish %q, error %q, %d tokens equal to the reference: %v", a.id, a.finish, a.err, len(a.tokens), slices.Equal(a.tokens, reference(a.prompt, a.max)))
	}
}

func prompt(n int) []int32 {
	p := make([]int32, n)
	for i := range p {
		p[i] = int32(i*i%vocab + 1)
	}
	return p
}

func simulate(t *testing.T, fn func(w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		w.startLead(3)
		for i := range 3 {
			w.startShard(fmt.Sprintf("shard-%d", i+1))
		}
		fn(w)
	})
}

func TestAnswers(t *testing.T) {
	simulate(t, func(w *world) {
		s := w.waitReady(3, 20*time.Second)
		if s.ModelID != card.ID || s.Model != "m" || len(s.Nodes) != 3 {
			t.Fatalf("status %+v", s)
		}
		var all []*answer
		for i := range 20 {
			all = append(all, w.generate(fmt.Sprint("r", i), prompt(10+37*i), 40))
		}
		for _, a := range all {
			a.wait(time.Minute)
		}
	})
}

func TestShardKilledInMidAnswer(t *testing.T) {
	for _, victim := range []string{"shard-1", "shard-2", "shard-3"} {
		t.Run(victim, func(t *testing.T) {
			simulate(t, func(w *world) {
				w.waitReady(3, 20*time.Second)
				a, b := w.generate("a", prompt(50), 200), w.generate("b", prompt(300), 100)
				time.Sleep(300 * time.Millisecond)
				w.shards[victim]()
				w.waitReady(2, 5*time.Second)
				a.wait(time.Minute)
				b.wait(time.Minute)
				w.startShard(victim)
				w.waitReady(3, 10*time.Second)
				w.generate("c", prompt(20), 20).wait(time.Minute)
			})
		})
	}
}

func TestCoordinatorKilled(t *testing.T) {
	simulate(t, func(w *world) {
		s := w.waitReady(3, 20*time.Second)
		a := w.generate("a", prompt(50), 300)
		time.Sleep(300 * time.Millisecond)
		w.lead()
		time.Sleep(200 * time.Millisecond)
		w.startLead(3)
		if after := w.waitReady(3, 20*time.Second); after.Term <= s.Term {
			t.Fatalf("term %d after %d", after.Term, s.Term)
		}
		a.wait(time.Minute)
	})
}

func TestBusKilled(t *testing.T) {
	simulate(t, func(w *world) {
		w.waitReady(3, 20*time.Second)
		a := w.generate("a", prompt(50), 300)
		time.Sleep(300 * time.Millisecond)
		w.net.CutAll()
		time.Sleep(3 * time.Second)
		w.net.HealAll()
		a.wait(time.Minute)
		w.waitReady(3, 20*time.Second)
	})
}

func TestScaleAndDrain(t *testing.T) {
	simulate(t, func(w *world) {
		w.waitReady(3, 20*time.Second)
		a := w.generate("a", prompt(50), 500)
		time.Sleep(200 * time.Millisecond)
		if err := w.ask(wire.VerbScale, wire.ScaleRequest{Shards: 2}, nil); err != nil {
			t.Fatal(err)
		}
		w.waitReady(2, 10*time.Second)
		if err := w.ask(wire.VerbScale, wire.ScaleRequest{}, nil); err != nil {
			t.Fatal(err)
		}
		w.waitReady(3, 10*time.Second)
		if err := w.ask(wire.VerbDrain, wire.DrainRequest{Node: "shard-2"}, nil); err != nil {
			t.Fatal(err)
		}
		for _, st := range w.waitReady(2, 10*time.Second).Stages {
			if st.Node == "shard-2" {
				t.Fatal("a drained shard is in the plan")
			}
		}
		a.wait(time.Minute)
		if err := w.ask(wire.VerbDrain, wire.DrainRequest{Node: "nobody"}, nil); err == nil {
			t.Fatal("a shard that nobody knows was drained")
		}
		var p wire.PlanReply
		if err := w.ask(wire.VerbPlan, wire.PlanRequest{Shards: 1}, &p); err != nil || len(p.Stages) != 1 || p.Stages[0].Last != layers {
			t.Fatalf("plan %+v, %v", p, err)
		}
	})
}

// Messages that are lost, doubled and late cost time, never a token.
func TestBadNetwork(t *testing.T) {
	simulate(t, func(w *world) {
		w.waitReady(3, 20*time.Second)
		w.net.SetFaults(bus.Faults{Drop: 0.02, Duplicate: 0.02, Reorder: 0.02, Delay: time.Millisecond, Jitter: 2 * time.Millisecond})
		var all []*answer
		for i := range 8 {
			all = append(all, w.generate(fmt.Sprint("r", i), prompt(10+37*i), 60))
		}
		for _, a := range all {
			a.wait(5 * time.Minute)
		}
	})
}

func TestCardInPieces(t *testing.T) {
	simulate(t, func(w *world) {
		w.waitReady(3, 20*time.Second)
		var c wire.CardChunk
		if err := w.ask(wire.VerbCard, nil, &c); err != nil || c.ID != card.ID || c.Total != len(c.Data) {
			t.Fatalf("%+v, %v", c, err)
		}
		if err := w.ask(wire.VerbCard, wire.CardRequest{Offset: c.Total + 1}, &c); err == nil {
			t.Fatal("an offset beyond the end was answered")
		}
		if err := w.ask("nonsense", nil, nil); err == nil {
			t.Fatal("an unknown verb was answered")
		}
	})
}
