package e2e

import (
	"testing"
	"time"
)

// Whatever is killed in mid-answer, the client's text is what it would have been, and it is charged once.
func TestKilledInMidAnswer(t *testing.T) {
	c := up(t)
	p := longest(t)
	for _, role := range []string{"shard-1", "shard-2", "shard-3", "coordinator", "nats"} {
		t.Run(role, func(t *testing.T) {
			s := c.stream(p.params(), 8, func() { c.kill(role) })
			if s.err != nil || s.text != p.Text || s.finish != "stop" {
				t.Fatalf("finish %q, error %v, text %q, want %q", s.finish, s.err, s.text, p.Text)
			}
			if s.usage.CompletionTokens != int64(len(p.Greedy)) {
				t.Errorf("%d completion tokens charged, want %d", s.usage.CompletionTokens, len(p.Greedy))
			}
			t.Logf("longest pause %v", s.pause.Round(time.Millisecond))
			c.waitReady(30 * time.Second)
		})
	}
}

// A request whose router dies ends with an error; the cluster comes back by itself and serves the next one.
func TestRouterKilled(t *testing.T) {
	c := up(t)
	p := longest(t)
	s := c.stream(p.params(), 8, func() { c.kill("router") })
	if s.err == nil && s.finish == "stop" && s.text != p.Text {
		t.Errorf("a broken answer ended well: %+v", s)
	}
	c.waitReady(30 * time.Second)
	if s := c.stream(p.params(), 0, nil); s.err != nil || s.text != p.Text {
		t.Errorf("after the router is back: %+v, want %q", s, p.Text)
	}
}
