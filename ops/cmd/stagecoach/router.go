package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/stagecoach-llm/stagecoach/ops/local"
	"github.com/stagecoach-llm/stagecoach/router"
	"github.com/stagecoach-llm/stagecoach/router/account"
	"github.com/stagecoach-llm/stagecoach/transport/bus"
	"github.com/stagecoach-llm/stagecoach/transport/gossip"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// routerFlags are the operator's choices of limits and prices.
type routerFlags struct {
	RPM              int           `default:"0" help:"Requests a minute of a key that has no limit of its own (0: no limit)."`
	TPM              int           `default:"0" help:"Tokens a minute of such a key."`
	Concurrency      int           `default:"0" help:"Requests at once of such a key."`
	PricePrompt      string        `default:"0" help:"Dollars per million prompt tokens."`
	PriceCompletion  string        `default:"0" help:"Dollars per million output tokens."`
	RequestTimeout   time.Duration `default:"10m" help:"Longest time that a request may take."`
	CORSOrigin       []string      `name:"cors-origin" placeholder:"ORIGIN" help:"Origins of web pages that may call the endpoint, such as https://app.example.com, or * for all (none by default)."`
	TLSCert          string        `name:"tls-cert" type:"path" help:"Certificate of the endpoint, with its chain, as a PEM file; read again when it changes."`
	TLSKey           string        `name:"tls-key" type:"path" help:"Its private key, as a PEM file."`
	SamplingDefaults string        `enum:"neutral,model" default:"neutral" help:"Where sampling parameters come from that a request leaves out: neutral values, or the model's generation_config."`
}

func (f *routerFlags) args() []string {
	args := []string{
		"--rpm", strconv.Itoa(f.RPM), "--tpm", strconv.Itoa(f.TPM), "--concurrency", strconv.Itoa(f.Concurrency),
		"--price-prompt", f.PricePrompt, "--price-completion", f.PriceCompletion,
		"--request-timeout", f.RequestTimeout.String(), "--sampling-defaults", f.SamplingDefaults,
	}
	if f.TLSCert != "" {
		args = append(args, "--tls-cert", f.TLSCert, "--tls-key", f.TLSKey)
	}
	for _, origin := range f.CORSOrigin {
		args = append(args, "--cors-origin", origin)
	}
	return args
}

func (f *routerFlags) prices() (p account.Prices, err error) {
	if p.Prompt, err = account.ParsePrice(f.PricePrompt); err != nil {
		return p, fmt.Errorf("--price-prompt: %w", err)
	}
	if p.Completion, err = account.ParsePrice(f.PriceCompletion); err != nil {
		return p, fmt.Errorf("--price-completion: %w", err)
	}
	return p, nil
}

type routerCmd struct {
	processFlags
	memberFlags
	routerFlags
	Node       string `env:"STAGECOACH_NODE" default:"router" help:"Name of this router."`
	HTTP       string `default:"127.0.0.1:8080" env:"STAGECOACH_HTTP" help:"Where the endpoint listens."`
	Admin      string `default:"127.0.0.1:0" env:"STAGECOACH_ROUTER_ADMIN" help:"Loopback address of the admin API: keys and usage."`
	Data       string `env:"STAGECOACH_DATA" default:"." help:"Folder of keys and usage."`
	ServedName string `env:"STAGECOACH_SERVED_NAME" help:"The model's id (default: what the coordinator calls it)."`
	Ledger     string `enum:"own,remote" default:"own" env:"STAGECOACH_LEDGER" help:"Whose keys, limits and usage: its own, which it serves to the cluster's other routers, or (remote) those of the router that owns them."`
	Open       bool   `env:"STAGECOACH_OPEN" help:"Serve without keys beyond loopback too, as long as none was made."`
}

func (c *routerCmd) Run(ctx context.Context) error {
	m, err := c.membership()
	if err != nil {
		return err
	}
	prices, err := c.prices()
	if err != nil {
		return err
	}
	limits := account.Limits{RPM: c.RPM, TPM: c.TPM, Concurrency: c.Concurrency}
	remote := c.Ledger == "remote"
	if remote && limits != (account.Limits{}) {
		return errors.New("--ledger remote: --rpm, --tpm and --concurrency are the owner's: give them there")
	}
	listener, err := net.Listen("tcp", c.HTTP)
	if err != nil {
		return fmt.Errorf("the endpoint cannot listen on %s: %w", c.HTTP, err)
	}
	defer listener.Close()
	report := local.Report{Ready: true, HTTP: listener.Addr().String(), TLSCert: c.TLSCert}
	var adminListener net.Listener
	if !remote {
		if adminListener, err = net.Listen("tcp", c.Admin); err != nil {
			return fmt.Errorf("the admin API cannot listen on %s: %w", c.Admin, err)
		}
		defer adminListener.Close()
		report.RouterAdmin = "http://" + adminListener.Addr().String()
	}
	ctx, p, err := c.begin(ctx, "router", c.Node, nil)
	if err != nil {
		return err
	}
	defer p.end()
	g, leave, err := p.join(ctx, m, &c.memberFlags, gossip.Meta{Role: gossip.RoleRouter, HTTP: listener.Addr().String()}, nil)
	if err != nil {
		return err
	}
	defer leave()
	url, err := p.natsURL(ctx, &c.memberFlags, g)
	if err != nil {
		return err
	}
	conn, err := m.connect(ctx, url, c.Node, bus.Events{}, p.log)
	if err != nil {
		return err
	}
	defer conn.Close()
	p.parent.Report(report)
	return router.Run(ctx, router.Options{
		Bus: conn, Subjects: wire.Subjects{Cluster: m.cluster}, Name: c.Node, Listener: listener, AdminListener: adminListener, Open: c.Open,
		DataDir: c.Data, RemoteLedger: remote, TLSCert: c.TLSCert, TLSKey: c.TLSKey, ServedName: c.ServedName, Limits: limits,
		Prices: prices, Origins: c.CORSOrigin, ModelDefaults: c.SamplingDefaults == "model", Timeout: c.RequestTimeout,
		Version: buildVersion(), Registry: p.telemetry.Registry(), Logger: p.log,
	})
}
