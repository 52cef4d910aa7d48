package gossip

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/memberlist"
)

// These tests use real sockets on loopback. None of them measures time: they wait for what must happen.
const patience = 60 * time.Second

func options(node string, seeds ...string) Options {
	return Options{Node: node, Boot: "b0", Cluster: "test", Secret: []byte("secret"), Meta: Meta{Role: RoleShard}, Seeds: seeds}
}

func start(t *testing.T, o Options) *Gossip {
	t.Helper()
	g, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

func await(t *testing.T, g *Gossip, node string) Member {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	m, err := g.Wait(ctx, func(m Member) bool { return m.Node == node })
	if err != nil {
		t.Fatalf("%s: %v", node, err)
	}
	return m
}

func TestLoopback(t *testing.T) {
	t.Parallel()
	events := make(chan Event, 100)
	o := options("a")
	o.Events = events
	o.Meta = Meta{Role: RoleCoordinator, NATS: []string{"nats://127.0.0.1:4222"}}
	a := start(t, o)
	b := start(t, options("b", a.Addr()))
	c := start(t, options("c", "localhost"+strings.TrimPrefix(a.Addr(), "127.0.0.1")))
	if err := b.Join(t.Context()); err != nil {
		t.Fatal(err)
	}
	await(t, a, "b")
	await(t, c, "b")
	if m := await(t, b, "a"); m.Role != RoleCoordinator || len(m.NATS) != 1 || m.Addr != a.Addr() {
		t.Errorf("b knows %+v", m)
	}
	await(t, a, "c")
	if err := b.Leave(t.Context()); err != nil {
		t.Error(err)
	}
	end := time.After(patience)
	for {
		select {
		case e := <-events:
			if e.Member.Node == "b" && e.Change == Left {
				return
			}
			if e.Change == Failed {
				t.Fatalf("heard %+v", e)
			}
		case <-end:
			t.Fatal("nobody heard that b left")
		}
	}
}

func TestFailureOnLoopback(t *testing.T) {
	t.Parallel()
	events := make(chan Event, 100)
	o := options("a")
	o.Events = events
	a := start(t, o)
	b, c := start(t, options("b", a.Addr())), start(t, options("c", a.Addr()))
	await(t, a, "b")
	await(t, a, "c")
	await(t, c, "b")
	b.Close()
	end := time.After(patience)
	for {
		select {
		case e := <-events:
			if e.Change == Failed && e.Member.Node == "b" {
				return
			}
		case <-end:
			t.Fatal("nobody noticed")
		}
	}
}

// logged is a log that several goroutines write.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) count(s string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), s)
}

func TestStrangersAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*Options)
		said   string
	}{
		{"another secret", func(o *Options) { o.Secret = []byte("Secret") }, "refused a peer that has another secret"},
		{"another cluster", func(o *Options) { o.Cluster = "other" }, "refused a peer of another cluster"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log logged
			o := options("a")
			o.Logger = slog.New(slog.NewTextHandler(&log, nil))
			a := start(t, o)
			o = options("b", a.Addr())
			c.change(&o)
			b := start(t, o)
			for range 3 {
				if err := b.Join(t.Context()); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), a.Addr()) {
					t.Errorf("got %v", err)
				}
			}
			if len(a.Members()) != 0 || len(b.Members()) != 0 {
				t.Errorf("a knows %v, b knows %v", a.Members(), b.Members())
			}
			if n := log.count(c.said); n != 1 {
				t.Errorf("said %d times:\n%s", n, log.b.String())
			}
		})
	}
}

// foreigner has the key and the label, but describes itself as a member of another cluster.
type foreigner struct{ meta []byte }

func (f foreigner) NodeMeta(int) []byte               { return f.meta }
func (foreigner) NotifyMsg([]byte)                    {}
func (foreigner) GetBroadcasts(int, int) [][]byte     { return nil }
func (foreigner) LocalState(bool) []byte              { return nil }
func (foreigner) MergeRemoteState(buf []byte, _ bool) {}

func TestForeignDescriptionIsRefused(t *testing.T) {
	t.Parallel()
	foreign, err := (&description{node: "x", boot: "b0", cluster: clusterHash("other")}).encode()
	if err != nil {
		t.Fatal(err)
	}
	lying, err := (&description{node: "y", boot: "b0", cluster: clusterHash("test")}).encode()
	if err != nil {
		t.Fatal(err)
	}
	for name, meta := range map[string][]byte{"another cluster": foreign, "no description": {1, 2, 3}, "another name": lying} {
		t.Run(name, func(t *testing.T) {
			a := start(t, options("a"))
			b := start(t, options("b", a.Addr()))
			key, err := secretKey([]byte("secret"), "test")
			if err != nil {
				t.Fatal(err)
			}
			conf := memberlist.DefaultLocalConfig()
			conf.Name, conf.Label, conf.SecretKey, conf.Delegate = "x/b0", "test", key, foreigner{meta}
			conf.BindAddr, conf.BindPort = "127.0.0.1", 0
			conf.Logger = newBridge(slog.New(slog.DiscardHandler))
			list, err := memberlist.Create(conf)
			if err != nil {
				t.Fatal(err)
			}
			defer list.Shutdown()
			list.Join([]string{a.Addr()}) // succeeds on the foreigner's side: it asks nobody
			await(t, a, "b")
			await(t, b, "a")
			for _, g := range []*Gossip{a, b} {
				if n := len(g.Members()); n != 1 {
					t.Errorf("%s knows %v", g.Self().Node, g.Members())
				}
			}
		})
	}
}

func TestStartRefuses(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"no cluster":                         func(o *Options) { o.Cluster = "" },
		"cluster with dot":                   func(o *Options) { o.Cluster = "a.b" },
		"node with space":                    func(o *Options) { o.Node = "a b" },
		"no boot":                            func(o *Options) { o.Boot = "" },
		"no secret":                          func(o *Options) { o.Secret = nil },
		"bind without port":                  func(o *Options) { o.Bind = "127.0.0.1" },
		"bind to no host":                    func(o *Options) { o.Bind = "no-such-host.invalid:0" },
		"bind elsewhere":                     func(o *Options) { o.Bind = "192.0.2.1:0" },
		"advertise nothing":                  func(o *Options) { o.Advertise = "no-such-host.invalid" },
		"advertise a port that is not bound": func(o *Options) { o.Advertise = "127.0.0.1:12345" },
		"long meta":                          func(o *Options) { o.Meta.HTTP = strings.Repeat("x", 300) },
		"large meta":                         func(o *Options) { o.Meta.NATS = slicesOf(strings.Repeat("x", 200), 3) },
	} {
		o := options("a")
		change(&o)
		if g, err := Start(o); err == nil {
			g.Close()
			t.Errorf("%s: started", name)
		}
	}
}

func slicesOf(s string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = s
	}
	return out
}

func TestAdvertise(t *testing.T) {
	for _, c := range []struct{ bind, advertise, seed, host string }{
		{"127.0.0.1:0", "", "", "127.0.0.1"},
		{"0.0.0.0:0", "127.0.0.1", "", "127.0.0.1"},
		{"0.0.0.0:0", "localhost", "", "127.0.0.1"},
		{"0.0.0.0:0", "", "127.0.0.1:1", "127.0.0.1"},
		{"localhost:0", "", "", "127.0.0.1"},
	} {
		o := options("a")
		o.Bind, o.Advertise = c.bind, c.advertise
		if c.seed != "" {
			o.Seeds = []string{c.seed}
		}
		g := start(t, o)
		host, port, err := net.SplitHostPort(g.Addr())
		if err != nil || host != c.host || port == "0" {
			t.Errorf("%+v: address %s, %v", c, g.Addr(), err)
		}
	}
	o := options("a")
	o.Bind = start(t, options("b")).Addr()
	if _, err := Start(o); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("a taken port: %v", err)
	}
}

func TestAdvertiseAnotherPort(t *testing.T) {
	free := start(t, options("b"))
	free.Close()
	o := options("a")
	o.Bind, o.Advertise = free.Addr(), "127.0.0.1:12345"
	if g := start(t, o); g.Addr() != "127.0.0.1:12345" {
		t.Errorf("advertises %s", g.Addr())
	}
}

func TestJoinWithoutSeeds(t *testing.T) {
	t.Parallel()
	g := start(t, options("a"))
	if err := g.Join(t.Context()); !errors.Is(err, ErrNoSeed) {
		t.Errorf("got %v", err)
	}
	bad := start(t, options("b", "no-such-host.invalid:1", "127.0.0.1:1"))
	if err := bad.Join(t.Context()); !errors.Is(err, ErrNoSeed) || !strings.Contains(err.Error(), "no-such-host") {
		t.Errorf("got %v", err)
	}
}

func TestBridge(t *testing.T) {
	var log logged
	l := newBridge(slog.New(slog.NewTextHandler(&log, nil)))
	for i := range 5 {
		l.Printf("[ERR] memberlist: failed to receive: no installed keys could decrypt the message from=10.0.0.2:%d", 4000+i)
		l.Printf("[WARN] memberlist: something else")
		l.Printf("[DEBUG] memberlist: chatter")
	}
	for what, want := range map[string]int{"another secret": 1, "level=WARN": 1, "something else": 1, "level=INFO": 1, "chatter": 0} {
		if n := log.count(what); n != want {
			t.Errorf("%q is there %d times, want %d:\n%s", what, n, want, log.b.String())
		}
	}
}
