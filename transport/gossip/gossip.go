package gossip

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// Gossip is this process's membership. Leave or Close ends it.
type Gossip struct {
	o       Options
	log     *slog.Logger
	cluster uint64 // hash of the name
	list    *memberlist.Memberlist

	stop  context.CancelFunc // ends the goroutines
	ended sync.WaitGroup
	once  sync.Once     // of the end
	work  chan struct{} // an event waits

	addr string // advertised; memberlist writes its own copy without a lock that others may take

	mu      sync.Mutex // guards what follows; never held while memberlist is called
	self    description
	encoded []byte // self
	members map[string]known
	seeds   map[string]string // address by which a seed was reached
	changed chan struct{}     // closed and replaced at each change
	queue   []Event
}

// known is another member, and whether it has said that it goes.
type known struct {
	Member
	leaving bool
}

// Start binds the address, announces this process and begins to look for the seeds. It does not wait for them.
func Start(o Options) (*Gossip, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	g := &Gossip{
		o: o, log: o.Logger, cluster: clusterHash(o.Cluster), work: make(chan struct{}, 1),
		members: map[string]known{}, seeds: map[string]string{}, changed: make(chan struct{}),
		self: description{Meta: o.Meta, node: o.Node, boot: o.Boot, cluster: clusterHash(o.Cluster)},
	}
	var err error
	if g.encoded, err = g.self.encode(); err != nil {
		return nil, err
	}
	config, err := o.config(g)
	if err != nil {
		return nil, err
	}
	if g.list, err = memberlist.Create(config); err != nil {
		return nil, fmt.Errorf("gossip: start on %s: %w", config.BindAddr, err)
	}
	g.addr = g.list.LocalNode().Address()
	ctx, stop := context.WithCancel(context.Background())
	g.stop = stop
	g.ended.Go(func() { g.deliver(ctx) })
	g.ended.Go(func() { g.rejoin(ctx) })
	return g, nil
}

// Addr is the advertised "ip:port", which others may use as a seed.
func (g *Gossip) Addr() string { return g.addr }

// Self is this process as others see it.
func (g *Gossip) Self() Member {
	addr := g.Addr()
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.self.member(addr)
}

// Members are the others that are here, by node and boot.
func (g *Gossip) Members() []Member {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := make([]Member, 0, len(g.members))
	for _, m := range g.members {
		out = append(out, m.clone())
	}
	slices.SortFunc(out, func(a, b Member) int {
		return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.Boot, b.Boot))
	})
	return out
}

// Wait returns the first member, by node and boot, that matches, as soon as there is one.
func (g *Gossip) Wait(ctx context.Context, match func(Member) bool) (Member, error) {
	for {
		g.mu.Lock()
		changed := g.changed
		g.mu.Unlock()
		members := g.Members()
		if i := slices.IndexFunc(members, match); i >= 0 {
			return members[i], nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return Member{}, fmt.Errorf("gossip: wait for a member: %w", ctx.Err())
		}
	}
}

// SetMeta changes what this process tells about itself and waits until the change has been sent out, or for ctx's
// deadline (3 s where it has none).
func (g *Gossip) SetMeta(ctx context.Context, m Meta) error {
	ctx, cancel := withDeadline(ctx)
	defer cancel()
	return g.describe(ctx, func(d *description) { d.Meta = m })
}

// describe changes the description and sends it out. ctx has a deadline.
func (g *Gossip) describe(ctx context.Context, change func(*description)) error {
	g.mu.Lock()
	d := g.self
	change(&d)
	b, err := d.encode()
	if err == nil {
		g.self, g.encoded = d, b
	}
	g.mu.Unlock()
	if err != nil {
		return err
	}
	if err := g.list.UpdateNode(timeLeft(ctx)); err != nil {
		return fmt.Errorf("gossip: update description: %w", err)
	}
	return nil
}

// withDeadline gives ctx a deadline where it has none.
func withDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, leaveTimeout)
}

// timeLeft is the time until ctx's deadline, and never 0, which means for ever to memberlist.
func timeLeft(ctx context.Context) time.Duration {
	end, _ := ctx.Deadline()
	return max(time.Until(end), time.Millisecond)
}

// Leave says farewell, so that others need not suspect anything, and ends the membership. The farewell waits until
// it has been sent out, or for ctx's deadline (3 s where it has none); an error means that it may not have been.
// A try of a seed that is under way is waited for on top of that.
func (g *Gossip) Leave(ctx context.Context) error {
	ctx, cancel := withDeadline(ctx)
	defer cancel()
	var err error
	g.once.Do(func() {
		g.stop()
		said := g.describe(ctx, func(d *description) { d.leaving = true })
		err = errors.Join(said, g.list.Leave(timeLeft(ctx)))
		g.shutdown()
	})
	if err != nil {
		return fmt.Errorf("gossip: leave: %w", err)
	}
	return nil
}

// Close ends the membership without a farewell: others will find that this process failed.
func (g *Gossip) Close() {
	g.once.Do(func() {
		g.stop()
		g.shutdown()
	})
}

func (g *Gossip) shutdown() {
	if err := g.list.Shutdown(); err != nil {
		g.log.Warn("gossip did not shut down", "err", err)
	}
	g.ended.Wait()
}

// present notes a member that joined, came back or changed. memberlist's lock is held.
func (g *Gossip) present(n *memberlist.Node) {
	d, err := g.read(n)
	if err != nil || n.Name == memberName(g.o.Node, g.o.Boot) {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	change := Joined
	if _, ok := g.members[n.Name]; ok {
		change = Updated
	}
	m := d.member(n.Address())
	g.members[n.Name] = known{m, d.leaving}
	g.tell(Event{change, m.clone()})
}

// gone notes a member that left or failed. memberlist's lock is held.
func (g *Gossip) gone(name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	m, ok := g.members[name]
	if !ok {
		return
	}
	delete(g.members, name)
	change := Failed
	if m.leaving {
		change = Left
	}
	g.tell(Event{change, m.clone()})
}

// tell queues an event and wakes those who wait; g.mu is held.
func (g *Gossip) tell(e Event) {
	close(g.changed)
	g.changed = make(chan struct{})
	if g.o.Events == nil {
		return
	}
	g.queue = append(g.queue, e)
	select {
	case g.work <- struct{}{}:
	default:
	}
}

// deliver hands events to the caller's channel in order.
func (g *Gossip) deliver(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-g.work:
		}
		g.mu.Lock()
		queue := g.queue
		g.queue = nil
		g.mu.Unlock()
		for _, e := range queue {
			select {
			case g.o.Events <- e:
			case <-ctx.Done():
				return
			}
		}
	}
}

func (d *description) member(addr string) Member {
	m := Member{Meta: d.Meta, Node: d.node, Boot: d.boot, Addr: addr}
	return m.clone()
}

// clone separates the URLs, which two holders could otherwise change under one another.
func (m Member) clone() Member {
	m.NATS = slices.Clone(m.NATS)
	return m
}
