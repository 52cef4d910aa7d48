package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/stagecoach-llm/stagecoach/transport/gossip"
)

// join starts gossip for a process. Events go to heard until leave is called; heard may be nil.
func (p *process) join(ctx context.Context, m membership, f *memberFlags, meta gossip.Meta, heard func(gossip.Event)) (g *gossip.Gossip, leave func(), err error) {
	bind, err := f.gossipBind()
	if err != nil {
		return nil, nil, err
	}
	o := gossip.Options{Node: p.node, Boot: p.boot, Cluster: m.cluster, Secret: m.secret, Meta: meta,
		Bind: bind, Advertise: f.Advertise, Seeds: f.Seeds, Logger: p.log}
	done := make(chan struct{})
	stop := make(chan struct{})
	close(done)
	if heard != nil {
		events := make(chan gossip.Event, 64)
		o.Events, done = events, make(chan struct{})
		go func() {
			defer close(done)
			for {
				select {
				case ev := <-events:
					heard(ev)
				case <-stop:
					return
				}
			}
		}()
	}
	g, err = gossip.Start(o)
	if err != nil {
		close(stop)
		return nil, nil, err
	}
	return g, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if err := g.Leave(ctx); err != nil {
			p.log.Debug("left without a word", "err", err)
		}
		close(stop)
		<-done
	}, nil
}

// gossipBind is where gossip listens: by default a free port of the address by which the first seed is reached, so
// that a process that joins over loopback stays on it.
func (f *memberFlags) gossipBind() (string, error) {
	if f.Gossip != "" || len(f.Seeds) == 0 {
		return f.Gossip, nil
	}
	host, err := gossip.AddrTowards(f.Seeds[0])
	if err != nil {
		return "", err
	}
	return net.JoinHostPort(host, "0"), nil
}

// natsURL is where the message bus is: as told, or as the coordinator's gossip says.
func (p *process) natsURL(ctx context.Context, f *memberFlags, g *gossip.Gossip) (string, error) {
	if f.NATS != "" {
		return f.NATS, nil
	}
	if len(f.Seeds) == 0 {
		return "", errors.New("neither --nats nor --seeds: no way to find the cluster")
	}
	tell := time.NewTicker(5 * time.Second)
	defer tell.Stop()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for {
		for _, m := range g.Members() {
			if m.Role == gossip.RoleCoordinator && len(m.NATS) > 0 {
				return m.NATS[0], nil
			}
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-look.C:
		case <-tell.C:
			why := g.Join(ctx)
			if errors.Is(why, gossip.ErrRefused) {
				return "", fmt.Errorf("%v: %w", f.Seeds, why)
			}
			p.log.Warn("no coordinator found yet", "seeds", f.Seeds, "err", why)
		}
	}
}
