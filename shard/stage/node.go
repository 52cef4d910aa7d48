package stage

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/stagecoach-llm/stagecoach/transport/bus"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// BeatEvery is how often a shard says that it lives.
const BeatEvery = 100 * time.Millisecond

// Config says who a shard is and what it computes with.
type Config struct {
	Hello    wire.Hello // sent as it is, Promised aside; Node and Boot name the shard
	Subjects wire.Subjects
	Bus      bus.Conn
	Loader   Loader
	Hidden   int // width of the rows between stages
	Logger   *slog.Logger
	Metrics  *Metrics
}

// Node is a shard: the runner, its loader and its beat.
type Node struct {
	cfg   Config
	log   *slog.Logger
	inbox chan arrival      // frames
	ctl   chan []byte       // control messages
	done  chan loadedEngine // from the loader
	hello chan struct{}     // asks the runner for a Hello
	beat  pulse

	// The runner's own.
	promised uint64
	active   *run
	prepared *run
	loading  *loading
	frame    *wire.Frame
	sampled  wire.Sampled
	body     []byte // of the output being encoded
}

// arrival is a frame and when it came.
type arrival struct {
	data []byte
	at   time.Time
}

// run is one epoch at this shard.
type run struct {
	plan   *wire.Prepare
	engine Engine
	lane   *Lane
	output string // subject of the next stage, or of the coordinator
	last   bool
}

// loading is an engine on its way.
type loading struct {
	epoch  uint64
	cancel context.CancelFunc
}

type loadedEngine struct {
	plan   *wire.Prepare
	engine Engine
	err    error
}

// NewNode makes a shard; Run starts it.
func NewNode(cfg Config) *Node {
	return &Node{
		cfg: cfg,
		log: cfg.Logger,
		// As many frames as a lane can have in flight, with room for resends.
		inbox: make(chan arrival, 256),
		ctl:   make(chan []byte, 64),
		done:  make(chan loadedEngine, 1),
		hello: make(chan struct{}, 1),
		frame: new(wire.Frame),
	}
}

// Reconnected is the bus's event: the coordinator may have changed while the shard was away.
func (n *Node) Reconnected() {
	select {
	case n.hello <- struct{}{}:
	default:
	}
}

// Run serves until ctx ends, then says that it leaves. It returns when every goroutine of it has ended.
func (n *Node) Run(ctx context.Context) error {
	subs, err := n.subscribe()
	if err != nil {
		return err
	}
	beatCtx, stopBeat := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { n.beatLoop(beatCtx) })
	n.sayHello()
	n.loop(ctx)
	stopBeat()
	for _, s := range subs {
		s.Unsubscribe()
	}
	n.send(wire.NodeMessage{Leaving: &wire.Leaving{Node: n.cfg.Hello.Node, Boot: n.cfg.Hello.Boot}})
	n.stopLoading()
	n.drop(&n.prepared)
	n.drop(&n.active)
	wg.Wait()
	return nil
}

func (n *Node) subscribe() ([]bus.Subscription, error) {
	h := n.cfg.Hello
	var subs []bus.Subscription
	for subject, fn := range map[string]func(bus.Msg){
		n.cfg.Subjects.Input(h.Node, h.Boot):   n.takeFrame,
		n.cfg.Subjects.Control(h.Node, h.Boot): n.takeControl,
		n.cfg.Subjects.AllNodes():              n.takeControl,
	} {
		s, err := n.cfg.Bus.Subscribe(subject, fn)
		if err != nil {
			return nil, fmt.Errorf("stage: subscribe to %s: %w", subject, err)
		}
		subs = append(subs, s)
	}
	return subs, nil
}

// takeFrame runs on the bus's goroutine. A frame that finds the inbox full is dropped: it will be missed and resent.
func (n *Node) takeFrame(m bus.Msg) {
	select {
	case n.inbox <- arrival{m.Data, time.Now()}:
	default:
		n.cfg.Metrics.drop("inbox full")
	}
}

// takeControl runs on the bus's goroutine. A probe is answered here, so that it shows a live process and
// connection even while the runner computes.
func (n *Node) takeControl(m bus.Msg) {
	if m.Reply == "" {
		select {
		case n.ctl <- m.Data:
		default:
			n.log.Warn("control message dropped: too many are waiting")
		}
		return
	}
	b, err := json.Marshal(n.beatNow())
	if err == nil {
		err = n.cfg.Bus.Publish(m.Reply, b)
	}
	if err != nil {
		n.log.Debug("probe not answered", "err", err)
	}
}

func (n *Node) loop(ctx context.Context) {
	unheard := time.NewTicker(time.Second)
	defer unheard.Stop()
	for {
		// Control first: a commit must not wait behind the frames of the epoch that it ends.
		select {
		case m := <-n.ctl:
			n.control(ctx, m)
			continue
		default:
		}
		select {
		case <-ctx.Done():
			return
		case m := <-n.ctl:
			n.control(ctx, m)
		case a := <-n.inbox:
			n.receive(a)
		case l := <-n.done:
			n.loaded(l)
		case <-n.hello:
			n.sayHello()
		case <-unheard.C:
			if n.promised == 0 {
				n.sayHello()
			}
		}
	}
}

func (n *Node) sayHello() {
	h := n.cfg.Hello
	h.Promised = n.promised
	n.send(wire.NodeMessage{Hello: &h})
}

// send tells the coordinator. What does not arrive is asked for again.
func (n *Node) send(m wire.NodeMessage) {
	b, err := json.Marshal(m)
	if err == nil {
		err = n.cfg.Bus.Publish(n.cfg.Subjects.Nodes(), b)
	}
	if err != nil {
		n.log.Debug("message to the coordinator not sent", "err", err)
	}
}
