package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stagecoach-llm/stagecoach/transport/gossip"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// machines are two network namespaces with a wire between them: two hosts, as far as the network goes.
type machines struct {
	t        *testing.T
	one, two string
}

const addressOne, addressTwo = "10.213.77.1", "10.213.77.2"

// newMachines skips where namespaces cannot be made; in CI that is a failure.
func newMachines(t *testing.T) *machines {
	m := &machines{t: t, one: fmt.Sprintf("sc%da", os.Getpid()), two: fmt.Sprintf("sc%db", os.Getpid())}
	if out, err := exec.Command("ip", "netns", "add", m.one).CombinedOutput(); err != nil {
		t.Skipf("no network namespaces here (root and iproute2 are needed): %v: %s", err, out)
	}
	t.Cleanup(func() {
		exec.Command("ip", "netns", "del", m.one).Run()
		exec.Command("ip", "netns", "del", m.two).Run()
	})
	for _, args := range []string{
		"netns add " + m.two,
		"-n " + m.one + " link add eth0 type veth peer name eth0 netns " + m.two,
		"-n " + m.one + " addr add " + addressOne + "/24 dev eth0",
		"-n " + m.two + " addr add " + addressTwo + "/24 dev eth0",
		"-n " + m.one + " link set eth0 up", "-n " + m.two + " link set eth0 up",
		"-n " + m.one + " link set lo up", "-n " + m.two + " link set lo up",
	} {
		if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v: %s", args, err, out)
		}
	}
	return m
}

// process is a long-running command in a namespace.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}
	mu   sync.Mutex
	out  bytes.Buffer
}

func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Write(b)
}

func (p *process) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

// start runs stagecoach in a namespace. The test's end stops it.
func (m *machines) start(ns string, env []string, args ...string) *process {
	m.t.Helper()
	p := &process{done: make(chan struct{})}
	p.cmd = exec.Command("ip", append([]string{"netns", "exec", ns, binary}, args...)...)
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = p, p
	if err := p.cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		p.cmd.Wait()
	}()
	m.t.Cleanup(func() {
		p.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-p.done:
		case <-time.After(20 * time.Second):
			p.cmd.Process.Kill()
			<-p.done
		}
		if m.t.Failed() {
			m.t.Logf("stagecoach %v:\n%s", args, p.output())
		}
	})
	return p
}

// ops runs a command in the first namespace.
func (m *machines) ops(data string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", m.one, binary}, args...)...)
	cmd.Env = append(os.Environ(), "STAGECOACH_DATA="+data)
	out, err := cmd.Output()
	return string(out), err
}

func (m *machines) waitStages(data string, n int) wire.Status {
	m.t.Helper()
	var s wire.Status
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		out, err := m.ops(data, "status", "--json")
		if err == nil && json.Unmarshal([]byte(out), &s) == nil && s.Ready && len(s.Stages) == n {
			return s
		}
	}
	m.t.Fatalf("no plan over %d shards: %+v", n, s)
	return s
}

func TestJoinFromAnotherMachine(t *testing.T) {
	m := newMachines(t)
	data := t.TempDir()
	m.start(m.one, nil, "up", "--data", data, "--shards", "1", "--bind", "0.0.0.0", "--advertise", addressOne)
	m.waitStages(data, 1)
	token, err := m.ops(data, "token")
	if err != nil {
		t.Fatal(err)
	}
	token = strings.TrimSpace(token)
	p := longest(t)
	question := p.Messages[len(p.Messages)-1].Content
	want, err := m.ops(data, "chat", question)
	if err != nil {
		t.Fatal(err)
	}

	joined := m.start(m.two, []string{"STAGECOACH_TOKEN=" + token}, "join", "--node", "second")
	s := m.waitStages(data, 2)
	names := s.Stages[0].Node + " " + s.Stages[1].Node
	if !strings.Contains(names, "second") {
		t.Fatalf("stages on %s", names)
	}
	if got, err := m.ops(data, "chat", question); err != nil || got != want {
		t.Errorf("over two machines: %q, %v, want %q", got, err, want)
	}

	t.Run("the second machine dies in mid-answer", func(t *testing.T) {
		time.AfterFunc(100*time.Millisecond, func() { joined.cmd.Process.Kill() })
		if got, err := m.ops(data, "chat", question); err != nil || got != want {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
		m.waitStages(data, 1)
	})
	t.Run("another secret is refused and said", func(t *testing.T) {
		tok, err := gossip.ParseToken(token)
		if err != nil {
			t.Fatal(err)
		}
		tok.Secret = []byte("not the secret of this cluster")
		stranger := m.start(m.two, []string{"STAGECOACH_TOKEN=" + tok.String()}, "join", "--node", "stranger")
		select {
		case <-stranger.done:
		case <-time.After(30 * time.Second):
			t.Fatal("a stranger still tries to join")
		}
		if !strings.Contains(stranger.output(), "secret") {
			t.Errorf("the stranger is not told why:\n%s", stranger.output())
		}
		out, err := m.ops(data, "status", "--json")
		if err != nil || strings.Contains(out, "stranger") {
			t.Errorf("%s, %v", out, err)
		}
	})
}
