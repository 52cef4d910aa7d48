package main

import (
	"context"
	"time"

	"github.com/stagecoach-llm/stagecoach/ops/local"
	"github.com/stagecoach-llm/stagecoach/transport/bus"
)

type natsCmd struct {
	processFlags
	Cluster    string `default:"stagecoach" env:"STAGECOACH_CLUSTER" help:"Name of the cluster."`
	SecretFile string `env:"STAGECOACH_SECRET_FILE" help:"File with the cluster's secret."`
	Listen     string `default:"127.0.0.1:4222" help:"Where it listens."`
}

func (c *natsCmd) Run(ctx context.Context) error {
	m, err := (&memberFlags{Cluster: c.Cluster, SecretFile: c.SecretFile}).membership()
	if err != nil {
		return err
	}
	ctx, p, err := c.begin(ctx, "nats", "nats", nil)
	if err != nil {
		return err
	}
	defer p.end()
	auth, err := bus.Credentials(m.secret, m.cluster)
	if err != nil {
		return err
	}
	s, err := bus.StartServer(ctx, bus.ServerOptions{Addr: c.Listen, Auth: auth, Name: m.cluster, Logger: p.log})
	if err != nil {
		return err
	}
	p.log.Info("listening", "url", s.URL())
	p.parent.Report(local.Report{Ready: true, NATS: s.URL()})
	<-ctx.Done()
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	return s.Shutdown(end)
}
