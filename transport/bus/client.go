package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go"
)

// Client is a Conn over NATS.
type Client struct {
	o    Options
	log  *slog.Logger
	gate *gate
	nc   *nats.Conn
	made chan struct{} // closed when nc is set: the library's handlers may come before

	// dials counts connection attempts; proven is the attempt whose round trip has answered. They are equal while
	// messages may be published.
	dials  atomic.Uint64
	proven atomic.Uint64
	// dialErr is why an attempt failed; the library says only that no server is available.
	dialErr atomic.Pointer[error]

	// complaint is the last error logged since the connection was up; it belongs to the library's handlers.
	complaint string

	mu    sync.Mutex
	alive context.Context // ends when the connection goes down, and is then replaced
	kill  context.CancelFunc
}

var _ Conn = (*Client)(nil)

// dialer counts the connection attempts of c. The library calls it before anything can be sent over a connection.
type dialer struct{ c *Client }

func (d dialer) Dial(network, address string) (net.Conn, error) {
	d.c.dials.Add(1)
	conn, err := net.DialTimeout(network, address, dialTimeout)
	if err != nil {
		d.c.dialErr.Store(&err)
	}
	return conn, err
}

// prove makes a round trip, which the server answers only after it has taken the subscriptions sent before it.
func (c *Client) prove() error {
	dial := c.dials.Load()
	if err := c.nc.FlushTimeout(roundTrip); err != nil {
		return translate(err)
	}
	// Another attempt begun meanwhile needs its own proof.
	if c.dials.Load() == dial {
		c.proven.Store(dial)
	}
	return nil
}

// Connected tells whether messages can be published now.
func (c *Client) Connected() bool {
	return c.proven.Load() == c.dials.Load() && c.nc.IsConnected()
}

// Publish implements Conn. It may block for up to a second when the server does not read.
func (c *Client) Publish(subject string, data []byte) error {
	if c.proven.Load() != c.dials.Load() {
		return ErrDisconnected
	}
	if err := c.nc.Publish(subject, data); err != nil {
		return wrap("publish to", subject, err)
	}
	return nil
}

// Request implements Conn.
func (c *Client) Request(ctx context.Context, subject string, data []byte) ([]byte, error) {
	if c.proven.Load() != c.dials.Load() {
		return nil, ErrDisconnected
	}
	ctx, cancel := c.requestContext(ctx)
	defer cancel(nil)
	m, err := c.nc.RequestWithContext(ctx, subject, data)
	if err != nil && errors.Is(context.Cause(ctx), ErrDisconnected) {
		return nil, ErrDisconnected
	}
	if err != nil {
		return nil, wrap("request to", subject, err)
	}
	return m.Data, nil
}

// requestContext ends when ctx does, when the connection goes down, and after RequestTimeout where ctx has no
// deadline. An answer that is sent while the connection is down does not come.
func (c *Client) requestContext(ctx context.Context) (context.Context, context.CancelCauseFunc) {
	stopTimer := context.CancelFunc(func() {})
	if _, ok := ctx.Deadline(); !ok {
		ctx, stopTimer = context.WithTimeout(ctx, RequestTimeout)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	stopWatch := context.AfterFunc(c.life(), func() { cancel(ErrDisconnected) })
	return ctx, func(cause error) {
		stopWatch()
		cancel(cause)
		stopTimer()
	}
}

// life is a context that ends when the connection goes down.
func (c *Client) life() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.alive
}

// newLife ends the requests in flight and begins the life of those to come.
func (c *Client) newLife() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kill != nil {
		c.kill()
	}
	c.alive, c.kill = context.WithCancel(context.Background())
}

// wrap leaves ErrDisconnected bare: it is frequent while a server is away.
func wrap(what, subject string, err error) error {
	if err = translate(err); errors.Is(err, ErrDisconnected) {
		return err
	}
	return fmt.Errorf("%w (%s %s)", err, what, subject)
}

// Subscribe implements Conn. When it returns, the server knows of the interest; while the connection is down, the
// interest is kept and takes effect when it is back.
func (c *Client) Subscribe(subject string, fn func(Msg)) (Subscription, error) {
	sub, err := c.nc.Subscribe(subject, func(m *nats.Msg) {
		if !c.gate.enter() {
			return
		}
		defer c.gate.leave()
		fn(Msg{Subject: m.Subject, Reply: m.Reply, Data: m.Data})
	})
	if err != nil {
		return nil, wrap("subscribe to", subject, err)
	}
	if err := sub.SetPendingLimits(c.o.PendingMessages, c.o.PendingBytes); err != nil {
		return nil, wrap("subscribe to", subject, err)
	}
	if !c.Connected() {
		return subscription{sub}, nil
	}
	if err := c.nc.FlushTimeout(roundTrip); err != nil && c.Connected() {
		sub.Unsubscribe()
		return nil, wrap("subscribe to", subject, err)
	}
	return subscription{sub}, nil
}

type subscription struct{ *nats.Subscription }

// Unsubscribe ends the interest; messages that wait are discarded. A callback may still be running.
func (s subscription) Unsubscribe() error {
	err := s.Subscription.Unsubscribe()
	if err == nil || errors.Is(err, nats.ErrConnectionClosed) || errors.Is(err, nats.ErrBadSubscription) {
		return nil
	}
	return translate(err)
}

// MaxPayload implements Conn.
func (c *Client) MaxPayload() int { return int(c.nc.MaxPayload()) }

// Close implements Conn. What was published before has reached the server when the connection is up.
func (c *Client) Close() {
	if !c.gate.close() {
		c.gate.wait()
		return
	}
	if c.Connected() {
		if err := c.nc.FlushTimeout(roundTrip); err != nil {
			c.log.Debug("last messages may be lost", "err", err)
		}
	}
	c.nc.Close()
	c.gate.wait()
	c.newLife()
}

// onDisconnect is called by the library, in order with the other handlers.
func (c *Client) onDisconnect(_ *nats.Conn, err error) {
	<-c.made
	if !c.gate.enter() {
		return
	}
	defer c.gate.leave()
	if err == nil {
		err = ErrDisconnected
	}
	c.newLife()
	c.log.Warn("message bus lost", "url", c.o.where(), "err", err)
	if f := c.o.Events.Disconnected; f != nil {
		f(err)
	}
}

// onReconnect proves the connection before anybody is told.
func (c *Client) onReconnect(nc *nats.Conn) {
	<-c.made
	if !c.gate.enter() {
		return
	}
	defer c.gate.leave()
	for nc.IsConnected() {
		if err := c.prove(); err != nil {
			c.log.Debug("no answer after a reconnect", "err", err)
			continue
		}
		if !c.Connected() {
			return // lost again; the next reconnect is reported by its own call
		}
		c.complaint = ""
		c.log.Info("message bus is back", "url", nc.ConnectedUrlRedacted())
		if f := c.o.Events.Reconnected; f != nil {
			f()
		}
		return
	}
}

// complain logs an error that is not the one before: a server that refuses says so at each attempt.
func (c *Client) complain(err error) {
	if err.Error() == c.complaint {
		return
	}
	c.complaint = err.Error()
	c.log.Error("message bus", "url", c.o.where(), "err", err)
}

// onError hears of dropped messages, refused credentials after a restart, and permission violations.
func (c *Client) onError(_ *nats.Conn, sub *nats.Subscription, err error) {
	<-c.made
	if !c.gate.enter() {
		return
	}
	defer c.gate.leave()
	if sub == nil || !errors.Is(err, nats.ErrSlowConsumer) {
		c.complain(authError(err))
		return
	}
	dropped, derr := sub.Dropped()
	if derr != nil {
		dropped = 0
	}
	c.log.Error("messages dropped: a subscriber is too slow", "subject", sub.Subject, "dropped", dropped)
	if f := c.o.Events.Dropped; f != nil {
		f(sub.Subject, dropped)
	}
}
