package main

import (
	"context"
	"runtime"
	"sync/atomic"

	"github.com/stagecoach-llm/stagecoach/ops/local"
	"github.com/stagecoach-llm/stagecoach/shard/kernels"
	"github.com/stagecoach-llm/stagecoach/shard/qwen2"
	"github.com/stagecoach-llm/stagecoach/shard/stage"
	"github.com/stagecoach-llm/stagecoach/transport/bus"
	"github.com/stagecoach-llm/stagecoach/transport/gossip"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

type shardCmd struct {
	processFlags
	memberFlags
	modelFlags
	computeFlags
	Node string `env:"STAGECOACH_NODE" help:"Name of this shard (default: the host's name)."`
}

func (c *shardCmd) Run(ctx context.Context) error {
	m, err := c.membership()
	if err != nil {
		return err
	}
	return c.run(ctx, m)
}

func (c *shardCmd) run(ctx context.Context, m membership) error {
	ck, err := c.open()
	if err != nil {
		return err
	}
	defer ck.Close()
	if c.Node == "" {
		c.Node = hostName()
	}
	ctx, p, err := c.begin(ctx, "shard", c.Node, nil)
	if err != nil {
		return err
	}
	defer p.end()
	c.Memory = c.memory() // once: what is promised is what is kept
	// One processor more than compute threads, or the network waits for the mathematics.
	runtime.GOMAXPROCS(c.threads() + 1)
	g, leave, err := p.join(ctx, m, &c.memberFlags, gossip.Meta{Role: gossip.RoleShard}, nil)
	if err != nil {
		return err
	}
	defer leave()
	repack, err := qwen2.ParseRepack(c.Repack)
	if err != nil {
		return err
	}
	hello, err := c.hello(p, ck.Card().ID)
	if err != nil {
		return err
	}
	url, err := p.natsURL(ctx, &c.memberFlags, g)
	if err != nil {
		return err
	}
	var node atomic.Pointer[stage.Node]
	conn, err := m.connect(ctx, url, c.Node, bus.Events{Reconnected: func() {
		if n := node.Load(); n != nil {
			n.Reconnected()
		}
	}}, p.log)
	if err != nil {
		return err
	}
	defer conn.Close()
	n := stage.NewNode(stage.Config{
		Hello: hello, Subjects: wire.Subjects{Cluster: m.cluster}, Bus: conn, Hidden: ck.Card().Config.Hidden,
		Loader:  &stage.Checkpoints{File: ck, Threads: c.threads(), Repack: repack, Memory: c.Memory},
		Logger:  p.log,
		Metrics: stage.NewMetrics(p.telemetry.Registry()),
	})
	n.Watch(p.telemetry.Registry())
	node.Store(n)
	p.log.Info("in the cluster", "boot", p.boot, "kernels", hello.Kernels, "threads", hello.Threads, "nats", url, "gossip", g.Addr())
	p.parent.Report(local.Report{Ready: true})
	return n.Run(ctx)
}

func (c *shardCmd) hello(p *process, model string) (wire.Hello, error) {
	s, err := c.speeds()
	return wire.Hello{
		Node: p.node, Boot: p.boot, Wire: wire.Version, Arithmetic: kernels.ArithmeticVersion, Digest: kernels.Digest(),
		Model: model, MemoryBytes: c.memory(), Repack: c.Repack, BytesPerSec: s.Bytes, OpsPerSec: s.Ops,
		Kernels: kernels.Path(), Threads: c.threads(), Host: hostName(), Version: buildVersion(),
	}, err
}
