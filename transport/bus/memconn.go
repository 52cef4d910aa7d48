package bus

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const inboxPrefix = "_INBOX."

// MemConn is a connection to a Net.
type MemConn struct {
	net    *Net
	name   string
	events Events
	gate   *gate
	ended  sync.WaitGroup // goroutines of the connection
	work   chan struct{}  // an event waits, or the connection has closed

	// Guarded by net.mu.
	subs    []*memSub
	cut     bool
	closed  bool
	down    chan struct{} // closed while the connection is cut
	inboxes uint64
	queue   []func() // events to call
}

var _ Conn = (*MemConn)(nil)

// Publish implements Conn.
func (c *MemConn) Publish(subject string, data []byte) error {
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	_, err := c.publish(Msg{Subject: subject, Data: data})
	return err
}

func (c *MemConn) publish(m Msg) (receivers int, err error) {
	switch {
	case c.closed:
		return 0, fmt.Errorf("%w (publish to %s)", ErrClosed, m.Subject)
	case c.cut:
		return 0, ErrDisconnected
	case len(m.Data) > c.net.maxPayload:
		return 0, fmt.Errorf("%w (publish to %s)", ErrTooLarge, m.Subject)
	case badSubject(m.Subject):
		return 0, fmt.Errorf("bus: publish to %q: invalid subject", m.Subject)
	}
	return c.net.send(c, m), nil
}

func badSubject(s string) bool { return s == "" || strings.ContainsAny(s, " \t\r\n") }

// Subscribe implements Conn.
func (c *MemConn) Subscribe(subject string, fn func(Msg)) (Subscription, error) {
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	return c.subscribe(subject, fn)
}

func (c *MemConn) subscribe(subject string, fn func(Msg)) (*memSub, error) {
	if c.closed {
		return nil, fmt.Errorf("%w (subscribe to %s)", ErrClosed, subject)
	}
	if badSubject(subject) {
		return nil, fmt.Errorf("bus: subscribe to %q: invalid subject", subject)
	}
	s := &memSub{conn: c, subject: subject, fn: fn, wake: make(chan struct{}, 1)}
	c.subs = append(c.subs, s)
	c.ended.Go(s.run)
	return s, nil
}

// Request implements Conn.
func (c *MemConn) Request(ctx context.Context, subject string, data []byte) ([]byte, error) {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, RequestTimeout)
		defer cancel()
	}
	answer := make(chan []byte, 1)
	inbox, down, err := c.ask(subject, data, answer)
	if err != nil {
		return nil, err
	}
	defer inbox.Unsubscribe()
	select {
	case b := <-answer:
		return b, nil
	case <-down:
		return nil, c.lost(subject)
	case <-ctx.Done():
		return nil, fmt.Errorf("bus: %w (request to %s)", ctx.Err(), subject)
	}
}

// ask publishes a request whose first answer goes to answer; down is closed when the connection is lost.
func (c *MemConn) ask(subject string, data []byte, answer chan<- []byte) (*memSub, <-chan struct{}, error) {
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	c.inboxes++
	reply := inboxPrefix + c.name + "." + strconv.FormatUint(c.inboxes, 10)
	inbox, err := c.subscribe(reply, func(m Msg) {
		select {
		case answer <- m.Data:
		default: // a duplicate
		}
	})
	if err != nil {
		return nil, nil, err
	}
	receivers, err := c.publish(Msg{Subject: subject, Reply: reply, Data: data})
	if err == nil && receivers == 0 {
		err = fmt.Errorf("%w (request to %s)", ErrNoResponders, subject)
	}
	if err != nil {
		inbox.remove()
		return nil, nil, err
	}
	return inbox, c.down, nil
}

// lost is why a request to subject cannot be answered any more.
func (c *MemConn) lost(subject string) error {
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	if c.closed {
		return fmt.Errorf("%w (request to %s)", ErrClosed, subject)
	}
	return ErrDisconnected
}

// MaxPayload implements Conn.
func (c *MemConn) MaxPayload() int {
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	return c.net.maxPayload
}

// Connected implements Conn.
func (c *MemConn) Connected() bool {
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	return !c.cut && !c.closed
}

// Close implements Conn.
func (c *MemConn) Close() {
	if c.gate.close() {
		c.shut()
	}
	c.gate.wait()
	c.ended.Wait()
}

func (c *MemConn) shut() {
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	c.closed = true
	for _, s := range slices.Clone(c.subs) {
		s.remove()
	}
	if !c.cut {
		close(c.down)
	}
	c.net.conns = slices.DeleteFunc(c.net.conns, func(o *MemConn) bool { return o == c })
	signal(c.work)
}

func (c *MemConn) cutLocked() {
	if c.cut {
		return
	}
	c.cut = true
	close(c.down)
	now := time.Now()
	for _, s := range c.subs {
		s.losePending(now)
	}
	c.tell(func() {
		if c.events.Disconnected != nil {
			c.events.Disconnected(errCut)
		}
	})
}

func (c *MemConn) healLocked() {
	if !c.cut {
		return
	}
	c.cut, c.down = false, make(chan struct{})
	c.tell(func() {
		if c.events.Reconnected != nil {
			c.events.Reconnected()
		}
	})
}

// tell queues an event; the network's lock is held.
func (c *MemConn) tell(event func()) {
	c.queue = append(c.queue, event)
	signal(c.work)
}

// runEvents calls the events in order until the connection closes.
func (c *MemConn) runEvents() {
	for range c.work {
		for {
			event, closed := c.nextEvent()
			if closed {
				return
			}
			if event == nil {
				break
			}
			if c.gate.enter() {
				event()
				c.gate.leave()
			}
		}
	}
}

func (c *MemConn) nextEvent() (event func(), closed bool) {
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	if c.closed || len(c.queue) == 0 {
		return nil, c.closed
	}
	event = c.queue[0]
	c.queue = c.queue[1:]
	return event, false
}

// signal wakes the one goroutine that reads ch; one signal may stand for several.
func signal(ch chan<- struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
