package lead

import (
	"context"
	"encoding/json"

	"github.com/stagecoach-llm/stagecoach/coordinator/plan"
	"github.com/stagecoach-llm/stagecoach/coordinator/sched"
	"github.com/stagecoach-llm/stagecoach/transport/bus"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// take turns what came in into an event.
func (l *Lead) take(ctx context.Context, m any) error {
	switch m := m.(type) {
	case plan.Event:
		return l.do(ctx, todo{plan: m})
	case arrived:
		switch m.kind {
		case fromNode:
			return l.takeNode(ctx, m.msg)
		case fromLast:
			return l.takeSampled(ctx, m.msg)
		case fromRouter:
			return l.takeRouter(ctx, m.msg)
		case generate:
			return l.takeGenerate(ctx, m.msg)
		case admin:
			return l.takeAdmin(ctx, m.msg)
		}
	}
	return nil
}

func (l *Lead) takeNode(ctx context.Context, m bus.Msg) error {
	var msg wire.NodeMessage
	if err := json.Unmarshal(m.Data, &msg); err != nil {
		l.log.Warn("message of a shard not understood", "err", err)
		return nil
	}
	if b := msg.Beat; b != nil {
		if g, ok := l.gap(b); ok {
			if err := l.do(ctx, todo{sched: g}); err != nil {
				return err
			}
		}
	}
	return l.do(ctx, todo{plan: plan.Heard{Message: msg}})
}

// gap tells whether a beat reports a missing step of the live epoch.
func (l *Lead) gap(b *wire.Beat) (sched.LaneGap, bool) {
	if b.Gap == 0 || b.Epoch != l.epoch {
		return sched.LaneGap{}, false
	}
	for i, s := range l.stages {
		if s.Node == b.Node && s.Boot == b.Boot {
			return sched.LaneGap{Epoch: b.Epoch, Lane: b.Lane, Stage: i, Step: b.Gap}, true
		}
	}
	return sched.LaneGap{}, false
}

func (l *Lead) takeSampled(ctx context.Context, m bus.Msg) error {
	if err := wire.ParseSampled(m.Data, &l.sampled); err != nil {
		l.log.Warn("sampled message dropped", "err", err)
		return nil
	}
	s := &l.sampled
	if s.Epoch == l.epoch {
		if sent, ok := l.sentAt[s.Step]; ok {
			delete(l.sentAt, s.Step)
			l.metrics.returned(l.now()-sent, s)
		}
		if err := l.do(ctx, todo{plan: plan.Measured{Epoch: s.Epoch, Timings: s.Timings}}); err != nil {
			return err
		}
	}
	return l.do(ctx, todo{sched: sched.Sampled{Result: s}})
}

func (l *Lead) takeRouter(ctx context.Context, m bus.Msg) error {
	var msg wire.RouterMessage
	if err := json.Unmarshal(m.Data, &msg); err != nil {
		l.log.Warn("message of a router not understood", "err", err)
		return nil
	}
	switch {
	case msg.Credit != nil:
		return l.do(ctx, todo{sched: sched.Credit(*msg.Credit)})
	case msg.Cancel != nil:
		return l.do(ctx, todo{sched: sched.Cancel(*msg.Cancel)})
	case msg.Beat != nil:
		return l.do(ctx, todo{sched: sched.RouterBeat(*msg.Beat)})
	}
	return nil
}

func (l *Lead) takeGenerate(ctx context.Context, m bus.Msg) error {
	g := new(wire.Generate)
	if err := json.Unmarshal(m.Data, g); err != nil {
		l.reply(m.Reply, wire.GenerateReply{Code: wire.CodeInvalid, Message: "request not understood: " + err.Error()})
		return nil
	}
	l.log.Debug("request", "request", g.ID, "attempt", g.Attempt, "router", g.Router, "prompt", len(g.Prompt), "choices", len(g.Choices), "trace", g.Trace)
	l.replyTo = m.Reply
	return l.do(ctx, todo{sched: sched.Submit{Generate: g}})
}

// reply answers a request; who asked may have gone, which is theirs to notice.
func (l *Lead) reply(subject string, v any) {
	if subject == "" {
		return
	}
	b, err := json.Marshal(v)
	if err == nil {
		err = l.opt.Bus.Publish(subject, b)
	}
	if err != nil {
		l.log.Debug("answer not sent", "err", err)
	}
}
