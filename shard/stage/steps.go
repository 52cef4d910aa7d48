package stage

import (
	"time"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// receive judges a frame and executes it, and the held ones that follow it.
func (n *Node) receive(a arrival) {
	r := n.active
	if r == nil {
		return
	}
	if err := wire.ParseFrame(a.data, n.frame); err != nil {
		n.log.Warn("frame dropped", "err", err)
		n.cfg.Metrics.drop("invalid")
		return
	}
	if r.plan.Epoch>>32 < n.promised {
		// A newer coordinator has this shard's promise: the old one must not drive it any more.
		n.cfg.Metrics.drop("term")
		return
	}
	switch v := r.lane.Accept(n.frame); v {
	case Execute:
		for f := n.frame; f != nil; f = r.lane.Next() {
			n.execute(r, f, a.at)
		}
		n.beat.gap.Store(r.lane.Gap())
	case Early:
		n.frame = new(wire.Frame) // the lane keeps the other
		n.beat.gap.Store(r.lane.Gap())
		n.log.Debug("frame early", "epoch", r.plan.Epoch, "missing", r.lane.Gap())
	default:
		n.cfg.Metrics.drop(v.String())
	}
}

func (n *Node) execute(r *run, f *wire.Frame, arrived time.Time) {
	if !n.fits(r, f) {
		return
	}
	start := time.Now()
	queued := start.Sub(arrived)
	n.beat.in.Store(f.Step)
	x, items := r.engine.Step(f, n.beat.setLayer)
	took := time.Since(start)
	f.Timings = append(f.Timings, wire.Timing{QueueNS: int64(queued), ComputeNS: int64(took)})
	out, err := n.encode(r, f, x, items)
	if err != nil {
		// The step cannot be sent on; the coordinator sees it stuck and begins a new epoch.
		n.log.Error("step not encoded", "epoch", f.Epoch, "step", f.Step, "err", err)
		return
	}
	r.lane.Done(f.Step, f.Ack, out)
	n.publish(r, f.Step, out)
	n.beat.ran(f.Step, took, r.engine.KVUsed())
	n.cfg.Metrics.step(f, arrived.Sub(time.Unix(0, f.SentNS)), queued, took)
}

// fits checks what the codec cannot know: whether the rows are this stage's.
func (n *Node) fits(r *run, f *wire.Frame) bool {
	first := r.plan.Index == 0
	if first == (f.Rows == 0) && (first || f.Width == n.cfg.Hidden) {
		return true
	}
	if !first && f.Rows == 0 && noTokens(f) {
		return true
	}
	n.log.Error("frame dropped: its rows are not this stage's", "epoch", f.Epoch, "step", f.Step, "rows", f.Rows, "width", f.Width, "hidden", n.cfg.Hidden)
	return false
}

func noTokens(f *wire.Frame) bool {
	for i := range f.Entries {
		if len(f.Entries[i].Tokens) > 0 {
			return false
		}
	}
	return true
}

func (n *Node) encode(r *run, f *wire.Frame, x []float32, items []wire.SampledItem) ([]byte, error) {
	buf := r.lane.Buffer()
	if r.last {
		n.sampled = wire.Sampled{Epoch: f.Epoch, Lane: f.Lane, Step: f.Step, SentNS: time.Now().UnixNano(), Items: items, Timings: f.Timings}
		return wire.AppendSampled(buf, &n.sampled)
	}
	out := *f
	out.SentNS = time.Now().UnixNano()
	out.Rows, out.Width, out.DType = len(x)/n.cfg.Hidden, 0, wire.F32
	if out.Rows > 0 {
		out.Width = n.cfg.Hidden
	}
	n.body = wire.F32Body(n.body[:0], x)
	out.Body = n.body
	return wire.AppendFrame(buf, &out)
}

func (n *Node) publish(r *run, step uint64, out []byte) {
	if err := n.cfg.Bus.Publish(r.output, out); err != nil {
		// It is retained, and will be missed and asked for.
		n.log.Warn("output not sent", "epoch", r.plan.Epoch, "step", step, "err", err)
	}
}

func (v Verdict) String() string {
	return [...]string{"execute", "duplicate", "early", "stale", "overflow"}[v]
}
