package stage

import (
	"context"
	"encoding/json"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// control obeys one message of a coordinator. Every order is idempotent: the coordinator repeats what is not
// answered.
func (n *Node) control(ctx context.Context, data []byte) {
	var m wire.ControlMessage
	if err := json.Unmarshal(data, &m); err != nil {
		n.log.Warn("control message not understood", "err", err)
		return
	}
	switch {
	case m.Announce != nil:
		n.sayHello()
	case m.Promise != nil:
		n.promise(m.Promise.Term)
	case m.Prepare != nil:
		if n.obeys(m.Prepare.Epoch) {
			n.prepare(ctx, m.Prepare)
		}
	case m.Commit != nil:
		if n.obeys(m.Commit.Epoch) {
			n.commit(m.Commit.Epoch)
		}
	case m.Resend != nil:
		if n.obeys(m.Resend.Epoch) {
			n.resend(m.Resend)
		}
	case m.Release != nil:
		if n.obeys(m.Release.Epoch) {
			n.release(m.Release.Epoch)
		}
	}
}

// promise never goes back, and never so far that no coordinator could follow. The answer carries the highest term, so that an old
// coordinator learns of a newer one.
func (n *Node) promise(term uint64) {
	if term <= wire.MaxTerm {
		n.promised = max(n.promised, term)
	}
	n.beat.promised.Store(n.promised)
	n.send(wire.NodeMessage{Promised: &wire.Promised{Node: n.cfg.Hello.Node, Boot: n.cfg.Hello.Boot, Term: n.promised}})
}

// obeys tells whether an epoch's term is at least the promised one; if not, its sender is told.
func (n *Node) obeys(epoch uint64) bool {
	if epoch>>32 >= n.promised && n.promised > 0 {
		return true
	}
	n.log.Warn("order refused: its term is not the promised one", "epoch", epoch, "promised", n.promised)
	n.promise(n.promised)
	return false
}

func (n *Node) prepare(ctx context.Context, p *wire.Prepare) {
	for _, r := range []*run{n.active, n.prepared} {
		if r != nil && r.plan.Epoch == p.Epoch {
			n.sayPrepared(p.Epoch, nil)
			return
		}
	}
	if n.loading != nil && n.loading.epoch >= p.Epoch {
		return
	}
	if p.Index < 0 || p.Index >= len(p.Stages) || p.Stages[p.Index].Node != n.cfg.Hello.Node || p.Stages[p.Index].Boot != n.cfg.Hello.Boot {
		n.log.Warn("plan refused: it names another shard in this one's place", "epoch", p.Epoch)
		return
	}
	n.stopLoading()
	n.drop(&n.prepared)
	n.load(ctx, p)
}

// load starts the loader. It ends when it has sent its result, which stopLoading and the runner's loop await.
func (n *Node) load(ctx context.Context, p *wire.Prepare) {
	ctx, cancel := context.WithCancel(ctx)
	n.loading = &loading{epoch: p.Epoch, cancel: cancel}
	var prev Engine
	if n.active != nil {
		prev = n.active.engine
	}
	st := p.Stages[p.Index]
	n.log.Info("loading layers", "epoch", p.Epoch, "first", st.First, "last", st.Last-1)
	go func() {
		e, err := n.cfg.Loader.Load(ctx, p, prev, n.beat.progress)
		n.done <- loadedEngine{p, e, err}
	}()
}

// stopLoading ends a load whose plan is no longer wanted. The runner can wait for it: a loader ends within a few
// megabytes of reading.
func (n *Node) stopLoading() {
	if n.loading == nil {
		return
	}
	n.loading.cancel()
	if l := <-n.done; l.engine != nil {
		l.engine.Close()
	}
	n.loading = nil
	n.beat.progress(0, 0)
}

func (n *Node) loaded(l loadedEngine) {
	n.loading.cancel()
	n.loading = nil
	n.beat.progress(0, 0)
	if l.err == nil {
		n.prepared = n.newRun(l.plan, l.engine)
	} else {
		n.log.Error("layers not loaded", "epoch", l.plan.Epoch, "err", l.err)
	}
	n.sayPrepared(l.plan.Epoch, l.err)
}

func (n *Node) newRun(p *wire.Prepare, e Engine) *run {
	r := &run{plan: p, engine: e, lane: NewLane(p.Epoch, p.Lane), last: p.Index == len(p.Stages)-1}
	if r.last {
		r.output = n.cfg.Subjects.Sampled()
	} else {
		next := p.Stages[p.Index+1]
		r.output = n.cfg.Subjects.Input(next.Node, next.Boot)
	}
	return r
}

func (n *Node) sayPrepared(epoch uint64, err error) {
	m := wire.Prepared{Node: n.cfg.Hello.Node, Boot: n.cfg.Hello.Boot, Epoch: epoch}
	if err != nil {
		m.Error = err.Error()
	}
	n.send(wire.NodeMessage{Prepared: &m})
}

func (n *Node) commit(epoch uint64) {
	if n.prepared != nil && n.prepared.plan.Epoch == epoch {
		n.drop(&n.active)
		n.active, n.prepared = n.prepared, nil
		n.beat.enter(epoch, n.active.plan.Lane)
		n.log.Info("epoch committed", "epoch", epoch)
	}
	if n.active != nil && n.active.plan.Epoch == epoch {
		n.send(wire.NodeMessage{Committed: &wire.Committed{Node: n.cfg.Hello.Node, Boot: n.cfg.Hello.Boot, Epoch: epoch}})
	}
}

func (n *Node) release(epoch uint64) {
	if n.loading != nil && n.loading.epoch <= epoch {
		n.stopLoading()
	}
	if n.prepared != nil && n.prepared.plan.Epoch <= epoch {
		n.drop(&n.prepared)
	}
	// A load under way may share the active engine's weights; the plan that it is for will replace it.
	if n.active != nil && n.active.plan.Epoch <= epoch && n.loading == nil {
		n.drop(&n.active)
		n.beat.enter(0, 0)
		n.log.Info("released", "epoch", epoch)
	}
}

func (n *Node) drop(r **run) {
	if *r != nil {
		(*r).engine.Close()
		*r = nil
	}
}

// resend publishes retained outputs again: the stage after this one, or the coordinator, misses them.
func (n *Node) resend(m *wire.Resend) {
	r := n.active
	if r == nil || r.plan.Epoch != m.Epoch || r.plan.Lane != m.Lane {
		return
	}
	r.lane.Retained(m.From, func(step uint64, out []byte) {
		n.publish(r, step, out)
	})
}
