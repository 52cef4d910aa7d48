package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"sync"
	"time"

	pyropprof "github.com/grafana/pyroscope-go/http/pprof"
	"github.com/prometheus/client_golang/prometheus"
)

// Options of a role's telemetry.
type Options struct {
	Role    string
	Node    string
	Version string
	// Admin is the "host:port" to serve on; the host must be loopback. "" is a free port on 127.0.0.1.
	Admin string
	// Ready says why the role cannot do its work now, nil when it can. It is called by several requests at once and
	// must not block. nil is always ready.
	Ready func() error
	// Registry is served on /metrics; nil makes one.
	Registry *prometheus.Registry
	// Pyroscope is the URL of a Pyroscope server; "" uploads nothing.
	Pyroscope string
	// Logger takes problems of the telemetry itself; nil logs nothing.
	Logger *slog.Logger
}

// Telemetry serves a role's admin address. Close ends it.
type Telemetry struct {
	o        Options
	log      *slog.Logger
	listener net.Listener
	server   *http.Server
	profiler *profiler // nil when there is none
	served   sync.WaitGroup
}

// Start listens and begins to serve and to upload. ctx bounds the start only.
func Start(ctx context.Context, o Options) (*Telemetry, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Registry == nil {
		o.Registry = NewRegistry(o.Role, o.Node, o.Version)
	}
	addr, err := loopback(o.Admin)
	if err != nil {
		return nil, err
	}
	t := &Telemetry{o: o, log: o.Logger}
	var lc net.ListenConfig
	if t.listener, err = lc.Listen(ctx, "tcp", addr); err != nil {
		return nil, fmt.Errorf("telemetry: admin address: %w", err)
	}
	if t.profiler, err = startProfiler(o); err != nil {
		t.listener.Close()
		return nil, err
	}
	t.server = &http.Server{Handler: t.handler(), ReadHeaderTimeout: 5 * time.Second,
		ErrorLog: slog.NewLogLogger(t.log.Handler(), slog.LevelDebug)}
	t.served.Go(t.serve)
	return t, nil
}

// loopback checks an admin address.
func loopback(addr string) (string, error) {
	if addr == "" {
		return "127.0.0.1:0", nil
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", fmt.Errorf("telemetry: admin address %q: want host:port: %w", addr, err)
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || !ip.IsLoopback() {
		return "", fmt.Errorf("telemetry: admin address %q: only loopback is allowed, such as 127.0.0.1:%s", addr, port)
	}
	return net.JoinHostPort(host, port), nil
}

func (t *Telemetry) serve() {
	if err := t.server.Serve(t.listener); !errors.Is(err, http.ErrServerClosed) {
		t.log.Error("admin server ended", "err", err)
	}
}

func (t *Telemetry) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", MetricsHandler(t.o.Registry))
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /ready", t.ready)
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pyropprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}

func (t *Telemetry) ready(w http.ResponseWriter, _ *http.Request) {
	if t.o.Ready != nil {
		if err := t.o.Ready(); err != nil {
			http.Error(w, "not ready: "+err.Error(), http.StatusServiceUnavailable)
			return
		}
	}
	fmt.Fprintln(w, "ready")
}

// Addr is the bound "host:port".
func (t *Telemetry) Addr() string { return t.listener.Addr().String() }

// URL is the admin server's base URL, without a slash at its end.
func (t *Telemetry) URL() string { return "http://" + t.Addr() }

// Registry is where the role's packages register their metrics.
func (t *Telemetry) Registry() *prometheus.Registry { return t.o.Registry }

// Close uploads what was profiled, as far as ctx allows, lets running requests end until then, and stops serving.
func (t *Telemetry) Close(ctx context.Context) error {
	err := t.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, t.server.Close())
	}
	t.served.Wait()
	if t.profiler != nil {
		err = errors.Join(err, t.profiler.stop(ctx))
	}
	if err != nil {
		return fmt.Errorf("telemetry: close: %w", err)
	}
	return nil
}
