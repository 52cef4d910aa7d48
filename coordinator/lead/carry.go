package lead

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/stagecoach-llm/stagecoach/coordinator/plan"
	"github.com/stagecoach-llm/stagecoach/coordinator/sched"
	"github.com/stagecoach-llm/stagecoach/transport/bus"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// probeTimeout is how long a probe waits for its answer.
const probeTimeout = time.Second

// carryPlan does what the planner commands.
func (l *Lead) carryPlan(ctx context.Context, c plan.Command) error {
	switch c := c.(type) {
	case plan.Persist:
		return l.state.save(c.State)
	case plan.Send:
		l.order(l.opt.Subjects.Control(c.Node, c.Boot), c.Message)
	case plan.Announce:
		l.order(l.opt.Subjects.AllNodes(), wire.ControlMessage{Announce: &wire.Announce{Term: c.Term}})
	case plan.Probe:
		l.work.Go(func() { l.probe(ctx, c) })
	case plan.Pause:
		l.next(todo{sched: sched.PipelinePaused{Reason: c.Reason}})
	case plan.Ready:
		l.begin(c)
	case plan.Log:
		l.tell(c)
	case plan.WakeAt:
		l.wakeAt[0] = c.At
	default:
		return fmt.Errorf("lead: no way to do %T", c)
	}
	return nil
}

// order publishes a control message. It is repeated until it is answered, so a lost one is no harm.
func (l *Lead) order(subject string, m wire.ControlMessage) {
	b, err := json.Marshal(m)
	if err == nil {
		err = l.opt.Bus.Publish(subject, b)
	}
	if err != nil {
		l.log.Debug("order not sent", "subject", subject, "err", err)
	}
}

func (l *Lead) probe(ctx context.Context, c plan.Probe) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	r := plan.ProbeResult{Node: c.Node, Boot: c.Boot, Outcome: plan.Silent}
	b, err := l.opt.Bus.Request(ctx, l.opt.Subjects.Control(c.Node, c.Boot), nil)
	switch {
	case err == nil:
		r.Outcome = plan.Answered
		beat := new(wire.Beat)
		if json.Unmarshal(b, beat) == nil {
			r.Beat = beat
		}
	case errors.Is(err, bus.ErrNoResponders):
		r.Outcome = plan.NoResponders
	}
	l.post(r)
}

// begin opens an epoch for the scheduler and sends the canary through it.
func (l *Lead) begin(c plan.Ready) {
	l.epoch, l.stages = c.Epoch, c.Stages
	clear(l.sentAt)
	hidden := l.opt.Card.Config.Hidden
	lane := sched.Lane{KVBlocks: c.KVBlocks, MaxRows: wire.MaxRows(l.opt.Bus.MaxPayload(), hidden), RowTokens: hidden}
	for i, s := range c.Stages {
		one := l.model.StageNS(c.Nodes[i], s.First, s.Last, 1, 0, 0)
		many := l.model.StageNS(c.Nodes[i], s.First, s.Last, 65, 0, 0)
		per := max(many-one, 0) / 64
		lane.Stages = append(lane.Stages, sched.StageTime{Fixed: time.Duration(max(one-per, 0)), PerRow: time.Duration(per)})
	}
	l.sendCanary() // first, so that it is in the first step
	l.next(todo{sched: sched.PipelineReady{Epoch: c.Epoch, Lanes: []sched.Lane{lane}}})
}

// tell logs what the planner says, and tells people the way to readiness.
func (l *Lead) tell(c plan.Log) {
	attrs := []any{"kind", string(c.Kind)}
	if c.Node != "" {
		attrs = append(attrs, "shard", c.Node)
	}
	if c.Epoch != 0 {
		attrs = append(attrs, "epoch", plan.FormatEpoch(c.Epoch))
	}
	if c.Kind.Warning() {
		l.log.Warn(c.Text, attrs...)
	} else {
		l.log.Info(c.Text, attrs...)
	}
	l.opt.Say(c.Text)
}

// carrySched does what the scheduler commands.
func (l *Lead) carrySched(c sched.Command) {
	switch c := c.(type) {
	case sched.SendStep:
		l.sendStep(c)
	case sched.Resend:
		if c.Epoch == l.epoch && c.Stage < len(l.stages) {
			s := l.stages[c.Stage]
			l.order(l.opt.Subjects.Control(s.Node, s.Boot), wire.ControlMessage{Resend: &wire.Resend{Epoch: c.Epoch, Lane: c.Lane, From: c.From}})
			l.metrics.resends.Inc()
		}
	case sched.Emit:
		l.emit(c)
	case sched.Reply:
		if c.ID != l.canary {
			c.Term = l.plan.Term()
			l.reply(l.replyTo, c.GenerateReply)
		} else if c.Code != "" {
			l.next(todo{plan: plan.CanaryDone{Epoch: l.epoch, Err: c.Message}})
		}
	case sched.LaneStuck:
		l.log.Warn("lane stuck", "epoch", plan.FormatEpoch(c.Epoch), "step", c.Step, "reason", c.Reason)
		l.next(todo{plan: plan.LaneStuck{Epoch: c.Epoch}})
	case sched.WakeAt:
		l.wakeAt[1] = c.At
	}
}

// sendStep publishes a step to the first stage. One that does not get through is sent again by the scheduler.
func (l *Lead) sendStep(c sched.SendStep) {
	if c.Epoch != l.epoch || len(l.stages) == 0 {
		return
	}
	l.frame = wire.Frame{Epoch: c.Epoch, Lane: c.Lane, Step: c.Step, Ack: c.Ack, SentNS: time.Now().UnixNano(), Entries: c.Entries}
	b, err := wire.AppendFrame(l.buf[:0], &l.frame)
	if err == nil {
		l.buf = b
		err = l.opt.Bus.Publish(l.opt.Subjects.Input(l.stages[0].Node, l.stages[0].Boot), b)
	}
	if err != nil {
		l.log.Warn("step not sent", "epoch", plan.FormatEpoch(c.Epoch), "step", c.Step, "err", err)
	}
	if _, again := l.sentAt[c.Step]; !again {
		l.sentAt[c.Step] = l.now()
		l.metrics.sent(c.Entries)
	}
}

// emit publishes tokens to a router. A router that misses one sees the gap in the positions and submits again.
func (l *Lead) emit(c sched.Emit) {
	if c.Router == canaryRouter {
		l.canaryCame(c.Items)
		return
	}
	l.delta = wire.Delta{Term: l.plan.Term(), Items: c.Items}
	b, err := wire.AppendDelta(l.buf[:0], &l.delta)
	if err == nil {
		l.buf = b
		err = l.opt.Bus.Publish(l.opt.Subjects.Delta(c.Router, c.Boot), b)
	}
	if err != nil {
		l.log.Warn("tokens not sent", "router", c.Router, "err", err)
	}
}
