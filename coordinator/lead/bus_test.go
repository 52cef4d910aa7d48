package lead

import (
	"log/slog"
	"testing"
)

// What the bus says of its connection is said once: a full inbox does not lose it, and a loss that is over already is seen.
func TestBusIsHeardBesideAFullInbox(t *testing.T) {
	l, err := New(Options{Card: card, KVType: "f16", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 * cap(l.inbox) {
		l.Gossip("n", "b", true)
	}
	for _, c := range []struct {
		said       []func()
		lost, fell bool
	}{
		{[]func(){l.BusLost}, true, true}, {[]func(){l.BusBack}, false, false}, {[]func(){l.BusLost, l.BusBack}, false, true},
		{[]func(){l.BusLost, l.BusBack, l.BusLost}, true, true},
	} {
		for _, say := range c.said {
			say()
		}
		<-l.bus.changed
		if lost, fell := l.bus.look(); lost != c.lost || fell != c.fell {
			t.Errorf("lost %v, fell %v, want %v, %v", lost, fell, c.lost, c.fell)
		}
	}
}
