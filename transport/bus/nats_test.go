package bus

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

func testAuth(t *testing.T, secret, cluster string) Auth {
	t.Helper()
	a, err := Credentials([]byte(secret), cluster)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func startServer(t *testing.T, o ServerOptions) *Server {
	t.Helper()
	s, err := StartServer(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shutdown(t, s) })
	return s
}

func shutdown(t *testing.T, s *Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}

func connect(t *testing.T, o Options) *Client {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, err := Connect(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestConnectIsRefused(t *testing.T) {
	right := testAuth(t, "secret", "a")
	for _, c := range []struct {
		name   string
		server Auth
		client Auth
	}{
		{"another secret", right, testAuth(t, "Secret", "a")},
		{"another cluster", right, testAuth(t, "secret", "b")},
		{"nobody", right, Auth{}},
		{"a password where a key is wanted", right, Auth{User: "u", Password: "p"}},
		{"another password", Auth{User: "u", Password: "p"}, Auth{User: "u", Password: "q"}},
		{"a key where a password is wanted", Auth{User: "u", Password: "p"}, right},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := startServer(t, ServerOptions{Auth: c.server})
			_, err := Connect(t.Context(), Options{URL: s.URL(), Auth: c.client})
			if !errors.Is(err, ErrAuth) {
				t.Errorf("got %v", err)
			}
			connect(t, Options{URL: s.URL(), Auth: c.server})
		})
	}
}

func TestConnectWaitsForTheServer(t *testing.T) {
	auth := Auth{User: "u", Password: "p"}
	first := startServer(t, ServerOptions{Auth: auth})
	addr := first.Addr()
	shutdown(t, first)
	connected := make(chan error, 1)
	go func() {
		c, err := Connect(t.Context(), Options{URL: "nats://" + addr, Auth: auth})
		if err == nil {
			c.Close()
		}
		connected <- err
	}()
	startServer(t, ServerOptions{Auth: auth, Addr: addr})
	if err := take(t, connected, "connection"); err != nil {
		t.Error(err)
	}
}

func TestConnectGivesUp(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := Connect(ctx, Options{URL: "nats://joe:hunter2@127.0.0.1:1"})
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "refused") {
		t.Errorf("got %v", err)
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("shows the password: %v", err)
	}
	if _, err := Connect(t.Context(), Options{URL: "nats://%zz"}); err == nil {
		t.Error("a bad URL connects")
	}
	if _, err := Connect(t.Context(), Options{}); err == nil {
		t.Error("no URL connects")
	}
}

func TestSlowSubscriberIsTold(t *testing.T) {
	auth := testAuth(t, "secret", "a")
	s := startServer(t, ServerOptions{Auth: auth})
	drops, goOn := make(chan string, 100), make(chan struct{})
	b := connect(t, Options{URL: s.URL(), Auth: auth, PendingMessages: 2,
		Events: Events{Dropped: func(subject string, n int) {
			if n > 0 {
				drops <- subject
			}
		}}})
	if _, err := b.Subscribe("slow", func(Msg) { <-goOn }); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		publish(t, b, "slow", make([]byte, 100))
	}
	if got := take(t, drops, "Dropped"); got != "slow" {
		t.Errorf("got %q", got)
	}
	close(goOn)
}

// proxy stands between a client and the server and can stop passing anything on.
type proxy struct {
	net.Listener
	wg   sync.WaitGroup
	mu   sync.Mutex
	cond *sync.Cond
	stop bool
}

func startProxy(t *testing.T, to string) *proxy {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{Listener: l}
	p.cond = sync.NewCond(&p.mu)
	p.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.wg.Go(func() { p.serve(c, to) })
		}
	})
	t.Cleanup(func() { p.freeze(false); l.Close(); p.wg.Wait() })
	return p
}

func (p *proxy) serve(c net.Conn, to string) {
	s, err := net.Dial("tcp", to)
	if err != nil {
		c.Close()
		return
	}
	var wg sync.WaitGroup
	wg.Go(func() { io.Copy(thawed{p, s}, c); s.Close() })
	wg.Go(func() { io.Copy(thawed{p, c}, s); c.Close() })
	wg.Wait()
}

func (p *proxy) freeze(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stop = on
	p.cond.Broadcast()
}

// thawed writes only while the proxy is not frozen.
type thawed struct {
	p *proxy
	w io.Writer
}

func (t thawed) Write(b []byte) (int, error) {
	t.p.mu.Lock()
	for t.p.stop {
		t.p.cond.Wait()
	}
	t.p.mu.Unlock()
	return t.w.Write(b)
}

func TestFrozenServerIsNoticed(t *testing.T) {
	auth := testAuth(t, "secret", "a")
	s := startServer(t, ServerOptions{Auth: auth})
	p := startProxy(t, s.Addr())
	e, lost, back := watched()
	c := connect(t, Options{URL: "nats://" + p.Addr().String(), Auth: auth, Events: e})
	got := receive(t, c, "x", 1)
	p.freeze(true)
	take(t, lost, "Disconnected though no connection was closed")
	if err := c.Publish("x", nil); !errors.Is(err, ErrDisconnected) {
		t.Errorf("publish: %v", err)
	}
	p.freeze(false)
	take(t, back, "Reconnected")
	publish(t, c, "x", nil)
	take(t, got, "message")
}

func TestServerRefuses(t *testing.T) {
	if _, err := StartServer(t.Context(), ServerOptions{}); err == nil {
		t.Error("a server without credentials starts")
	}
	for _, half := range []Auth{{Password: "p"}, {User: "u"}} {
		if _, err := StartServer(t.Context(), ServerOptions{Auth: half}); err == nil {
			t.Errorf("a server with half of its credentials starts: %+v", half)
		}
	}
	auth := testAuth(t, "secret", "a")
	for _, addr := range []string{"127.0.0.1", "127.0.0.1:65536", "127.0.0.1:x"} {
		if _, err := StartServer(t.Context(), ServerOptions{Auth: auth, Addr: addr}); err == nil {
			t.Errorf("%q is taken", addr)
		}
	}
	s := startServer(t, ServerOptions{Auth: auth})
	_, err := StartServer(t.Context(), ServerOptions{Auth: auth, Addr: s.Addr()})
	if err == nil || !strings.Contains(err.Error(), "address already in use") || !strings.Contains(err.Error(), s.Addr()) {
		t.Errorf("a taken port: %v", err)
	}
}

func TestServerIsOnLoopbackUnlessTold(t *testing.T) {
	s := startServer(t, ServerOptions{Auth: testAuth(t, "secret", "a")})
	host, port, err := net.SplitHostPort(s.Addr())
	if err != nil || host != "127.0.0.1" || port == "0" {
		t.Errorf("bound to %s, %v", s.Addr(), err)
	}
	every := startServer(t, ServerOptions{Auth: testAuth(t, "secret", "a"), Addr: "0.0.0.0:0"})
	connect(t, Options{URL: every.URL(), Auth: testAuth(t, "secret", "a")})
}

func TestServerConfigAdmitsTheCluster(t *testing.T) {
	for _, auth := range []Auth{testAuth(t, "secret", "a"), {User: "joe", Password: `p"w{d}`}} {
		text, err := auth.ServerConfig()
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "nats.conf")
		if err := os.WriteFile(path, []byte("listen: 127.0.0.1:-1\n"+text), 0o600); err != nil {
			t.Fatal(err)
		}
		opts, err := server.ProcessConfigFile(path)
		if err != nil {
			t.Fatalf("%v:\n%s", err, text)
		}
		opts.NoSigs, opts.NoLog = true, true
		ns, err := server.NewServer(opts)
		if err != nil {
			t.Fatal(err)
		}
		ns.Start()
		if !ns.ReadyForConnections(patience) {
			t.Fatal("not ready")
		}
		c := connect(t, Options{URL: ns.ClientURL(), Auth: auth})
		if c.MaxPayload() != DefaultMaxPayload {
			t.Errorf("max payload %d", c.MaxPayload())
		}
		if _, err := Connect(t.Context(), Options{URL: ns.ClientURL(), Auth: testAuth(t, "other", "a")}); !errors.Is(err, ErrAuth) {
			t.Errorf("a stranger: %v", err)
		}
		c.Close()
		ns.Shutdown()
		ns.WaitForShutdown()
	}
}

// Between a new connection and its first round trip nothing may be published: the server may not have this side's
// subscriptions yet, so an answer would be lost.
func TestNothingIsPublishedBeforeTheRoundTrip(t *testing.T) {
	auth := testAuth(t, "secret", "a")
	s := startServer(t, ServerOptions{Auth: auth})
	c := connect(t, Options{URL: s.URL(), Auth: auth})
	conn, err := dialer{c}.Dial("tcp", s.Addr()) // what the library does first
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if c.Connected() {
		t.Error("connected without a round trip")
	}
	if err := c.Publish("x", nil); !errors.Is(err, ErrDisconnected) {
		t.Errorf("publish: %v", err)
	}
	if _, err := c.Request(t.Context(), "x", nil); !errors.Is(err, ErrDisconnected) {
		t.Errorf("request: %v", err)
	}
	if err := c.prove(); err != nil {
		t.Fatal(err)
	}
	publish(t, c, "x", nil)
}

// A server that asks for other credentials after a restart must not end the connection for ever.
func TestComesBackAfterRefusal(t *testing.T) {
	auth := testAuth(t, "secret", "a")
	s := startServer(t, ServerOptions{Auth: auth})
	e, lost, back := watched()
	refused := make(chan struct{}, 1000)
	c := connect(t, Options{URL: s.URL(), Auth: auth, Events: e,
		Logger: slog.New(slog.NewTextHandler(writerFunc(func(p []byte) {
			if strings.Contains(string(p), "refuses the credentials") {
				refused <- struct{}{}
			}
		}), nil))})
	shutdown(t, s)
	take(t, lost, "Disconnected")
	other := startServer(t, ServerOptions{Auth: testAuth(t, "other", "a"), Addr: s.Addr()})
	take(t, refused, "refusal in the log")
	time.Sleep(3 * reconnectWait) // some more attempts: the library by itself gives up at the second
	shutdown(t, other)
	startServer(t, ServerOptions{Auth: auth, Addr: s.Addr()})
	take(t, back, "Reconnected")
	publish(t, c, "x", nil)
	if n := len(refused); n > 0 {
		t.Errorf("the log repeats the refusal %d times", n)
	}
}

type writerFunc func([]byte)

func (f writerFunc) Write(p []byte) (int, error) {
	f(p)
	return len(p), nil
}

func TestServerSpeaksOnlyToTheLogger(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "stdout"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	stdout := os.Stdout
	os.Stdout = file
	defer func() { os.Stdout = stdout }()
	var log bytes.Buffer
	s, err := StartServer(t.Context(), ServerOptions{Auth: testAuth(t, "secret", "a"),
		Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	shutdown(t, s)
	if info, err := file.Stat(); err != nil || info.Size() > 0 {
		t.Errorf("%d bytes on stdout, %v", info.Size(), err)
	}
	if !strings.Contains(log.String(), "nats: ") {
		t.Errorf("nothing in the log: %s", log.String())
	}
}

// BenchmarkHop is one message of a decode step's size to another connection and an empty one back.
func BenchmarkHop(b *testing.B) {
	auth, err := Credentials([]byte("secret"), "a")
	if err != nil {
		b.Fatal(err)
	}
	s, err := StartServer(b.Context(), ServerOptions{Auth: auth})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Shutdown(context.Background())
	var ends [2]*Client
	for i := range ends {
		if ends[i], err = Connect(b.Context(), Options{URL: s.URL(), Auth: auth}); err != nil {
			b.Fatal(err)
		}
		defer ends[i].Close()
	}
	back := make(chan struct{}, 1)
	if _, err = ends[0].Subscribe("back", func(Msg) { back <- struct{}{} }); err != nil {
		b.Fatal(err)
	}
	if _, err = ends[1].Subscribe("out", func(Msg) { ends[1].Publish("back", nil) }); err != nil {
		b.Fatal(err)
	}
	data := make([]byte, 7<<10)
	b.ReportAllocs()
	for b.Loop() {
		if err := ends[0].Publish("out", data); err != nil {
			b.Fatal(err)
		}
		<-back
	}
}
