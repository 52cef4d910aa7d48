package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/stagecoach-llm/stagecoach/ops/local"
	"github.com/stagecoach-llm/stagecoach/transport/bus"
	"github.com/stagecoach-llm/stagecoach/transport/telemetry"
)

// processFlags are common to every role.
type processFlags struct {
	Supervised  bool   `hidden:"" help:"The supervisor's pipes are inherited."`
	Log         string `enum:"debug,info,warn,error" default:"info" env:"STAGECOACH_LOG" help:"Log level."`
	LogJSON     bool   `env:"STAGECOACH_LOG_JSON" help:"Log JSON lines instead of text."`
	ListenAdmin string `default:"127.0.0.1:0" env:"STAGECOACH_LISTEN_ADMIN" help:"Loopback address of /metrics, /health and pprof."`
	Pyroscope   string `env:"STAGECOACH_PYROSCOPE" help:"Send profiles to this Pyroscope server."`
}

// memberFlags say which cluster a role belongs to and where it finds it.
type memberFlags struct {
	Cluster    string   `default:"stagecoach" env:"STAGECOACH_CLUSTER" help:"Name of the cluster."`
	SecretFile string   `env:"STAGECOACH_SECRET_FILE" help:"File with the cluster's secret."`
	NATS       string   `env:"STAGECOACH_NATS" help:"NATS URL (default: what the coordinator's gossip says)."`
	Seeds      []string `env:"STAGECOACH_SEEDS" help:"Gossip addresses (host:port) of members that are there already."`
	Gossip     string   `env:"STAGECOACH_GOSSIP" help:"Where gossip listens, host:port (default: any port of the address by which the seeds are reached)."`
	Advertise  string   `env:"STAGECOACH_ADVERTISE" help:"Host by which other members reach this one."`
}

// membership is what makes a process one of a cluster.
type membership struct {
	cluster string
	secret  []byte
}

func (f *memberFlags) membership() (membership, error) {
	if f.SecretFile == "" {
		return membership{}, fmt.Errorf("--secret-file is needed: the cluster's secret (`stagecoach init` makes one)")
	}
	secret, err := local.ReadSecret(f.SecretFile)
	return membership{f.Cluster, secret}, err
}

// process is one running role: its log, metrics and the pipes to its supervisor.
type process struct {
	role, node, boot string
	log              *slog.Logger
	parent           *local.Parent
	telemetry        *telemetry.Telemetry
}

// begin starts what every role has. ready is asked by /ready of the admin port.
func (f *processFlags) begin(ctx context.Context, role, node string, ready func() error) (context.Context, *process, error) {
	ctx, parent := local.Inherited(ctx, f.Supervised)
	p := &process{role: role, node: node, boot: strings.ToLower(rand.Text()[:10]), parent: parent}
	var err error
	if p.log, err = telemetry.Logger(os.Stderr, telemetry.LogOptions{Role: role, Node: node, Level: f.Log, JSON: f.LogJSON}); err != nil {
		return ctx, nil, err
	}
	p.telemetry, err = telemetry.Start(ctx, telemetry.Options{
		Role: role, Node: node, Version: buildVersion(), Admin: f.ListenAdmin, Ready: ready, Pyroscope: f.Pyroscope, Logger: p.log,
	})
	if err != nil {
		return ctx, nil, err
	}
	p.log.Info("started", "version", buildVersion(), "boot", p.boot, "admin", p.telemetry.URL())
	return ctx, p, nil
}

// end closes what begin opened.
func (p *process) end() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := p.telemetry.Close(ctx); err != nil {
		p.log.Debug("telemetry not closed", "err", err)
	}
}

// hostName is the host's name as one word that subjects and gossip names can carry.
func hostName() string {
	h, err := os.Hostname()
	if err != nil || h == "" {
		return "node"
	}
	h, _, _ = strings.Cut(h, ".")
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, h)
}

// connect joins the message bus at url.
func (m membership) connect(ctx context.Context, url, name string, ev bus.Events, log *slog.Logger) (bus.Conn, error) {
	auth, err := bus.Credentials(m.secret, m.cluster)
	if err != nil {
		return nil, err
	}
	return bus.Connect(ctx, bus.Options{URL: url, Name: name, Auth: auth, Events: ev, Logger: log})
}
