package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stagecoach-llm/stagecoach/ops/local"
	"github.com/stagecoach-llm/stagecoach/shard/memory"
	"github.com/stagecoach-llm/stagecoach/transport/bus"
	"github.com/stagecoach-llm/stagecoach/transport/gossip"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

type upCmd struct {
	Shards    int    `default:"3" help:"How many shard processes."`
	HTTP      string `default:"127.0.0.1:8080" help:"Where the OpenAI endpoint listens."`
	Data      string `env:"STAGECOACH_DATA" help:"Folder of the cluster's state (default: the user's data directory)."`
	Cluster   string `default:"stagecoach" help:"Name of the cluster."`
	Bind      string `default:"127.0.0.1" help:"Host that NATS and gossip listen on; 0.0.0.0 lets other machines join."`
	Advertise string `help:"Address by which other machines reach this one; needed with --bind 0.0.0.0."`
	modelFlags
	computeFlags
	routerFlags
	KV         string `enum:"f16,f32" default:"f16" help:"Element type of the KV cache."`
	ServedName string `help:"The model's id at the endpoint (default: the file's name)."`
	Log        string `enum:"debug,info,warn,error" default:"info" help:"Level of the log file."`
	Pyroscope  string `help:"Send profiles of every role to this Pyroscope server."`
	Verbose    bool   `short:"v" help:"Show the log of every role here instead of in DATA/log."`

	layers int         // of the model
	ending atomic.Bool // it was told to end
}

func (c *upCmd) Run(ctx context.Context) error {
	if err := c.check(); err != nil {
		return err
	}
	folder, err := local.Hold(ctx, c.Data)
	if err != nil {
		return err
	}
	defer folder.Release()
	if err := c.checkEndpoint(); err != nil {
		return err
	}
	fmt.Printf("stagecoach %s: %s, %d layers, over %d shards\n", buildVersion(), c.ServedName, c.layers, c.Shards)
	logs, err := c.logs(folder)
	if err != nil {
		return err
	}
	defer logs.Close()
	sup, err := local.New(folder, c.options(logs))
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { c.ending.Store(true) })
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var attending sync.WaitGroup
	err = sup.Run(ctx, func(cl local.Cluster) {
		attending.Go(func() {
			if err := c.attend(ctx, sup, cl); err != nil && ctx.Err() == nil {
				stop(err)
			}
		})
	})
	stop(nil)
	attending.Wait()
	if cause := context.Cause(ctx); err == nil && !errors.Is(cause, context.Canceled) {
		err = cause
	}
	return err
}

// check finds mistakes before anything is started.
func (c *upCmd) check() error {
	if c.Shards < 1 {
		return fmt.Errorf("--shards %d: at least 1", c.Shards)
	}
	if err := wire.CheckName("cluster", c.Cluster); err != nil {
		return fmt.Errorf("--cluster: %w", err)
	}
	if c.Data == "" {
		dir, err := local.DataDir()
		if err != nil {
			return err
		}
		c.Data = dir
	}
	ip := net.ParseIP(c.Bind)
	if ip == nil {
		return fmt.Errorf("--bind %q is not an IP address", c.Bind)
	}
	if ip.IsUnspecified() && c.Advertise == "" {
		return errors.New("--bind " + c.Bind + " needs --advertise: the address by which other machines reach this one")
	}
	if c.Advertise == "" {
		c.Advertise = c.Bind
	}
	if _, err := net.ResolveTCPAddr("tcp", c.HTTP); err != nil {
		return fmt.Errorf("--http %q is not host:port: %w; give another --http", c.HTTP, err)
	}
	if _, err := c.prices(); err != nil {
		return err
	}
	if err := c.checkTLS(); err != nil {
		return err
	}
	m, err := c.modelFlags.check()
	if err != nil {
		return err
	}
	layers := m.Card().Config.Layers
	if err := m.Close(); err != nil {
		return err
	}
	if c.Shards > layers {
		return fmt.Errorf("--shards %d: the model has %d layers, so at most %d shards can have some", c.Shards, layers, layers)
	}
	if c.ServedName == "" {
		c.ServedName = c.name()
	}
	c.layers = layers
	return nil
}

// checkEndpoint tells an address that is taken before anything is started. It comes after the folder is held: until then
// a former router may still be there.
func (c *upCmd) checkEndpoint() error {
	l, err := net.Listen("tcp", c.HTTP)
	if err != nil {
		return fmt.Errorf("the endpoint cannot listen on %s: %w; give another --http", c.HTTP, err)
	}
	return l.Close()
}

func (c *upCmd) logs(f *local.Folder) (io.WriteCloser, error) {
	if c.Verbose {
		return nopCloser{os.Stderr}, nil
	}
	return f.OpenLog()
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

func (c *upCmd) options(logs io.Writer) local.Options {
	common := []string{"--log", c.Log}
	if c.Pyroscope != "" {
		common = append(common, "--pyroscope", c.Pyroscope)
	}
	compute := c.shared(c.Shards)
	return local.Options{
		Cluster: c.Cluster, Shards: c.Shards, HTTP: c.HTTP, Bind: c.Bind, Advertise: c.Advertise,
		Common:      common,
		Model:       c.modelFlags.args(),
		Coordinator: []string{"--served-name", c.ServedName, "--kv", c.KV},
		Shard:       compute.args(),
		Router:      c.routerFlags.args(),
		Logs:        logs,
		Say:         c.say,
		Logger:      slog.New(slog.NewTextHandler(logs, nil)).With("role", "up"),
	}
}

// say shows progress. That shards are lost while all roles are being ended is none.
func (c *upCmd) say(text string) {
	if !c.ending.Load() {
		fmt.Println("  " + shownText(text))
	}
}

// attend says when the cluster is ready and serves `stagecoach scale` until ctx ends.
func (c *upCmd) attend(ctx context.Context, sup *local.Supervisor, cl local.Cluster) error {
	t := target{Data: c.Data}
	a, err := t.dial(ctx)
	if err != nil {
		return err
	}
	defer a.close()
	orders := make(chan bus.Msg, 8)
	sub, err := a.conn.Subscribe(localScale(c.Cluster), func(m bus.Msg) {
		select {
		case orders <- m:
		default: // nobody scales eight times at once
		}
	})
	if err != nil {
		return err
	}
	defer sub.Unsubscribe()
	ready := c.waitReady(ctx, cl)
	patience := time.NewTicker(10 * time.Second)
	defer patience.Stop()
	var last scaleOrder
	defer func() { last.end() }()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ready:
			ready = nil
			patience.Stop()
			c.sayReady(cl)
		case <-patience.C:
			c.say(a.awaited(ctx, filepath.Join(c.Data, "log")))
		case m := <-orders:
			last.end()
			last = a.obey(ctx, m, sup)
		}
	}
}

// awaited says what the cluster waits for, and where to read more.
func (a *adminConn) awaited(ctx context.Context, log string) string {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	var s wire.Status
	if err := a.ask(ctx, wire.VerbStatus, nil, &s); err != nil {
		return fmt.Sprintf("not ready yet: %v; see %s", err, log)
	}
	if s.Ready {
		return "not ready yet: the router has not heard of the plan; see " + log
	}
	return fmt.Sprintf("not ready yet: %s; %s; see %s", s.State, cmp.Or(s.Reason, "stages are loading"), log)
}

// waitReady is closed when the endpoint has said once that it is ready.
func (c *upCmd) waitReady(ctx context.Context, cl local.Cluster) chan struct{} {
	ready := make(chan struct{})
	go func() {
		health := healthCmd{URL: cl.HTTP + "/ready", Timeout: time.Second, client: clientOf(cl.TLSCert)}
		for health.Run(ctx) != nil {
			select {
			case <-ctx.Done():
				return
			case <-time.After(30 * time.Millisecond):
			}
		}
		close(ready)
	}()
	return ready
}

func (c *upCmd) sayReady(cl local.Cluster) {
	fmt.Printf("ready: %s/v1 serves %s; logs in %s\n\n", cl.HTTP, c.ServedName, filepath.Join(c.Data, "log"))
	fmt.Printf("  %s/v1/chat/completions -d '{\"model\":%q,\"messages\":[{\"role\":\"user\",\"content\":\"Hello!\"}]}'\n\n", curl(cl), c.ServedName)
	if ip := net.ParseIP(c.Bind); !ip.IsLoopback() {
		fmt.Printf("  another machine joins with the token that `stagecoach token` prints\n\n")
	}
}

type joinCmd struct {
	Token string `arg:"" optional:"" env:"STAGECOACH_TOKEN" help:"What 'stagecoach token' printed on the first machine."`
	Node  string `help:"Name of this shard (default: the host's name)."`
	Bind  string `help:"Host that gossip listens on (default: the address by which the cluster is reached)."`
	modelFlags
	computeFlags
	processFlags
}

func (c *joinCmd) Run(ctx context.Context) error {
	if c.Token == "" {
		return errors.New("no token: run `stagecoach token` on a machine of the cluster, and give what it prints as argument or in STAGECOACH_TOKEN")
	}
	t, err := gossip.ParseToken(c.Token)
	if err != nil {
		return err
	}
	c.Supervised = false
	s := shardCmd{Node: c.Node, modelFlags: c.modelFlags, computeFlags: c.computeFlags, processFlags: c.processFlags}
	s.Seeds = t.Seeds
	if c.Bind != "" {
		s.Gossip = net.JoinHostPort(c.Bind, "0")
	}
	return s.run(ctx, membership{cluster: t.Cluster, secret: t.Secret})
}

type tokenCmd struct {
	target
}

func (c *tokenCmd) Run() error {
	t, err := c.target.token()
	if err != nil {
		return err
	}
	fmt.Println(t)
	return nil
}

// shared divides what a machine has between n shards on it, so that they do not measure it all at once and do not
// promise it n times.
func (c computeFlags) shared(n int) computeFlags {
	if c.Memory == 0 {
		c.Memory = memory.Available() / int64(n)
	}
	if c.Speeds == "" {
		if s, err := measureSpeeds(c.threads()); err == nil {
			c.Speeds = s.String()
		}
	}
	return c
}

func (c *computeFlags) args() []string {
	args := []string{"--threads", strconv.Itoa(c.Threads), "--memory", strconv.FormatInt(c.Memory, 10), "--repack", c.Repack}
	if c.Speeds != "" {
		args = append(args, "--speeds", c.Speeds)
	}
	return args
}
