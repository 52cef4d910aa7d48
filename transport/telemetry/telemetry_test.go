package telemetry

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const patience = 30 * time.Second

func start(t *testing.T, o Options) *Telemetry {
	t.Helper()
	tel, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { end(t, tel) })
	return tel
}

func end(t *testing.T, tel *Telemetry) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := tel.Close(ctx); err != nil {
		t.Error(err)
	}
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(b)
}

func TestAdmin(t *testing.T) {
	var reason atomic.Pointer[error]
	set := func(err error) { reason.Store(&err) }
	set(errors.New("shard-2 is missing"))
	tel := start(t, Options{Role: "router", Node: "r1", Version: "v1.2.3", Ready: func() error { return *reason.Load() }})
	requests := prometheus.NewCounter(prometheus.CounterOpts{Name: "test_requests_total", Help: "Test."})
	tel.Registry().MustRegister(requests)
	requests.Add(3)

	if code, body := get(t, tel.URL()+"/health"); code != 200 || body != "ok\n" {
		t.Errorf("health: %d %q", code, body)
	}
	if code, body := get(t, tel.URL()+"/ready"); code != 503 || body != "not ready: shard-2 is missing\n" {
		t.Errorf("ready: %d %q", code, body)
	}
	set(nil)
	if code, body := get(t, tel.URL()+"/ready"); code != 200 || body != "ready\n" {
		t.Errorf("ready: %d %q", code, body)
	}
	_, body := get(t, tel.URL()+"/metrics")
	for _, want := range []string{"test_requests_total 3\n", "go_goroutines ", "process_resident_memory_bytes ",
		`stagecoach_build_info{go="go1.`, `node="r1",role="router",version="v1.2.3"} 1`} {
		if !strings.Contains(body, want) {
			t.Errorf("metrics lack %q", want)
		}
	}
	if code, body := get(t, tel.URL()+"/debug/pprof/goroutine?debug=1"); code != 200 || !strings.Contains(body, "goroutine profile") {
		t.Errorf("pprof: %d %.80q", code, body)
	}
	if code, _ := get(t, tel.URL()+"/"); code != 404 {
		t.Errorf("/: %d", code)
	}
}

func TestRegistriesAreSeparate(t *testing.T) {
	c := prometheus.CounterOpts{Name: "test_total", Help: "Test."}
	a, b := NewRegistry("shard", "a", ""), NewRegistry("shard", "b", "")
	a.MustRegister(prometheus.NewCounter(c))
	b.MustRegister(prometheus.NewCounter(c))
	tel := start(t, Options{Registry: a})
	if tel.Registry() != a {
		t.Error("another registry is served")
	}
}

func TestAlwaysReadyWithoutAnOpinion(t *testing.T) {
	if code, _ := get(t, start(t, Options{}).URL()+"/ready"); code != 200 {
		t.Errorf("ready: %d", code)
	}
}

func TestAdminIsLoopbackOnly(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", "[::]:0", ":0", "192.0.2.1:0", "example.com:0", "127.0.0.1", "127.0.0.1:99999"} {
		if tel, err := Start(t.Context(), Options{Admin: addr}); err == nil {
			end(t, tel)
			t.Errorf("%q is taken", addr)
		}
	}
	for _, addr := range []string{"", "127.0.0.1:0", "localhost:0", "127.0.0.2:0"} {
		tel := start(t, Options{Admin: addr})
		host, port, err := net.SplitHostPort(tel.Addr())
		if err != nil || !net.ParseIP(host).IsLoopback() || port == "0" {
			t.Errorf("%q is bound to %s, %v", addr, tel.Addr(), err)
		}
	}
	first := start(t, Options{})
	if _, err := Start(t.Context(), Options{Admin: first.Addr()}); err == nil || !strings.Contains(err.Error(), first.Addr()) {
		t.Errorf("a taken port: %v", err)
	}
}

func TestClosedServesNothing(t *testing.T) {
	tel, err := Start(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	end(t, tel)
	if r, err := http.Get(tel.URL() + "/health"); err == nil {
		r.Body.Close()
		t.Error("still serves")
	}
}

// pyroscopeServer notes the names of the profiles that are sent to it.
type pyroscopeServer struct {
	*httptest.Server
	mu    sync.Mutex
	names []string
}

func startPyroscope(t *testing.T) *pyroscopeServer {
	p := &pyroscopeServer{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.names = append(p.names, r.URL.Path+" "+r.URL.Query().Get("name"))
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *pyroscopeServer) got() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.names, "\n")
}

func TestProfilesAreUploaded(t *testing.T) {
	server := startPyroscope(t)
	tel, err := Start(t.Context(), Options{Role: "shard", Node: "s1", Version: "v1", Pyroscope: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	tel.profiler.session.Flush(true)
	got := server.got()
	for _, want := range []string{"/ingest stagecoach.shard", "node=s1", "version=v1"} {
		if !strings.Contains(got, want) {
			t.Errorf("uploads lack %q:\n%s", want, got)
		}
	}
	if code, body := get(t, tel.URL()+"/debug/pprof/profile?seconds=1"); code != 200 || len(body) == 0 {
		t.Errorf("a profile by hand meanwhile: %d, %d bytes", code, len(body))
	}
	end(t, tel)
}

func TestPyroscopeAway(t *testing.T) {
	var log strings.Builder
	l := slog.New(slog.NewTextHandler(&log, nil))
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	tel, err := Start(t.Context(), Options{Role: "shard", Pyroscope: "http://" + silent.Addr().String(), Logger: l})
	if err != nil {
		t.Fatal(err)
	}
	if code, _ := get(t, tel.URL()+"/health"); code != 200 {
		t.Errorf("health: %d", code)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := tel.Close(ctx); err != nil { // cancels the uploads rather than waiting for them
		t.Error(err)
	}
}

func TestPyroscopeURL(t *testing.T) {
	for _, u := range []string{"localhost:4040", "ftp://host", "http://", "::"} {
		tel, err := Start(t.Context(), Options{Pyroscope: u})
		if err == nil {
			end(t, tel)
			t.Errorf("%q is taken", u)
		} else if !strings.Contains(err.Error(), u) {
			t.Errorf("%q: %v", u, err)
		}
	}
	start(t, Options{Pyroscope: "http://127.0.0.1:1"}) // nobody is there
}

func TestUploadFailuresAreSaidSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		l := &profilerLog{log: slog.New(slog.NewTextHandler(&log, nil))}
		for range 100 {
			l.Errorf("upload: %s", "connection refused")
			time.Sleep(5 * time.Second)
		}
		if n := strings.Count(log.String(), "connection refused"); n != 2 {
			t.Errorf("said %d times in 500 s", n)
		}
	})
}

func TestLogger(t *testing.T) {
	for _, c := range []struct {
		o    LogOptions
		want []string
		not  string
	}{
		{LogOptions{Role: "shard", Node: "s1"}, []string{"role=shard", "node=s1", "msg=loud"}, "quiet"},
		{LogOptions{Role: "nats", Level: "debug"}, []string{"role=nats", "msg=quiet"}, "node="},
		{LogOptions{Role: "shard", Node: "s1", JSON: true}, []string{`"role":"shard"`, `"node":"s1"`, `"msg":"loud"`}, "quiet"},
		{LogOptions{Role: "shard", Level: "error"}, nil, "loud"},
	} {
		var b strings.Builder
		log, err := Logger(&b, c.o)
		if err != nil {
			t.Fatal(err)
		}
		log.Info("loud")
		log.Debug("quiet")
		for _, want := range c.want {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%+v: %q is missing in %s", c.o, want, b.String())
			}
		}
		if strings.Contains(b.String(), c.not) {
			t.Errorf("%+v: %q is there in %s", c.o, c.not, b.String())
		}
	}
	if _, err := Logger(io.Discard, LogOptions{Level: "loud"}); err == nil {
		t.Error("a level that is none")
	}
}
