// Package compose tests the cluster in containers as docker-compose.yml describes it.
package compose

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// project is one `compose up` with its own networks and volumes.
type project struct {
	t       *testing.T
	command []string // "docker compose" or "docker-compose"
	name    string
	port    string
	base    string
}

// newProject skips where containers were not asked for or no engine answers: `make e2e-containers` asks.
func newProject(t *testing.T) *project {
	if os.Getenv("STAGECOACH_CONTAINERS") == "" {
		t.Skip("containers are tested by `make e2e-containers`, which builds the image first")
	}
	if out, err := exec.Command("docker", "info").CombinedOutput(); err != nil {
		t.Skipf("no docker engine answers: %s", out)
	}
	p := &project{t: t, command: []string{"docker", "compose"}, name: fmt.Sprintf("stagecoach-test-%d", os.Getpid())}
	if exec.Command("docker", "compose", "version").Run() != nil {
		p.command = []string{"docker-compose"}
		if _, err := exec.LookPath("docker-compose"); err != nil {
			t.Skip("neither docker compose nor docker-compose is here")
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.base = "http://" + l.Addr().String()
	_, p.port, _ = net.SplitHostPort(l.Addr().String())
	l.Close()
	return p
}

func (p *project) run(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	all := append(append(p.command[1:len(p.command):len(p.command)], "-p", p.name), args...)
	cmd := exec.CommandContext(ctx, p.command[0], all...)
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "STAGECOACH_PORT="+p.port)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s: %w\n%s%s", strings.Join(args, " "), err, out, stderr.String())
	}
	return string(out), err
}

func (p *project) must(args ...string) string {
	p.t.Helper()
	out, err := p.run(args...)
	if err != nil {
		p.t.Fatal(err)
	}
	return out
}

func (p *project) status() (s wire.Status, err error) {
	out, err := p.run("exec", "-T", "router", "/stagecoach", "status", "--json")
	if err == nil {
		err = json.Unmarshal([]byte(out), &s)
	}
	return s, err
}

// waitStages waits until a plan over n shards is ready.
func (p *project) waitStages(n int) {
	p.t.Helper()
	var s wire.Status
	var err error
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if s, err = p.status(); err == nil && s.Ready && len(s.Stages) == n {
			return
		}
	}
	p.t.Fatalf("no plan over %d shards became ready: %+v, %v", n, s, err)
}

// waitReady waits until the endpoint says so: the router asks the coordinator every half second, and may know later than status.
func (p *project) waitReady() {
	p.t.Helper()
	var said string
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		resp, err := http.Get(p.base + "/ready")
		if err != nil {
			said = err.Error()
			continue
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if said = resp.Status + ": " + string(body); resp.StatusCode == http.StatusOK {
			return
		}
	}
	p.t.Fatalf("the endpoint did not become ready: %s", said)
}

// stream asks for a long answer; after runs when some of it has come.
func (p *project) stream(after func()) (string, error) {
	client := openai.NewClient(option.WithBaseURL(p.base+"/v1/"), option.WithAPIKey("none"), option.WithMaxRetries(0))
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	s := client.Completions.NewStreaming(ctx, openai.CompletionNewParams{
		Model: "stagecoach-demo", Prompt: openai.CompletionNewParamsPromptUnion{OfString: openai.String("Once upon a time")},
		MaxTokens: openai.Int(300), Temperature: openai.Float(0),
	}, option.WithJSONSet("ignore_eos", true))
	defer s.Close()
	text := ""
	for n := 0; s.Next(); n++ {
		for _, c := range s.Current().Choices {
			text += c.Text
		}
		if n == 10 && after != nil {
			after()
		}
	}
	return text, s.Err()
}

func TestContainers(t *testing.T) {
	p := newProject(t)
	t.Cleanup(func() {
		if t.Failed() {
			out, _ := p.run("logs", "--no-color", "--tail", "60")
			t.Log(out)
		}
		if _, err := p.run("down", "--volumes", "--timeout", "5"); err != nil {
			t.Error(err)
		}
	})
	p.must("up", "-d", "--no-build", "--scale", "shard=3")
	p.waitStages(3)
	p.waitReady()
	want, err := p.stream(nil)
	if err != nil || want == "" {
		t.Fatalf("%q, %v", want, err)
	}
	t.Run("a shard killed in mid-answer", func(t *testing.T) {
		ids := strings.Fields(p.must("ps", "-q", "shard"))
		got, err := p.stream(func() {
			if out, err := exec.Command("docker", "kill", "--signal", "KILL", ids[0]).CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
		if err != nil || got != want {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	})
	t.Run("scale", func(t *testing.T) {
		p.must("up", "-d", "--no-build", "--no-recreate", "--scale", "shard=4")
		p.waitStages(4)
		if got, err := p.stream(nil); err != nil || got != want {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	})
	t.Run("usage", func(t *testing.T) {
		var rows []struct {
			Requests   int64 `json:"requests"`
			Completion int64 `json:"completion_tokens"`
		}
		out := p.must("exec", "-T", "router", "/stagecoach", "usage", "--json")
		if err := json.Unmarshal([]byte(out), &rows); err != nil || len(rows) != 1 || rows[0].Requests != 3 || rows[0].Completion != 900 {
			t.Errorf("%s, %v, want 3 requests of 300 tokens", out, err)
		}
	})
}
