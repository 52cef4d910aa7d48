package router_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagecoach-llm/stagecoach/router"
	"github.com/stagecoach-llm/stagecoach/router/account"
	"github.com/stagecoach-llm/stagecoach/router/internal/fake"
	"github.com/stagecoach-llm/stagecoach/transport/bus"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

const childDir = "STAGECOACH_TEST_ROUTER_DIR"

// TestMain is the router that TestKill kills, where the environment says so.
func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		child(dir)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// child runs a router with a fake coordinator until it is killed, and prints its address. It ends with its standard input.
func child(dir string) {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // ends with the parent
		os.Exit(0)
	}()
	subjects := wire.Subjects{Cluster: "test"}
	mem := bus.NewNet(1)
	if _, err := fake.Start(mem.Connect("coord", bus.Events{}), subjects, fake.Card(), 200*time.Microsecond, text(strings.Repeat("x", 4000))); err != nil {
		panic(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	_, _ = os.Stdout.WriteString(l.Addr().String() + "\n")
	err = router.Run(context.Background(), router.Options{
		Bus: mem.Connect("router", bus.Events{}), Subjects: subjects, Listener: l, DataDir: dir, Prices: prices,
		Logger: slog.New(slog.DiscardHandler),
	})
	panic(err)
}

// TestKill kills a router with kill -9 while it streams, again and again on the same books, and compares what arrived with what is
// accounted: written <= accounted <= written + one event per live choice. What the parent reads is what was written: the socket
// outlives the process. An event has as many tokens as came while the one before was written.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	const rounds, streams, choices = 4, 3, 2
	for round := range rounds {
		written, largest := killOnce(t, dir, streams, choices, time.Duration(20+rand.IntN(150))*time.Millisecond)
		book, err := account.Open(dir, account.Options{Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		totals, err := book.Usage(context.Background(), account.Query{ByUser: true})
		if err != nil {
			t.Fatal(err)
		}
		accounted := map[string]account.Total{}
		for _, x := range totals {
			accounted[x.User] = x
		}
		for user, n := range written {
			got := accounted[user]
			if got.Completion < n || got.Completion > n+choices*max(8, 2*largest) {
				t.Errorf("round %d: %s got %d tokens, %d are accounted", round, user, n, got.Completion)
			}
			if n > 0 && (got.Requests != 1 || got.Prompt == 0) {
				t.Errorf("round %d: %s: %+v", round, user, got)
			}
		}
		report, err := book.Verify()
		if err != nil || len(report.Problems) > 0 || report.Open != 0 {
			t.Errorf("round %d: %+v, %v", round, report, err)
		}
		if err := book.Close(); err != nil {
			t.Error(err)
		}
	}
}

// killOnce streams from a child, kills it after a while and returns the tokens that each user got, and those of the largest event.
func killOnce(t *testing.T, dir string, streams, choices int, after time.Duration) (got map[string]int, largest int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	addr, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + strings.TrimSpace(addr)
	until(func() bool {
		resp, err := http.Get(url + "/ready")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == 200
	})
	var mu sync.Mutex
	var wg sync.WaitGroup
	got = map[string]int{}
	begun := make(chan struct{}, streams)
	for i := range streams {
		user := "user-" + after.String() + "-" + itoa(i)
		wg.Go(func() {
			n, most := readStream(t, url, user, choices, sync.OnceFunc(func() { begun <- struct{}{} }))
			mu.Lock()
			defer mu.Unlock()
			got[user], largest = n, max(largest, most)
		})
	}
	<-begun
	time.Sleep(after)
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	wg.Wait()
	_ = cmd.Wait() // killed
	return got, largest
}

// readStream counts the tokens that arrive until the connection dies; each is one x.
func readStream(t *testing.T, url, user string, choices int, first func()) (n, largest int) {
	defer first()
	body := chatBody(`"stream":true,"n":` + itoa(choices) + `,"user":"` + user + `"`)
	resp, err := http.Post(url+"/v1/chat/completions", "application/json", strings.NewReader(body))
	if err != nil {
		return 0, 0 // killed before it answered
	}
	defer resp.Body.Close()
	in := bufio.NewReader(resp.Body)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return n, largest
		}
		data, ok := strings.CutPrefix(strings.TrimSpace(line), "data: ")
		if !ok {
			continue
		}
		var c struct {
			Choices []struct{ Delta struct{ Content string } }
		}
		if err := json.Unmarshal([]byte(data), &c); err != nil {
			t.Errorf("%q: %v", data, err)
			return n, largest
		}
		for _, ch := range c.Choices {
			n, largest = n+len(ch.Delta.Content), max(largest, len(ch.Delta.Content))
		}
		if n > 0 {
			first()
		}
	}
}
