package stage

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/stagecoach-llm/stagecoach/shard/memory"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// pulse is what the beat reads: written by runner and loader, read by the beat goroutine.
type pulse struct {
	promised atomic.Uint64
	epoch    atomic.Uint64
	lane     atomic.Uint32
	in, out  atomic.Uint64
	layer    atomic.Int64
	gap      atomic.Uint64
	done     atomic.Int64
	total    atomic.Int64
	busy     atomic.Int64
	kvUsed   atomic.Int64
}

func (p *pulse) enter(epoch uint64, lane uint8) {
	p.epoch.Store(epoch)
	p.lane.Store(uint32(lane))
	p.in.Store(0)
	p.out.Store(0)
	p.gap.Store(0)
	p.kvUsed.Store(0)
	p.layer.Store(-1)
}

func (p *pulse) progress(done, total int64) {
	p.done.Store(done)
	p.total.Store(total)
}

func (p *pulse) setLayer(l int) { p.layer.Store(int64(l)) }

// ran records a step that was executed and sent on.
func (p *pulse) ran(step uint64, took time.Duration, kvUsed int) {
	p.out.Store(step)
	p.busy.Add(int64(took))
	p.kvUsed.Store(int64(kvUsed))
	p.layer.Store(-1)
}

func (n *Node) beatLoop(ctx context.Context) {
	t := time.NewTicker(BeatEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			b := n.beatNow()
			n.send(wire.NodeMessage{Beat: &b})
		}
	}
}

func (n *Node) beatNow() wire.Beat {
	p := &n.beat
	return wire.Beat{
		Node: n.cfg.Hello.Node, Boot: n.cfg.Hello.Boot, Promised: p.promised.Load(),
		Epoch: p.epoch.Load(), Lane: uint8(p.lane.Load()),
		In: p.in.Load(), Out: p.out.Load(), Layer: int(p.layer.Load()), Gap: p.gap.Load(),
		Loaded: p.done.Load(), ToLoad: p.total.Load(), Resident: memory.Resident(),
		BusyNS: p.busy.Load(), KVUsed: int(p.kvUsed.Load()),
	}
}
