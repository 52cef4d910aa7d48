package generate

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/stagecoach-llm/stagecoach/transport/bus"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// Times of the protocol.
const (
	tickEvery   = 50 * time.Millisecond
	beatEvery   = time.Second     // 5 s of silence cancel all requests of a router
	replyWithin = 5 * time.Second // from submission to acceptance or refusal
	probeAfter  = 2 * time.Second // of silence: is it still the same coordinator?
	probeEvery  = time.Second
	// deadlineGrace leaves the coordinator, who knows why, the first word about a deadline.
	deadlineGrace = 500 * time.Millisecond
	firstPause    = 100 * time.Millisecond // before a resubmission; doubled each time
	longPause     = 2 * time.Second
	// forgottenAfter is the silence after which a request is submitted again where the coordinator has fewer than it should.
	forgottenAfter = 5 * time.Second
	// patience is the silence after which it is in any case, unless others wait, too: longer than a prompt takes. Doubled each time.
	patience = 2 * time.Minute
)

// Options of a Client.
type Options struct {
	Bus      bus.Conn
	Subjects wire.Subjects
	Router   string // this router's name; subjects contain it
	Boot     string // random per process start
	Logger   *slog.Logger
}

// Client submits requests for one boot of a router.
type Client struct {
	Options
	ops  chan func()
	done chan struct{} // closed when Run has ended

	// Everything below belongs to Run.
	live      map[string]*request
	term      uint64 // highest seen
	connected bool
	probing   bool
	probed    time.Time
	beaten    time.Time
	tasks     sync.WaitGroup // goroutines that wait for replies
	ctx       context.Context
}

// New makes a client; Run sets it going.
func New(o Options) *Client {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Client{
		Options: o, ops: make(chan func(), 1024), done: make(chan struct{}), live: map[string]*request{},
	}
}

// Run owns the requests until ctx ends; those that are live then end with CodeTimeout. Call it once.
func (c *Client) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	c.ctx = ctx
	defer c.end(cancel)
	sub, err := c.Bus.Subscribe(c.Subjects.Delta(c.Router, c.Boot), c.onDelta)
	if err != nil {
		return fmt.Errorf("generate: %w", err)
	}
	defer sub.Unsubscribe()
	c.connected = c.Bus.Connected()
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	for {
		select {
		case fn := <-c.ops:
			fn()
		case now := <-tick.C:
			c.tick(now)
		case <-ctx.Done():
			return nil
		}
	}
}

// end fails what is left, cancels it at the coordinator, and waits for the goroutines that wait for replies.
func (c *Client) end(cancel context.CancelFunc) {
	for _, r := range c.live {
		c.fail(r, &Error{Code: wire.CodeTimeout, Message: "the router is shutting down"})
	}
	cancel()
	close(c.done)
	c.tasks.Wait()
}

// do queues fn for the owner; after the end it does nothing.
func (c *Client) do(fn func()) bool {
	select {
	case c.ops <- fn:
		return true
	case <-c.done:
		return false
	}
}

// onDelta runs on the bus's goroutine.
func (c *Client) onDelta(m bus.Msg) {
	d := new(wire.Delta)
	if err := wire.ParseDelta(m.Data, d); err != nil {
		c.Logger.Warn("a delta cannot be read; the gap it leaves is repaired", "error", err)
		return
	}
	c.do(func() { c.apply(d, time.Now()) })
}

// tick does what is due.
func (c *Client) tick(now time.Time) {
	c.watchBus(now)
	silent := false
	for _, r := range c.live {
		c.tend(r, now)
		silent = silent || r.accepted && r.hungry() && now.Sub(r.heard) > probeAfter
	}
	if silent {
		c.probe(now)
	}
	if now.Sub(c.beaten) >= beatEvery {
		c.beat(now)
	}
}

// watchBus resubmits everything after the connection was away: nobody knows what was lost.
func (c *Client) watchBus(now time.Time) {
	was := c.connected
	c.connected = c.Bus.Connected()
	if was || !c.connected {
		return
	}
	c.beat(now)
	for _, r := range c.live {
		c.again(r, now, "the bus was away")
	}
}

// tend moves one request along: its deadline, a resubmission that is due.
func (c *Client) tend(r *request, now time.Time) {
	switch {
	case now.Sub(r.deadline) >= deadlineGrace:
		c.fail(r, r.late())
	case r.pending && !now.Before(r.due) && c.connected:
		c.submit(r, now)
	}
}

// beat tells the coordinator what is wanted, and repeats the credit of silent choices in case a message was lost.
func (c *Client) beat(now time.Time) {
	c.beaten = now
	ids := make([]string, 0, len(c.live))
	for id, r := range c.live {
		ids = append(ids, id)
		if r.accepted && now.Sub(r.heard) > beatEvery {
			for _, ch := range r.choices {
				c.sendCredit(r, ch)
			}
		}
	}
	c.send(wire.RouterMessage{Beat: &wire.RouterBeat{Router: c.Router, Boot: c.Boot, Live: ids}})
}
