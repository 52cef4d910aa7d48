// Package e2e drives a whole cluster as its users do: the real binary, its processes, the official SDK.
package e2e

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/stagecoach-llm/stagecoach/ops/local"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// binary is built once for all tests.
var binary string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "stagecoach-e2e")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "stagecoach")
	build := exec.Command("go", "build", "-o", binary, "../cmd/stagecoach")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// cluster is one `stagecoach up`.
type cluster struct {
	t    *testing.T
	data string
	base string // of the endpoint
	// address is where the endpoint listens; a free one if it is empty.
	address string
	client  openai.Client
	cmd     *exec.Cmd
	done    chan struct{}

	mu  sync.Mutex
	out bytes.Buffer
}

// up starts a cluster and waits for its ready line. The test's end stops it.
func up(t *testing.T, args ...string) *cluster {
	t.Helper()
	c := &cluster{t: t, data: t.TempDir()}
	c.start(args...)
	return c
}

func (c *cluster) start(args ...string) {
	c.t.Helper()
	c.done = make(chan struct{})
	c.cmd = exec.Command(binary, append([]string{"up", "--data", c.data, "--http", cmp.Or(c.address, freeAddress(c.t)), "--log", "debug"}, args...)...)
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	c.cmd.Stderr = c
	if err := c.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	ready := make(chan string, 1)
	go func() {
		defer close(c.done)
		url := ""
		for lines := bufio.NewScanner(out); lines.Scan(); {
			fmt.Fprintln(c, lines.Text())
			if rest, ok := strings.CutPrefix(lines.Text(), "ready: "); ok {
				url = strings.Fields(rest)[0]
			}
			if strings.HasPrefix(lines.Text(), "  curl ") { // the last line on the way to readiness
				ready <- url
			}
		}
		c.cmd.Wait()
	}()
	c.t.Cleanup(c.stop)
	select {
	case url := <-ready:
		c.base = strings.TrimSuffix(url, "/v1")
	case <-c.done:
		c.t.Fatalf("up ended:\n%s", c.output())
	case <-time.After(60 * time.Second):
		c.t.Fatalf("not ready after a minute:\n%s%s", c.output(), c.logs())
	}
	c.client = openai.NewClient(option.WithBaseURL(c.base+"/v1/"), option.WithAPIKey("none"))
}

// stop ends the cluster and shows its output when the test failed.
func (c *cluster) stop() {
	c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.done:
	case <-time.After(20 * time.Second):
		c.t.Error("up does not end")
		c.cmd.Process.Kill()
		<-c.done
	}
	if c.t.Failed() {
		c.t.Logf("output:\n%s\nlog:\n%s", c.output(), c.logs())
	}
}

// Write takes output of the process.
func (c *cluster) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.Write(b)
}

func (c *cluster) output() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.String()
}

// logs is the end of the roles' log.
func (c *cluster) logs() string {
	b, _ := os.ReadFile(filepath.Join(c.data, "log"))
	return string(b[max(0, len(b)-20000):])
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// ops runs a command on the cluster and gives its output.
func (c *cluster) ops(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = append(os.Environ(), "STAGECOACH_DATA="+c.data)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("stagecoach %s: %w: %s", strings.Join(args, " "), err, stderr.String())
	}
	return string(out), err
}

func (c *cluster) mustOps(args ...string) string {
	c.t.Helper()
	out, err := c.ops(args...)
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

func (c *cluster) status() wire.Status {
	c.t.Helper()
	var s wire.Status
	if err := json.Unmarshal([]byte(c.mustOps("status", "--json")), &s); err != nil {
		c.t.Fatal(err)
	}
	return s
}

// pid is a role's process.
func (c *cluster) pid(role string) int {
	c.t.Helper()
	cl, err := local.ReadCluster(c.data)
	if err != nil {
		c.t.Fatal(err)
	}
	pid := cl.PIDs[role]
	if pid == 0 {
		c.t.Fatalf("%s does not run: %v", role, cl.PIDs)
	}
	return pid
}

// kill ends a role's process as a power cut does.
func (c *cluster) kill(role string) {
	c.t.Helper()
	if err := syscall.Kill(c.pid(role), syscall.SIGKILL); err != nil {
		c.t.Fatal(err)
	}
}

// waitReady waits for /ready.
func (c *cluster) waitReady(within time.Duration) {
	c.t.Helper()
	end := time.Now().Add(within)
	for time.Now().Before(end) {
		resp, err := http.Get(c.base + "/ready")
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	c.t.Fatalf("not ready after %v", within)
}

// pin is one greedy answer of the demo model (shard/demo/testdata/pins.json).
type pin struct {
	Messages []struct{ Role, Content string } `json:"messages"`
	Prompt   []int32                          `json:"prompt_ids"`
	Greedy   []int32                          `json:"greedy_ids"`
	Text     string                           `json:"text"`
}

func pins(t *testing.T) []pin {
	t.Helper()
	b, err := os.ReadFile("../../shard/demo/testdata/pins.json")
	if err != nil {
		t.Fatal(err)
	}
	var p []pin
	if err := json.Unmarshal(b, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// longest is the pin with the longest answer: there is time to break something in it.
func longest(t *testing.T) pin {
	var best pin
	for _, p := range pins(t) {
		if len(p.Greedy) > len(best.Greedy) {
			best = p
		}
	}
	return best
}

func (p *pin) params() openai.ChatCompletionNewParams {
	r := openai.ChatCompletionNewParams{Model: "stagecoach-demo", Temperature: openai.Float(0)}
	for _, m := range p.Messages {
		switch m.Role {
		case "system":
			r.Messages = append(r.Messages, openai.SystemMessage(m.Content))
		case "assistant":
			r.Messages = append(r.Messages, openai.AssistantMessage(m.Content))
		default:
			r.Messages = append(r.Messages, openai.UserMessage(m.Content))
		}
	}
	return r
}

// streamed is what a streamed answer came to.
type streamed struct {
	text   string
	finish string
	usage  openai.CompletionUsage
	pause  time.Duration // longest between two chunks
	err    error
}

// stream streams one answer; after is called once when so many chunks have come.
func (c *cluster) stream(p openai.ChatCompletionNewParams, chunks int, after func()) streamed {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	p.StreamOptions = openai.ChatCompletionStreamOptionsParam{IncludeUsage: openai.Bool(true)}
	s := c.client.Chat.Completions.NewStreaming(ctx, p, option.WithMaxRetries(0))
	defer s.Close()
	var out streamed
	last := time.Now()
	for n := 0; s.Next(); n++ {
		out.pause, last = max(out.pause, time.Since(last)), time.Now()
		chunk := s.Current()
		for _, ch := range chunk.Choices {
			out.text += ch.Delta.Content
			if ch.FinishReason != "" {
				out.finish = ch.FinishReason
			}
		}
		if chunk.Usage.TotalTokens > 0 {
			out.usage = chunk.Usage
		}
		if n == chunks && after != nil {
			after()
		}
	}
	out.err = s.Err()
	return out
}
