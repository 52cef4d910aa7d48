package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stagecoach-llm/stagecoach/router/account"
	"github.com/stagecoach-llm/stagecoach/transport/bus"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

const (
	patience = 10 * time.Second       // of a request to the owner, all tries together
	brief    = 2 * time.Second        // of a request that nothing waits for or that must not wait
	oneTry   = time.Second            // of one message
	nextTry  = 100 * time.Millisecond // after one that nobody answered
	maxMarks = 512                    // requests whose marks travel in one message
)

// Options of a Client.
type Options struct {
	Bus      bus.Conn
	Subjects wire.Subjects
	Router   string // this router's name
	Boot     string // random per process start
	Logger   *slog.Logger
}

// Client uses the ledger of another router. It implements account.Ledger and what the endpoint needs of keys and journal.
type Client struct {
	Options
	ledger atomic.Pointer[string]
	made   atomic.Bool // no key was ever made, as far as is known, while false
	asked  atomic.Bool // made is known
	marks  chan *marked
	late   chan late     // settlements to bring to the owner yet
	done   chan struct{} // closed when Run has ended

	mu   sync.Mutex // never held while anything waits
	live map[string]*lease
}

// lease is what a live request has been allowed, in tokens.
type lease struct{ total int }

// marked is marks that wait for the owner's journal.
type marked struct {
	delivery account.Delivery
	wrote    chan error
}

// NewClient makes a client; Run sets it going.
func NewClient(o Options) *Client {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return &Client{Options: o, marks: make(chan *marked), late: make(chan late, maxLate), done: make(chan struct{}), live: map[string]*lease{}}
}

// Run beats and brings marks, and settlements that failed, to the owner until ctx ends.
func (c *Client) Run(ctx context.Context) {
	var beside sync.WaitGroup
	beside.Go(func() { c.beats(ctx) })
	beside.Go(func() { c.settleLate(ctx) })
	defer beside.Wait()
	defer close(c.done)
	for {
		select {
		case m := <-c.marks:
			c.bring(ctx, c.gather(m))
		case <-ctx.Done():
			return
		}
	}
}

// gather takes the marks that wait beside the first.
func (c *Client) gather(first *marked) []*marked {
	batch := []*marked{first}
	for len(batch) < maxMarks {
		select {
		case m := <-c.marks:
			batch = append(batch, m)
		default:
			return batch
		}
	}
	return batch
}

func (c *Client) bring(ctx context.Context, batch []*marked) {
	ds := make([]account.Delivery, len(batch))
	for i, m := range batch {
		ds[i] = m.delivery
	}
	var codes []string
	err := c.ask(ctx, verbDeliver, ds, &codes)
	if err == nil && len(codes) != len(batch) {
		err = fmt.Errorf("%w: %d answers to %d marks", account.ErrUnavailable, len(codes), len(batch))
	}
	for i, m := range batch {
		if err != nil {
			m.wrote <- err
		} else {
			m.wrote <- errorOf(codes[i], "")
		}
	}
}

// Deliver journals positions and returns when they are in the owner's journal.
func (c *Client) Deliver(hold uint64, ms ...account.Mark) error {
	m := &marked{account.Delivery{Hold: hold, Marks: ms}, make(chan error, 1)}
	select {
	case c.marks <- m:
		return <-m.wrote // bring answers within patience
	case <-c.done:
		return account.ErrClosed
	}
}

func (c *Client) beats(ctx context.Context) {
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		c.mu.Lock()
		b := beat{Router: c.Router, Boot: c.Boot, Live: slices.Collect(maps.Keys(c.live))}
		c.mu.Unlock()
		if err := c.try(ctx, verbBeat, b, nil); err != nil && ctx.Err() == nil {
			c.Logger.Debug("the ledger's owner does not answer", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// Admit implements account.Ledger. The grant is durable.
func (c *Client) Admit(ctx context.Context, a account.Admission) (*account.Grant, error) {
	a.Boot = c.Boot
	c.mu.Lock()
	c.live[a.ID.Request] = &lease{}
	c.mu.Unlock()
	g := new(account.Grant)
	if err := c.ask(ctx, verbAdmit, a, g); err != nil {
		c.drop(a.ID) // where it was admitted all the same, the owner settles it: nobody has it
		return nil, err
	}
	return g, nil
}

// Lease implements account.Ledger.
func (c *Client) Lease(ctx context.Context, id account.ID, n int) (int, error) {
	c.mu.Lock()
	l := c.live[id.Request]
	c.mu.Unlock()
	if l == nil {
		return 0, account.ErrUnknownRequest
	}
	var r leaseReply
	if err := c.ask(ctx, verbLease, leaseAsk{id, l.total + n}, &r); err != nil {
		return 0, err
	}
	granted := min(n, max(0, r.Leased-l.total)) // more where the answer to an earlier lease was lost
	l.total += granted
	return granted, nil
}

func (c *Client) drop(id account.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.live, id.Request)
}

// Authenticate finds the key of a secret; see account.Book.
func (c *Client) Authenticate(secret string, open bool) (string, error) {
	a := keyAsk{Open: open}
	if secret != "" {
		hash := sha256.Sum256([]byte(secret))
		a.Hash = hash[:]
	}
	ctx, cancel := context.WithTimeout(context.Background(), brief)
	defer cancel()
	var r keyReply
	if err := c.ask(ctx, verbKey, a, &r); err != nil {
		return "", err
	}
	c.made.Store(r.Made)
	c.asked.Store(true)
	return r.ID, errorOf(r.Code, "")
}

// Standing tells how a user of a key stands; see account.Book.
func (c *Client) Standing(ctx context.Context, key, user string) (s account.Standing, err error) {
	err = c.ask(ctx, verbStands, standingAsk{key, user}, &s)
	return s, err
}

// Usage sums up what was used; see account.Book.
func (c *Client) Usage(ctx context.Context, q account.Query) (totals []account.Total, err error) {
	err = c.ask(ctx, verbUsage, q, &totals)
	return totals, err
}

// HasKeys reports whether a key was ever made, as far as is known here.
func (c *Client) HasKeys() bool { return !c.asked.Load() || c.made.Load() }

// ask tries until there is an answer, for as long as patience and ctx have it.
func (c *Client) ask(ctx context.Context, verb string, args, result any) error {
	until, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := c.try(until, verb, args, result)
		if !errors.Is(err, errNoAnswer) {
			return err
		}
		select {
		case <-time.After(nextTry):
		case <-until.Done():
			if ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return ctx.Err()
			}
			return fmt.Errorf("%w: %w", account.ErrUnavailable, err)
		case <-c.done:
			return account.ErrClosed
		}
	}
}

// try sends one message, after a hello where the ledger is not known yet.
func (c *Client) try(ctx context.Context, verb string, args, result any) error {
	ctx, cancel := context.WithTimeout(ctx, oneTry)
	defer cancel()
	if c.ledger.Load() == nil {
		var h helloReply
		if err := ask(ctx, c.Bus, c.Subjects.Ledger(), verbHello, call{}, &h); err != nil {
			return err
		}
		if c.ledger.CompareAndSwap(nil, &h.Ledger) {
			c.Logger.Info("uses the ledger of another router", "router", h.Router)
		}
	}
	data, err := json.Marshal(args)
	if err != nil {
		return fmt.Errorf("ledger: %s: %w", verb, err)
	}
	return ask(ctx, c.Bus, c.Subjects.Ledger(), verb, call{Ledger: *c.ledger.Load(), Args: data}, result)
}

// errNoAnswer is returned by ask where the owner may not have heard, or not been heard.
var errNoAnswer = errors.New("ledger: its owner does not answer")

// ask sends one message and reads the answer into result, unless that is nil.
func ask(ctx context.Context, conn bus.Conn, subject, verb string, c call, result any) error {
	args, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("ledger: %s: %w", verb, err)
	}
	data, err := json.Marshal(wire.AdminRequest{Verb: verb, Args: args})
	if err != nil {
		return fmt.Errorf("ledger: %s: %w", verb, err)
	}
	answer, err := conn.Request(ctx, subject, data)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", errNoAnswer, verb, err)
	}
	var reply wire.AdminReply
	if err := json.Unmarshal(answer, &reply); err != nil {
		return fmt.Errorf("ledger: %s: answer: %w", verb, err)
	}
	if reply.Code == codeRefusal {
		refusal := new(account.Refusal)
		if err := json.Unmarshal(reply.Result, refusal); err != nil {
			return fmt.Errorf("ledger: %s: refusal: %w", verb, err)
		}
		return refusal
	}
	if reply.Code != "" || result == nil {
		return errorOf(reply.Code, reply.Error)
	}
	if err := json.Unmarshal(reply.Result, result); err != nil {
		return fmt.Errorf("ledger: %s: result: %w", verb, err)
	}
	return nil
}
