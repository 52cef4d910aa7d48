package main

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/stagecoach-llm/stagecoach/coordinator/lead"
	"github.com/stagecoach-llm/stagecoach/ops/local"
	"github.com/stagecoach-llm/stagecoach/shard/kernels"
	"github.com/stagecoach-llm/stagecoach/transport/bus"
	"github.com/stagecoach-llm/stagecoach/transport/gossip"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

type coordinatorCmd struct {
	processFlags
	memberFlags
	modelFlags
	ServedName string `env:"STAGECOACH_SERVED_NAME" help:"The model's id at the endpoint (default: the file's name)."`
	Data       string `env:"STAGECOACH_DATA" help:"Folder of the coordinator's state." default:"."`
	Want       int    `help:"Shards that the first plan waits for." default:"0"`
	KV         string `enum:"f16,f32" default:"f16" env:"STAGECOACH_KV" help:"Element type of the KV cache."`
	KVTokens   int    `default:"0" env:"STAGECOACH_KV_TOKENS" help:"KV positions to plan for when memory allows (0: 65536)."`
}

func (c *coordinatorCmd) Run(ctx context.Context) error {
	m, err := c.membership()
	if err != nil {
		return err
	}
	ck, err := c.check()
	if err != nil {
		return err
	}
	defer ck.Close()
	ctx, p, err := c.begin(ctx, "coordinator", "coordinator", nil)
	if err != nil {
		return err
	}
	defer p.end()
	if c.NATS == "" {
		return fmt.Errorf("--nats is needed: the coordinator tells the others where the bus is")
	}
	if c.ServedName == "" {
		c.ServedName = c.name()
	}
	var l atomic.Pointer[lead.Lead]
	conn, err := m.connect(ctx, c.NATS, "coordinator", bus.Events{
		Disconnected: func(error) { tell(&l, (*lead.Lead).BusLost) },
		Reconnected:  func() { tell(&l, (*lead.Lead).BusBack) },
	}, p.log)
	if err != nil {
		return err
	}
	defer conn.Close()
	coordinator, err := lead.New(lead.Options{
		Bus: conn, Subjects: wire.Subjects{Cluster: m.cluster}, Card: ck.Card(), ServedName: c.ServedName, Data: c.Data,
		Want: c.Want, KVType: c.KV, KVTokens: c.KVTokens, Arithmetic: kernels.ArithmeticVersion, Digest: kernels.Digest(),
		Say:    func(text string) { p.parent.Report(local.Report{Text: text}) },
		Logger: p.log, Registry: p.telemetry.Registry(),
	})
	if err != nil {
		return err
	}
	l.Store(coordinator)
	g, leave, err := p.join(ctx, m, &c.memberFlags, gossip.Meta{Role: gossip.RoleCoordinator, NATS: c.natsForOthers()}, func(ev gossip.Event) {
		if ev.Member.Role == gossip.RoleShard {
			coordinator.Gossip(ev.Member.Node, ev.Member.Boot, ev.Change == gossip.Joined || ev.Change == gossip.Updated)
		}
	})
	if err != nil {
		return err
	}
	defer leave()
	p.log.Info("coordinating", "model", c.ServedName, "id", ck.Card().ID, "gossip", g.Addr())
	p.parent.Report(local.Report{Ready: true, Seed: g.Addr()})
	return coordinator.Run(ctx)
}

// natsForOthers is the bus's URL as shards on other machines reach it: an unspecified or loopback host would only do
// here.
func (c *coordinatorCmd) natsForOthers() []string {
	u, err := url.Parse(c.NATS)
	if err != nil || c.Advertise == "" {
		return []string{c.NATS}
	}
	host := c.Advertise
	if h, _, err := net.SplitHostPort(host); err == nil { // gossip's port
		host = h
	}
	u.Host = net.JoinHostPort(strings.Trim(host, "[]"), cmp.Or(u.Port(), "4222"))
	return []string{u.String()}
}

// tell passes an event of the bus on, if there is somebody to hear it yet.
func tell(l *atomic.Pointer[lead.Lead], event func(*lead.Lead)) {
	if l := l.Load(); l != nil {
		event(l)
	}
}
