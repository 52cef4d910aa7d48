package e2e

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stagecoach-llm/stagecoach/ops/local"
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

// The supervisor killed with kill -9 takes its roles along, and the next one on the same folder and address comes up.
func TestSupervisorKilled(t *testing.T) {
	c := up(t)
	before, err := local.ReadCluster(c.data)
	if err != nil {
		t.Fatal(err)
	}
	p := longest(t)
	c.stream(p.params(), 8, func() { c.cmd.Process.Kill() })
	<-c.done
	c.address = strings.TrimPrefix(c.base, "http://")
	c.start()
	for role, pid := range before.PIDs {
		if syscall.Kill(pid, 0) == nil && !zombie(pid) {
			t.Errorf("%s of the killed cluster (%d) still runs", role, pid)
		}
	}
	if s := c.stream(p.params(), 0, nil); s.err != nil || s.text != p.Text {
		t.Errorf("%+v, want %q", s, p.Text)
	}
}

// zombie tells whether a process has ended and only waits to be reaped by whoever adopted it.
func zombie(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || strings.Contains(string(b), ") Z ")
}
