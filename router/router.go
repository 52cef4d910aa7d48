// Package router is the role that clients talk to: an OpenAI endpoint in front of the pipeline, with keys, limits and usage.
//
//	api        requests, validation, answers
//	chat       chat templates and tool calls
//	sse        streams of events
//	generate   prompts to the coordinator, tokens back, through failures of anything
//	account    keys, limits, holds, usage
//	ledger     the books of another router
//	admin      how the command line reaches a running router's books
//
// A router needs no model file: tokenizer, template and shape come from the coordinator as the model's card. It needs a data folder
// of its own, in which it owns ledger.db, journal and admin.json; or it uses the ledger of the router that owns the cluster's, and
// needs none.
//
// # Caveats
//
// One router of a cluster owns its ledger: a second owner ends with an error. Without keys it serves whoever connects, but only while it listens on loopback, and no web page
// of another origin.
package router

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/stagecoach-llm/stagecoach/router/account"
	"github.com/stagecoach-llm/stagecoach/router/admin"
	"github.com/stagecoach-llm/stagecoach/router/api"
	"github.com/stagecoach-llm/stagecoach/router/generate"
	"github.com/stagecoach-llm/stagecoach/router/ledger"
	"github.com/stagecoach-llm/stagecoach/transport/bus"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// Options of a router. Bus, Subjects, Listener and DataDir are required.
type Options struct {
	Bus      bus.Conn
	Subjects wire.Subjects
	// Name is this router's in subjects and in the ledger: letters, digits, - and _. "" is "router".
	Name string
	// Listener is for clients. Beyond loopback, every request needs a key, unless Open.
	Listener net.Listener
	// TLSCert and TLSKey are PEM files, "" for plain HTTP. They are read again when they change.
	TLSCert, TLSKey string
	// Open serves requests without a key, as long as none was made, on any listener: for a container whose port is
	// published on loopback only.
	Open bool
	// AdminListener is for administrators of this machine, nil for none: it must be on loopback.
	AdminListener net.Listener
	// DataDir is the folder of ledger.db, journal and admin.json; it is created.
	DataDir string
	// RemoteLedger uses the ledger of another router of the cluster: without DataDir, AdminListener, APIKey and Limits, which are
	// the owner's.
	RemoteLedger bool
	// ServedName is the model's id in requests; "" takes the coordinator's.
	ServedName string
	// APIKey is a key that must exist ("" for none): of a compose file, or a secret that operators bring along.
	APIKey string

	Limits        account.Limits // of keys that have none of their own, and of requests without a key
	Prices        account.Prices
	Origins       []string      // of web pages that may call the endpoint, "*" for all; none by default
	ModelDefaults bool          // sampling defaults are the model's generation_config, not the neutral ones
	Timeout       time.Duration // of a request; 0: 10 minutes
	KeepAlive     time.Duration // silence after which a stream gets a comment; 0: 10 s
	MaxRequests   int           // at once; 0: 1024
	Limit         ClientLimits
	Grace         time.Duration // for running requests when the router is told to end; 0: 5 s
	Version       string
	Registry      *prometheus.Registry
	Logger        *slog.Logger
}

// ClientLimits bound how long a client may take. Zero takes the default.
type ClientLimits struct {
	Header time.Duration // to send its headers: 10 s
	Body   time.Duration // to send its body: a minute
	Write  time.Duration // to take what is written, each time: 30 s
}

func (l *ClientLimits) fill() {
	l.Header = cmp.Or(l.Header, 10*time.Second)
	l.Body = cmp.Or(l.Body, time.Minute)
	l.Write = cmp.Or(l.Write, 30*time.Second)
}

// Run serves until ctx ends or a listener fails. It closes both listeners; the bus stays open.
func Run(ctx context.Context, o Options) error {
	if err := o.fill(); err != nil {
		return err
	}
	if o.RemoteLedger {
		return serve(ctx, o, nil)
	}
	book, err := account.Open(o.DataDir, account.Options{Defaults: o.Limits, Logger: o.Logger})
	if err != nil {
		return fmt.Errorf("router: %w", err)
	}
	if o.APIKey != "" {
		err = book.EnsureKey(ctx, "default", o.APIKey)
	}
	if err == nil {
		err = serve(ctx, o, book)
	}
	return errors.Join(err, book.Close())
}

func (o *Options) fill() error {
	switch {
	case o.Bus == nil || o.Listener == nil || o.DataDir == "" && !o.RemoteLedger || o.Subjects.Cluster == "":
		return errors.New("router: Bus, Subjects, Listener and DataDir are required")
	case (o.TLSCert == "") != (o.TLSKey == ""):
		return errors.New("router: TLS needs both a certificate and its key")
	case o.RemoteLedger && (o.AdminListener != nil || o.APIKey != "" || o.Limits != account.Limits{}):
		return errors.New("router: keys and limits are those of the ledger's owner: give them there")
	case o.AdminListener != nil && !loopback(o.AdminListener):
		return fmt.Errorf("router: the admin listener %s is not on loopback", o.AdminListener.Addr())
	}
	o.Name = cmp.Or(o.Name, "router")
	o.Limit.fill()
	o.Grace = cmp.Or(o.Grace, 5*time.Second)
	if o.Registry == nil {
		o.Registry = prometheus.NewRegistry()
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return nil
}

// books is what the endpoint needs of a ledger: this router's own, or another one's.
type books interface {
	account.Ledger
	api.Journal
	api.Keys
	api.Account
}

// parts are what runs beside the listeners. They outlive the handlers, which need them.
type parts struct {
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup
	failed  chan error // the first errors; nobody waits for the rest
}

func newParts(ctx context.Context) *parts {
	p := &parts{failed: make(chan error, 4)}
	p.ctx, p.cancel = context.WithCancel(context.WithoutCancel(ctx))
	return p
}

func (p *parts) start(run func(context.Context) error) {
	p.running.Go(func() {
		if err := run(p.ctx); err != nil {
			select {
			case p.failed <- err:
			default:
			}
		}
	})
}

func (p *parts) end() {
	p.cancel()
	p.running.Wait()
}

// openBooks gives the endpoint its ledger: book, which is served to other routers, too, or where that is nil another router's.
func (o *Options) openBooks(p *parts, boot string, book *account.Book) books {
	if book == nil {
		c := ledger.NewClient(ledger.Options{Bus: o.Bus, Subjects: o.Subjects, Router: o.Name, Boot: boot, Logger: o.Logger})
		p.start(func(ctx context.Context) error { c.Run(ctx); return nil })
		return c
	}
	owner := &ledger.Owner{Bus: o.Bus, Subjects: o.Subjects, Router: o.Name, Boot: boot, Book: book, Logger: o.Logger}
	p.start(owner.Serve)
	return book
}

// serve runs the parts and ends them in order: first the listeners, then requests, then what requests need.
func serve(ctx context.Context, o Options, book *account.Book) error {
	boot := newBoot()
	p := newParts(ctx)
	defer p.end()
	client := generate.New(generate.Options{
		Bus: o.Bus, Subjects: o.Subjects, Router: o.Name, Boot: boot, Logger: o.Logger,
	})
	w := &watch{Options: o}
	b := o.openBooks(p, boot, book)
	handler := api.New(api.Options{
		Ledger: b, Journal: b, Keys: b, Account: b, Generator: client, Model: w.Model, Ready: w.Ready,
		Router: o.Name, Open: o.Open || loopback(o.Listener), Origins: o.Origins, ModelDefaults: o.ModelDefaults, Prices: o.Prices, Timeout: o.Timeout,
		KeepAlive: o.KeepAlive, MaxRequests: o.MaxRequests, Version: o.Version, Registry: o.Registry, Logger: o.Logger,
		BodyTimeout: o.Limit.Body, WriteTimeout: o.Limit.Write,
	})
	servers := []*server{newServer(o, o.Listener, handler)}
	if o.TLSCert != "" {
		cert, err := loadCertificate(o.TLSCert, o.TLSKey, o.Logger)
		if err != nil {
			return err
		}
		servers[0].TLSConfig = cert.config()
	} else if !loopback(o.Listener) {
		o.Logger.Warn("keys and texts travel unencrypted: give a TLS certificate, or let only a proxy that has one reach this listener")
	}
	if o.AdminListener != nil {
		h, err := admin.NewHandler(book, o.DataDir, o.AdminListener.Addr().String())
		if err != nil {
			return fmt.Errorf("router: %w", err)
		}
		servers = append(servers, newServer(o, o.AdminListener, h))
	}
	p.start(client.Run)
	p.start(func(ctx context.Context) error { w.run(ctx); return nil })
	for _, s := range servers {
		p.start(func(context.Context) error {
			if err := s.serve(); !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("router: %s: %w", s.listener.Addr(), err)
			}
			return nil
		})
	}
	o.Logger.Info("router listens", "address", o.Listener.Addr().String(), "keys", b.HasKeys())

	var err error
	select {
	case <-ctx.Done():
	case err = <-p.failed:
	}
	for _, s := range servers {
		s.end(o.Grace)
	}
	return err
}

// server is an http.Server whose requests can be cut off.
type server struct {
	*http.Server
	listener net.Listener
	cut      context.CancelCauseFunc
}

func newServer(o Options, l net.Listener, h http.Handler) *server {
	ctx, cut := context.WithCancelCause(context.Background())
	return &server{listener: l, cut: cut, Server: &http.Server{
		Handler:           h,
		ReadHeaderTimeout: o.Limit.Header,
		ReadTimeout:       o.Limit.Header + o.Limit.Body, // of bodies that no handler reads; the API lifts it from those that it has read
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          slog.NewLogLogger(o.Logger.Handler(), slog.LevelDebug),
	}}
}

func (s *server) serve() error {
	if s.TLSConfig != nil {
		return s.ServeTLS(s.listener, "", "")
	}
	return s.Serve(s.listener)
}

// end lets requests finish within grace, then has them give up and settle.
func (s *server) end(grace time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	err := s.Shutdown(ctx)
	s.cut(api.ErrShutdown)
	if err == nil {
		return
	}
	ctx, cancel = context.WithTimeout(context.Background(), grace)
	defer cancel()
	if s.Shutdown(ctx) != nil {
		_ = s.Close() // nothing more can be done for them
	}
}

func newBoot() string {
	var b [8]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// loopback tells whether only this machine can connect to a listener.
func loopback(l net.Listener) bool {
	switch a := l.Addr().(type) {
	case *net.TCPAddr:
		return a.IP.IsLoopback()
	case *net.UnixAddr:
		return true
	}
	return false
}
