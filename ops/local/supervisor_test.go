package local

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestMain lets the test binary be the roles: the supervisor starts its own program again.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[2] == "--supervised" {
		os.Exit(fakeRole(os.Args[1]))
	}
	os.Exit(m.Run())
}

// fakeRole reports its pid and what its role would report, and lives until it is told to end.
func fakeRole(role string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	ctx, parent := Inherited(ctx, true)
	name := role
	if i := slices.Index(os.Args, "--node"); i >= 0 {
		name = os.Args[i+1]
	}
	if name == os.Getenv("FAKE_ROLE_FAILS") {
		parent.Report(Report{Text: fmt.Sprintf("%s pid %d", name, os.Getpid())})
		fmt.Fprintln(os.Stderr, "the disk is full")
		return 3
	}
	// One line: whoever has read the pid may kill a role that is ready.
	r := Report{Ready: true, Text: fmt.Sprintf("%s pid %d", name, os.Getpid())}
	switch role {
	case "nats":
		r.NATS = "nats://127.0.0.1:1"
	case "coordinator":
		r.Seed = "127.0.0.1:2"
	case "router":
		r.HTTP, r.RouterAdmin = "127.0.0.1:3", "http://127.0.0.1:4"
	}
	parent.Report(r)
	<-ctx.Done()
	return 0
}

// roles collects the pids that the fake roles report.
type roles struct {
	mu    sync.Mutex
	pids  map[string][]int
	heard chan struct{}
}

func (r *roles) say(text string) {
	name, pid, ok := strings.Cut(text, " pid ")
	if !ok {
		return
	}
	n, err := strconv.Atoi(pid)
	if err != nil {
		return
	}
	r.mu.Lock()
	r.pids[name] = append(r.pids[name], n)
	r.mu.Unlock()
	select {
	case r.heard <- struct{}{}:
	default:
	}
}

// wait gives the n-th pid of a role.
func (r *roles) wait(t *testing.T, name string, n int) int {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		r.mu.Lock()
		if len(r.pids[name]) >= n {
			defer r.mu.Unlock()
			return r.pids[name][n-1]
		}
		r.mu.Unlock()
		select {
		case <-r.heard:
		case <-time.After(50 * time.Millisecond):
		case <-deadline:
			t.Fatalf("%s was not started %d times", name, n)
		}
	}
}

func hold(t *testing.T, dir string) *Folder {
	t.Helper()
	f, err := Hold(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Release)
	return f
}

// startSupervisor runs one and gives a function that stops it and returns Run's error.
func startSupervisor(t *testing.T, data string) (*Supervisor, *roles, Cluster, func() error) {
	t.Helper()
	r := &roles{pids: map[string][]int{}, heard: make(chan struct{}, 1)}
	s, err := New(hold(t, data), Options{Cluster: "test", Shards: 2, HTTP: "127.0.0.1:0", Bind: "127.0.0.1",
		Logs: io.Discard, Say: r.say, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	started, ended := make(chan Cluster, 1), make(chan error, 1)
	go func() { ended <- s.Run(ctx, func(c Cluster) { started <- c }) }()
	select {
	case c := <-started:
		return s, r, c, sync.OnceValue(func() error { cancel(); return <-ended })
	case err := <-ended:
		cancel()
		t.Fatal(err)
	}
	panic("unreachable")
}

func gone(pid int) bool { return syscall.Kill(pid, 0) != nil }

func TestSupervisor(t *testing.T) {
	data := t.TempDir()
	s, r, c, stop := startSupervisor(t, data)
	defer stop()
	if c.NATS != "nats://127.0.0.1:1" || c.HTTP != "http://127.0.0.1:3" || c.Admin != "http://127.0.0.1:4" || !slices.Equal(c.Seeds, []string{"127.0.0.1:2"}) {
		t.Fatalf("cluster %+v", c)
	}
	onDisk, err := ReadCluster(data)
	if err != nil || onDisk.HTTP != c.HTTP {
		t.Fatalf("cluster file %+v, %v", onDisk, err)
	}
	t.Run("a second one on the same folder is refused", func(t *testing.T) {
		if _, err := Hold(t.Context(), data); err == nil || !strings.Contains(err.Error(), "already runs") {
			t.Fatalf("error %v", err)
		}
	})
	t.Run("what is killed is started again", func(t *testing.T) {
		for _, name := range []string{"shard-2", "coordinator", "nats", "router"} {
			syscall.Kill(r.wait(t, name, 1), syscall.SIGKILL)
			r.wait(t, name, 2)
		}
	})
	t.Run("scale", func(t *testing.T) {
		replan := func(used ...string) Replan {
			return func(context.Context, int) ([]string, error) { return used, nil }
		}
		if err := s.Scale(t.Context(), 4, replan("shard-1", "shard-2", "shard-3", "shard-4")); err != nil {
			t.Fatal(err)
		}
		r.wait(t, "shard-4", 1)
		if err := s.Scale(t.Context(), 1, replan("shard-3")); err != nil {
			t.Fatal(err)
		}
		if got := s.Shards(); !slices.Equal(got, []string{"shard-3"}) {
			t.Fatalf("shards %v, want the one that the plan uses", got)
		}
		failed := func(context.Context, int) ([]string, error) { return nil, fmt.Errorf("no memory") }
		if err := s.Scale(t.Context(), 2, failed); err == nil || !strings.Contains(err.Error(), "no memory") {
			t.Fatalf("error %v", err)
		}
	})
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	for name, pids := range r.pids {
		for _, pid := range pids {
			if !gone(pid) {
				t.Errorf("%s (pid %d) outlives the supervisor", name, pid)
			}
		}
	}
	if _, err := ReadCluster(data); err == nil {
		t.Error("the cluster file outlives the cluster")
	}
}

func TestRoleThatCannotStart(t *testing.T) {
	t.Setenv("FAKE_ROLE_FAILS", "coordinator")
	s, err := New(hold(t, t.TempDir()), Options{Cluster: "test", Shards: 1, HTTP: "127.0.0.1:0", Bind: "127.0.0.1",
		Logs: io.Discard, Say: func(string) {}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Run(t.Context(), func(Cluster) { t.Error("started") })
	if err == nil || !strings.Contains(err.Error(), "coordinator") || !strings.Contains(err.Error(), "the disk is full") {
		t.Fatalf("error %v, want the role and its last line", err)
	}
}

// A shard that scale has started and that cannot run is no reason to end what serves.
func TestScaledShardThatCannotStart(t *testing.T) {
	t.Setenv("FAKE_ROLE_FAILS", "shard-3")
	s, r, _, stop := startSupervisor(t, t.TempDir())
	defer stop()
	tried := func(context.Context, int) ([]string, error) {
		r.wait(t, "shard-3", 2)
		return nil, fmt.Errorf("two of three shards")
	}
	if err := s.Scale(t.Context(), 3, tried); err == nil || !strings.Contains(err.Error(), "two of three shards") {
		t.Fatalf("error %v", err)
	}
	if err := stop(); err != nil {
		t.Fatal("the cluster ended:", err)
	}
}

// The roles of a supervisor that was killed still hold the folder: the next one waits for them.
func TestFolderIsHeldByLeftovers(t *testing.T) {
	dir := t.TempDir()
	first, err := Hold(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	ready := make(chan struct{}, 1)
	c, err := start("nats", []string{"nats", "--supervised"}, first.roles, io.Discard, func(r Report) {
		if r.Ready {
			ready <- struct{}{}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	<-ready
	first.Release() // as the kernel does for a process that is killed
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Hold(ctx, dir); err == nil || !strings.Contains(err.Error(), "earlier cluster") {
		t.Fatalf("error %v, want that a process is left", err)
	}
	c.lifeline.Close()
	second, err := Hold(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	second.Release()
	<-c.exited
}

// A disk that is full must not break the pipes that the children write to.
func TestOutputThatCannotBeWritten(t *testing.T) {
	w := &tailWriter{to: fullDisk{}}
	if n, err := w.Write([]byte("one\ntwo\n")); n != 8 || err != nil || w.last() != "two" {
		t.Fatalf("%d, %v, last line %q", n, err, w.last())
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// The end of the supervisor, however it comes, ends its children: their lifeline closes.
func TestLifeline(t *testing.T) {
	pid := make(chan int, 1)
	c, err := start("nats", []string{"nats", "--supervised"}, nil, io.Discard, func(rep Report) {
		if _, p, ok := strings.Cut(rep.Text, " pid "); ok {
			n, _ := strconv.Atoi(p)
			pid <- n
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	<-pid
	c.lifeline.Close()
	select {
	case <-c.exited:
	case <-time.After(20 * time.Second):
		t.Fatal("the child lives on without its supervisor")
	}
}
