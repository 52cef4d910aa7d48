package bus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// world is a bus under test: connections to it, and the death and return of its server.
type world struct {
	connect func(name string, e Events) Conn
	cut     func()
	heal    func()
}

// patience bounds the wait for what must happen; in a bubble it costs nothing.
const patience = 20 * time.Second

func memWorld(t *testing.T) world {
	n := NewNet(1)
	return world{
		connect: func(name string, e Events) Conn {
			c := n.Connect(name, e)
			t.Cleanup(c.Close)
			return c
		},
		cut: n.CutAll, heal: n.HealAll,
	}
}

func natsWorld(t *testing.T) world {
	auth := testAuth(t, "secret", "test")
	s := startServer(t, ServerOptions{Auth: auth})
	addr := s.Addr()
	return world{
		connect: func(name string, e Events) Conn {
			return connect(t, Options{URL: s.URL(), Auth: auth, Name: name, Events: e})
		},
		cut:  func() { shutdown(t, s) },
		heal: func() { s = startServer(t, ServerOptions{Auth: auth, Addr: addr}) },
	}
}

var conformance = []struct {
	name string
	run  func(*testing.T, world)
}{
	{"order", testOrder},
	{"data may be reused", testDataReused},
	{"wildcards", testWildcards},
	{"own messages", testEcho},
	{"unsubscribe", testUnsubscribe},
	{"requests", testRequests},
	{"no responders", testNoResponders},
	{"request ends with its context", testRequestContext},
	{"largest message", testLargest},
	{"close waits for callbacks", testCloseWaits},
	{"closed", testClosed},
	{"server lost and back", testServerLost},
	{"request when the server is lost", testRequestServerLost},
	{"subscribe while the server is lost", testSubscribeServerLost},
}

func TestFake(t *testing.T) {
	for _, c := range conformance {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { c.run(t, memWorld(t)) })
		})
	}
}

func TestNATS(t *testing.T) {
	for _, c := range conformance {
		t.Run(c.name, func(t *testing.T) { c.run(t, natsWorld(t)) })
	}
}

// receive is a subscription whose messages go to a channel.
func receive(t *testing.T, c Conn, subject string, capacity int) <-chan Msg {
	t.Helper()
	ch := make(chan Msg, capacity)
	if _, err := c.Subscribe(subject, func(m Msg) { ch <- m }); err != nil {
		t.Fatal(err)
	}
	return ch
}

func take[T any](t *testing.T, ch <-chan T, what string) T {
	t.Helper()
	select {
	case m := <-ch:
		return m
	case <-time.After(patience):
		t.Fatalf("%s did not come", what)
		panic("unreachable")
	}
}

func publish(t *testing.T, c Conn, subject string, data []byte) {
	t.Helper()
	if err := c.Publish(subject, data); err != nil {
		t.Fatal(err)
	}
}

func testOrder(t *testing.T, w world) {
	a, b := w.connect("a", Events{}), w.connect("b", Events{})
	const n = 2000
	got := receive(t, b, "x.y", n)
	for i := range n {
		publish(t, a, "x.y", fmt.Append(nil, i))
	}
	for i := range n {
		if m := take(t, got, "message"); string(m.Data) != fmt.Sprint(i) || m.Subject != "x.y" || m.Reply != "" {
			t.Fatalf("message %d: %+v", i, m)
		}
	}
}

func testDataReused(t *testing.T, w world) {
	a, b := w.connect("a", Events{}), w.connect("b", Events{})
	first, second := receive(t, b, "x", 1), receive(t, b, "x", 1)
	buf := []byte("right")
	publish(t, a, "x", buf)
	copy(buf, "wrong")
	m := take(t, first, "message")
	copy(m.Data, "mine!") // Data belongs to the receiver alone
	if m := take(t, second, "message"); string(m.Data) != "right" {
		t.Fatalf("got %q", m.Data)
	}
}

func testWildcards(t *testing.T, w world) {
	a := w.connect("a", Events{})
	for _, c := range []struct {
		pattern, subject string
		match            bool
	}{
		{"a.b", "a.b", true}, {"a.b", "a", false}, {"a.b", "a.b.c", false}, {"a", "a.b", false},
		{"a.*", "a.b", true}, {"a.*", "a.b.c", false}, {"a.*", "a", false}, {"*.b", "a.b", true}, {"*", "a", true},
		{"a.>", "a.b.c", true}, {"a.>", "a.b", true}, {"a.>", "a", false}, {">", "a.b", true}, {"a.*.c", "a.b.c", true},
		{"a.*.c", "a.b.d", false},
	} {
		sub, err := a.Subscribe("w."+c.pattern, func(m Msg) {
			if err := a.Publish(m.Reply, nil); err != nil {
				t.Error(err)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = a.Request(t.Context(), "w."+c.subject, nil)
		if c.match && err != nil || !c.match && !errors.Is(err, ErrNoResponders) {
			t.Errorf("%s for %s: %v", c.pattern, c.subject, err)
		}
		if err := sub.Unsubscribe(); err != nil {
			t.Fatal(err)
		}
	}
}

func testEcho(t *testing.T, w world) {
	a := w.connect("a", Events{})
	got := receive(t, a, "x", 1)
	publish(t, a, "x", []byte("me"))
	if m := take(t, got, "own message"); string(m.Data) != "me" {
		t.Fatalf("got %q", m.Data)
	}
}

func testUnsubscribe(t *testing.T, w world) {
	a, b := w.connect("a", Events{}), w.connect("b", Events{})
	var after []string
	sub, err := b.Subscribe("x", func(m Msg) { after = append(after, string(m.Data)) })
	if err != nil {
		t.Fatal(err)
	}
	if err := sub.Unsubscribe(); err != nil {
		t.Fatal(err)
	}
	if err := sub.Unsubscribe(); err != nil {
		t.Errorf("a second time: %v", err)
	}
	got := receive(t, b, "x", 1)
	publish(t, a, "x", nil)
	take(t, got, "message of the other subscription")
	b.Close()
	if len(after) > 0 {
		t.Errorf("got %q after Unsubscribe", after)
	}
}

func testRequests(t *testing.T, w world) {
	a, b := w.connect("a", Events{}), w.connect("b", Events{})
	_, err := b.Subscribe("double", func(m Msg) {
		if err := b.Publish(m.Reply, bytes.Repeat(m.Data, 2)); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			in := fmt.Append(nil, i, ",")
			out, err := a.Request(t.Context(), "double", in)
			if err != nil || !bytes.Equal(out, bytes.Repeat(in, 2)) {
				t.Errorf("%q gave %q, %v", in, out, err)
			}
		})
	}
	wg.Wait()
}

func testNoResponders(t *testing.T, w world) {
	a, b := w.connect("a", Events{}), w.connect("b", Events{})
	for range 3 {
		if _, err := a.Request(t.Context(), "nobody", nil); !errors.Is(err, ErrNoResponders) {
			t.Fatalf("got %v", err)
		}
	}
	receive(t, b, "somebody", 1)
	b.Close()
	// The server hears of the closed connection on its own time.
	until(t, "no responder after the connection's end", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := a.Request(ctx, "somebody", nil)
		return errors.Is(err, ErrNoResponders)
	})
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not reached: %s", what)
		}
	}
}

func testRequestContext(t *testing.T, w world) {
	a, b := w.connect("a", Events{}), w.connect("b", Events{})
	receive(t, b, "silent", 2)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := a.Request(ctx, "silent", nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("deadline: %v", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := a.Request(ctx, "silent", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func testLargest(t *testing.T, w world) {
	a, b := w.connect("a", Events{}), w.connect("b", Events{})
	if got := a.MaxPayload(); got != DefaultMaxPayload {
		t.Fatalf("MaxPayload %d", got)
	}
	got := receive(t, b, "x", 1)
	big := make([]byte, a.MaxPayload()+1)
	if err := a.Publish("x", big); !errors.Is(err, ErrTooLarge) {
		t.Fatalf("one byte too many: %v", err)
	}
	publish(t, a, "x", big[:len(big)-1])
	if m := take(t, got, "the largest message"); len(m.Data) != a.MaxPayload() {
		t.Fatalf("%d bytes", len(m.Data))
	}
}

func testCloseWaits(t *testing.T, w world) {
	a, b := w.connect("a", Events{}), w.connect("b", Events{})
	inside, goOn := make(chan struct{}), make(chan struct{})
	finished := false
	if _, err := b.Subscribe("x", func(Msg) {
		close(inside)
		<-goOn
		finished = true
	}); err != nil {
		t.Fatal(err)
	}
	publish(t, a, "x", nil)
	take(t, inside, "callback")
	time.AfterFunc(20*time.Millisecond, func() { close(goOn) })
	b.Close()
	if !finished { // the race detector also sees a Close that does not wait
		t.Error("Close returned before the callback")
	}
	b.Close()
}

func testClosed(t *testing.T, w world) {
	a := w.connect("a", Events{Disconnected: func(error) { t.Error("told of its own Close") }})
	a.Close()
	if err := a.Publish("x", nil); !errors.Is(err, ErrClosed) {
		t.Errorf("publish: %v", err)
	}
	if _, err := a.Subscribe("x", func(Msg) {}); !errors.Is(err, ErrClosed) {
		t.Errorf("subscribe: %v", err)
	}
	if _, err := a.Request(t.Context(), "x", nil); !errors.Is(err, ErrClosed) {
		t.Errorf("request: %v", err)
	}
	if a.Connected() {
		t.Error("still connected")
	}
}

// watched are events on channels.
func watched() (e Events, lost chan error, back chan struct{}) {
	lost, back = make(chan error, 10), make(chan struct{}, 10)
	return Events{Disconnected: func(err error) { lost <- err }, Reconnected: func() { back <- struct{}{} }}, lost, back
}

func testServerLost(t *testing.T, w world) {
	ae, alost, aback := watched()
	be, blost, bback := watched()
	a, b := w.connect("a", ae), w.connect("b", be)
	got := receive(t, b, "x", 100)
	for round := range 2 {
		w.cut()
		for _, lost := range []chan error{alost, blost} {
			if err := take(t, lost, "Disconnected"); err == nil {
				t.Error("Disconnected without a reason")
			}
		}
		if a.Connected() || b.Connected() {
			t.Error("still connected")
		}
		if err := a.Publish("x", []byte("stale")); !errors.Is(err, ErrDisconnected) {
			t.Errorf("publish: %v", err)
		}
		if _, err := a.Request(t.Context(), "x", nil); !errors.Is(err, ErrDisconnected) {
			t.Errorf("request: %v", err)
		}
		w.heal()
		take(t, aback, "Reconnected of a")
		take(t, bback, "Reconnected of b")
		want := fmt.Sprint("fresh ", round)
		publish(t, a, "x", []byte(want)) // both have made their round trip: nothing may be lost
		if m := take(t, got, "message after the return"); string(m.Data) != want {
			t.Errorf("got %q, want %q", m.Data, want)
		}
	}
}

func testRequestServerLost(t *testing.T, w world) {
	a, b := w.connect("a", Events{}), w.connect("b", Events{})
	asked := receive(t, b, "silent", 1)
	failed := make(chan error, 1)
	go func() {
		_, err := a.Request(t.Context(), "silent", nil)
		failed <- err
	}()
	take(t, asked, "request")
	w.cut()
	if err := take(t, failed, "end of the request"); !errors.Is(err, ErrDisconnected) {
		t.Errorf("got %v", err)
	}
}

func testSubscribeServerLost(t *testing.T, w world) {
	ae, alost, aback := watched()
	be, blost, bback := watched()
	a, b := w.connect("a", ae), w.connect("b", be)
	w.cut()
	take(t, alost, "Disconnected")
	take(t, blost, "Disconnected")
	got := receive(t, b, "x", 1)
	w.heal()
	take(t, aback, "Reconnected of a")
	take(t, bback, "Reconnected of b")
	publish(t, a, "x", []byte("kept"))
	if m := take(t, got, "message"); string(m.Data) != "kept" {
		t.Errorf("got %q", m.Data)
	}
}
