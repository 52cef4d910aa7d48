package lead

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/stagecoach-llm/stagecoach/coordinator/place"
	"github.com/stagecoach-llm/stagecoach/coordinator/plan"
	"github.com/stagecoach-llm/stagecoach/coordinator/sched"
	"github.com/stagecoach-llm/stagecoach/shard/checkpoint"
	"github.com/stagecoach-llm/stagecoach/transport/bus"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// Options of a coordinator.
type Options struct {
	Bus        bus.Conn
	Subjects   wire.Subjects
	Card       *checkpoint.Card
	ServedName string       // the model's id at the endpoint
	Data       string       // folder of the state file
	Want       int          // shards that the first plan waits for; when > 0 it also replaces the saved scale by "all"
	KVType     string       // "f16" or "f32"
	KVTokens   int          // KV positions that a plan asks for at most; 0 is DefaultKVTokens
	Arithmetic int          // kernels.ArithmeticVersion
	Digest     string       // kernels.Digest
	Say        func(string) // progress for people; nil says nothing
	Logger     *slog.Logger
	Registry   prometheus.Registerer // nil registers nothing
	Timings    plan.Timings          // zero fields take the defaults
}

// DefaultKVTokens is how many KV positions a plan asks for when memory allows: eight sequences of 8,192.
const DefaultKVTokens = 1 << 16

// maxRows is how many rows a step may have, where the bus's messages can carry them.
const maxRows = 512

// Lead is a coordinator.
type Lead struct {
	opt   Options
	log   *slog.Logger
	model place.Model
	card  cardFile
	start time.Time
	inbox chan any
	work  sync.WaitGroup // probes
	bus   busState

	// The loop's own.
	state    *state
	plan     *plan.Planner
	sched    *sched.Scheduler
	todo     []todo       // events for the cores that commands gave rise to
	stages   []wire.Stage // of the live epoch
	epoch    uint64
	canary   string // id of the canary's request
	wakeAt   [2]time.Duration
	commands struct {
		plan  []plan.Command
		sched []sched.Command
	}
	frame   wire.Frame
	buf     []byte
	sampled wire.Sampled
	sentAt  map[uint64]time.Duration // steps in flight
	delta   wire.Delta
	metrics *metrics
	replyTo string // of the Generate that is being submitted
}

// todo is an event for one of the cores.
type todo struct {
	plan  plan.Event
	sched sched.Event
}

// arrived is a message from the bus.
type arrived struct {
	kind kind
	msg  bus.Msg
}

type kind int

const (
	fromNode kind = iota
	fromLast      // Sampled
	fromRouter
	generate
	admin
)

// New prepares a coordinator; Run starts it.
func New(o Options) (*Lead, error) {
	elem := 2
	if o.KVType == "f32" {
		elem = 4
	}
	if o.KVTokens <= 0 {
		o.KVTokens = DefaultKVTokens
	}
	if o.Say == nil {
		o.Say = func(string) {}
	}
	card, err := newCardFile(o.Card)
	if err != nil {
		return nil, err
	}
	return &Lead{
		opt: o, log: o.Logger, model: place.FromCard(o.Card, elem, maxRows), card: card,
		inbox: make(chan any, 1024), bus: busState{changed: make(chan struct{}, 1)}, sentAt: map[uint64]time.Duration{},
		metrics: newMetrics(o.Registry),
	}, nil
}

// BusLost and BusBack are the bus's events. They may be called before Run.
func (l *Lead) BusLost() { l.bus.set(true) }

// BusBack says that the connection is there again.
func (l *Lead) BusBack() { l.bus.set(false) }

// Gossip is memberlist's opinion of a shard.
func (l *Lead) Gossip(node, boot string, alive bool) {
	l.post(plan.Gossip{Node: node, Boot: boot, Alive: alive})
}

// post hands something to the loop. When that is far behind, it is dropped: every message of the protocol is
// repeated until it is answered.
func (l *Lead) post(m any) {
	select {
	case l.inbox <- m:
	default:
		l.metrics.dropped.Inc()
	}
}

// Run coordinates until ctx ends. An error means that the state could not be kept or the bus not be used.
func (l *Lead) Run(ctx context.Context) error {
	l.start = time.Now()
	st, err := openState(l.opt.Data)
	if err != nil {
		return err
	}
	defer st.close()
	saved, err := st.load()
	if err != nil {
		return err
	}
	if l.opt.Want > 0 {
		saved.Scale = 0
	}
	l.state = st
	l.plan = plan.New(l.planConfig(saved))
	l.sched = sched.New(sched.Config{Model: l.opt.Card.ID, Context: l.opt.Card.Config.Context, Vocab: l.opt.Card.Config.Vocab, MaxRows: maxRows})
	subs, err := l.subscribe()
	if err != nil {
		return err
	}
	defer l.work.Wait()
	defer func() {
		for _, s := range subs {
			s.Unsubscribe()
		}
	}()
	return l.loop(ctx)
}

func (l *Lead) planConfig(saved plan.State) plan.Config {
	blocks := l.opt.KVTokens / sched.BlockTokens
	return plan.Config{
		Model: l.model, ModelID: l.opt.Card.ID, Wire: wire.Version, Arithmetic: l.opt.Arithmetic, Digest: l.opt.Digest,
		KVType: l.opt.KVType, Want: l.opt.Want, Salt: rand.Uint32(), State: saved, Timings: l.opt.Timings,
		Placement: place.Options{
			// Less than one sequence of the model's context, or of 2,048 tokens, is not worth serving.
			MinKVBlocks:  min(blocks, (min(l.opt.Card.Config.Context, 2048)+sched.BlockTokens-1)/sched.BlockTokens),
			WantKVBlocks: blocks,
			MaxKVBlocks:  blocks,
		},
	}
}

func (l *Lead) subscribe() ([]bus.Subscription, error) {
	var subs []bus.Subscription
	for _, s := range []struct {
		subject string
		kind    kind
	}{
		{l.opt.Subjects.Nodes(), fromNode}, {l.opt.Subjects.Sampled(), fromLast}, {l.opt.Subjects.Router(), fromRouter},
		{l.opt.Subjects.Generate(), generate}, {l.opt.Subjects.Admin(), admin},
	} {
		sub, err := l.opt.Bus.Subscribe(s.subject, func(m bus.Msg) { l.post(arrived{s.kind, m}) })
		if err != nil {
			return nil, fmt.Errorf("lead: subscribe to %s: %w", s.subject, err)
		}
		subs = append(subs, sub)
	}
	return subs, nil
}

func (l *Lead) now() time.Duration { return time.Since(l.start) }

func (l *Lead) loop(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	if err := l.do(ctx, todo{plan: plan.Start{}}); err != nil {
		return err
	}
	for {
		timer.Reset(max(0, min(l.wakeAt[0], l.wakeAt[1])-l.now()))
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-l.bus.changed:
			err = l.takeBus(ctx)
		case m := <-l.inbox:
			err = l.take(ctx, m)
		case <-timer.C:
			err = l.wake(ctx)
		}
		if err != nil {
			return err
		}
	}
}

// wake lets time pass for the core that asked for it.
func (l *Lead) wake(ctx context.Context) error {
	now := l.now()
	if l.wakeAt[0] <= now {
		l.wakeAt[0] = never
		if err := l.do(ctx, todo{plan: plan.Tick{}}); err != nil {
			return err
		}
		l.metrics.watch(l.sched.Stats(), l.plan.Status())
	}
	if l.wakeAt[1] <= now {
		l.wakeAt[1] = never
		return l.do(ctx, todo{sched: sched.Tick{}})
	}
	return nil
}

const never = time.Duration(1<<63 - 1)

// do applies an event and everything that follows from it.
func (l *Lead) do(ctx context.Context, first todo) error {
	l.todo = append(l.todo, first)
	for len(l.todo) > 0 {
		t := l.todo[0]
		l.todo = l.todo[1:]
		if t.plan != nil {
			cmds := l.plan.Apply(l.now(), t.plan, l.commands.plan[:0])
			l.commands.plan = cmds
			for _, c := range cmds {
				if err := l.carryPlan(ctx, c); err != nil {
					return err
				}
			}
			continue
		}
		cmds := l.sched.Apply(l.now(), t.sched, l.commands.sched[:0])
		l.commands.sched = cmds
		for _, c := range cmds {
			l.carrySched(c)
		}
	}
	l.todo = l.todo[:0:0]
	return nil
}

func (l *Lead) next(t todo) { l.todo = append(l.todo, t) }
