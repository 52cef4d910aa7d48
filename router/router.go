// Package router is the role that clients talk to: an OpenAI endpoint in front of the pipeline, with keys, limits and usage.
//
//	api        requests, validation, answers
//	chat       chat templates and tool calls
//	sse        streams of events
//	generate   prompts to the coordinator, tokens back, through failures of anything
//	account    keys, limits, holds, usage
//	admin      how the command line reaches a running router's books
//
// A router needs no model file: tokenizer, template and shape come from the coordinator as the model's card. It needs a data folder
// of its own, in which it owns ledger.db, journal and admin.json.
//
// # Caveats
//
// One router owns a ledger. Without keys it serves whoever connects, but only while it listens on loopback.
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
	// Open serves requests without a key, as long as none was made, on any listener: for a container whose port is
	// published on loopback only.
	Open bool
	// AdminListener is for administrators of this machine, nil for none: it must be on loopback.
	AdminListener net.Listener
	// DataDir is the folder of ledger.db, journal and admin.json; it is created.
	DataDir string
	// ServedName is the model's id in requests; "" takes the coordinator's.
	ServedName string
	// APIKey is a key that must exist ("" for none): of a compose file, or a secret that operators bring along.
	APIKey string

	Limits        account.Limits // of keys that have none of their own, and of requests without a key
	Prices        account.Prices
	Origins       []string      // of web pages that may call the endpoint, "*" for all; none by default
	ModelDefaults bool          // sampling defaults are the model's generation_config, not the neutral ones
	Timeout       time.Duration // of a request; 0: 10 minutes
	MaxRequests   int           // at once; 0: 1024
	Grace         time.Duration // for running requests when the router is told to end; 0: 5 s
	Version       string
	Registry      *prometheus.Registry
	Logger        *slog.Logger
}

// Run serves until ctx ends or a listener fails. It closes both listeners; the bus stays open.
func Run(ctx context.Context, o Options) error {
	if err := o.fill(); err != nil {
		return err
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
	case o.Bus == nil || o.Listener == nil || o.DataDir == "" || o.Subjects.Cluster == "":
		return errors.New("router: Bus, Subjects, Listener and DataDir are required")
	case o.AdminListener != nil && !loopback(o.AdminListener):
		return fmt.Errorf("router: the admin listener %s is not on loopback", o.AdminListener.Addr())
	}
	o.Name = cmp.Or(o.Name, "router")
	o.Grace = cmp.Or(o.Grace, 5*time.Second)
	if o.Registry == nil {
		o.Registry = prometheus.NewRegistry()
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return nil
}

// serve runs the parts and ends them in order: first the listeners, then requests, then the client of the coordinator.
func serve(ctx context.Context, o Options, book *account.Book) error {
	client := generate.New(generate.Options{
		Bus: o.Bus, Subjects: o.Subjects, Router: o.Name, Boot: newBoot(), Logger: o.Logger,
	})
	w := &watch{Options: o}
	handler := api.New(api.Options{
		Ledger: book, Journal: book, Keys: book, Account: book, Generator: client, Model: w.Model, Ready: w.Ready,
		Router: o.Name, Open: o.Open || loopback(o.Listener), Origins: o.Origins, ModelDefaults: o.ModelDefaults, Prices: o.Prices, Timeout: o.Timeout,
		MaxRequests: o.MaxRequests, Version: o.Version, Registry: o.Registry, Logger: o.Logger,
	})
	servers := []*server{newServer(o, o.Listener, handler)}
	if o.AdminListener != nil {
		h, err := admin.NewHandler(book, o.DataDir, o.AdminListener.Addr().String())
		if err != nil {
			return fmt.Errorf("router: %w", err)
		}
		servers = append(servers, newServer(o, o.AdminListener, h))
	}

	// What handlers need outlives them: inner ends only when they have.
	inner, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var parts sync.WaitGroup
	failed := make(chan error, len(servers)+1)
	parts.Go(func() {
		if err := client.Run(inner); err != nil {
			failed <- err
		}
	})
	parts.Go(func() { w.run(inner) })
	for _, s := range servers {
		parts.Go(func() {
			if err := s.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
				failed <- fmt.Errorf("router: %s: %w", s.listener.Addr(), err)
			}
		})
	}
	o.Logger.Info("router listens", "address", o.Listener.Addr().String(), "keys", book.HasKeys())

	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	for _, s := range servers {
		s.end(o.Grace)
	}
	cancel()
	parts.Wait()
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
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          slog.NewLogLogger(o.Logger.Handler(), slog.LevelDebug),
	}}
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
