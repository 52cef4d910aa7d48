package lead

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/stagecoach-llm/stagecoach/coordinator/plan"
	"github.com/stagecoach-llm/stagecoach/shard/checkpoint"
	"github.com/stagecoach-llm/stagecoach/transport/bus"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// cardFile is the gzipped JSON of the card, which routers read in pieces.
type cardFile struct {
	id   string
	data []byte
}

// cardChunk is how many bytes of it go into one answer: little enough for any bus, base64 included.
const cardChunk = 512 << 10

func newCardFile(c *checkpoint.Card) (cardFile, error) {
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	err := json.NewEncoder(z).Encode(c)
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		return cardFile{}, fmt.Errorf("lead: encode the model's card: %w", err)
	}
	return cardFile{c.ID, buf.Bytes()}, nil
}

func (c *cardFile) chunk(offset int) (wire.CardChunk, error) {
	if offset < 0 || offset > len(c.data) {
		return wire.CardChunk{}, fmt.Errorf("offset %d is outside the card of %d bytes", offset, len(c.data))
	}
	return wire.CardChunk{ID: c.id, Total: len(c.data), Data: c.data[offset:min(offset+cardChunk, len(c.data))]}, nil
}

// takeAdmin answers a question or obeys an order of ops or a router.
func (l *Lead) takeAdmin(ctx context.Context, m bus.Msg) error {
	var req wire.AdminRequest
	if err := json.Unmarshal(m.Data, &req); err != nil {
		l.answer(m.Reply, nil, fmt.Errorf("request not understood: %w", err))
		return nil
	}
	switch req.Verb {
	case wire.VerbCard:
		var a wire.CardRequest
		result, err := ask(req.Args, &a, func() (any, error) { return l.card.chunk(a.Offset) })
		l.answer(m.Reply, result, err)
	case wire.VerbStatus:
		l.answer(m.Reply, l.status(), nil)
	case wire.VerbPlan:
		var a wire.PlanRequest
		result, err := ask(req.Args, &a, func() (any, error) { return l.plan.Propose(a.Shards), nil })
		l.answer(m.Reply, result, err)
	case wire.VerbDrain:
		return l.adminDrain(ctx, m, req.Args)
	case wire.VerbScale:
		return l.adminScale(ctx, m, req.Args)
	default:
		l.answer(m.Reply, nil, fmt.Errorf("verb %q is not known to this coordinator", req.Verb))
	}
	return nil
}

// ask reads args, where there are any, and calls fn.
func ask(args json.RawMessage, into any, fn func() (any, error)) (any, error) {
	if len(args) > 0 {
		if err := json.Unmarshal(args, into); err != nil {
			return nil, fmt.Errorf("arguments not understood: %w", err)
		}
	}
	return fn()
}

func (l *Lead) adminDrain(ctx context.Context, m bus.Msg, args json.RawMessage) error {
	var a wire.DrainRequest
	if err := json.Unmarshal(args, &a); err != nil {
		l.answer(m.Reply, nil, fmt.Errorf("arguments not understood: %w", err))
		return nil
	}
	if !a.Undo && !l.knows(a.Node) {
		l.answer(m.Reply, nil, fmt.Errorf("no shard is called %q: `stagecoach status` shows their names", a.Node))
		return nil
	}
	var ev plan.Event = plan.Drain{Node: a.Node}
	if a.Undo {
		ev = plan.Undrain{Node: a.Node}
	}
	err := l.do(ctx, todo{plan: ev})
	l.answer(m.Reply, struct{}{}, err)
	return err
}

func (l *Lead) knows(node string) bool {
	return slices.ContainsFunc(l.plan.Status().Nodes, func(n wire.NodeStatus) bool { return n.Node == node })
}

func (l *Lead) adminScale(ctx context.Context, m bus.Msg, args json.RawMessage) error {
	var a wire.ScaleRequest
	if err := json.Unmarshal(args, &a); err != nil {
		l.answer(m.Reply, nil, fmt.Errorf("arguments not understood: %w", err))
		return nil
	}
	if a.Shards < 0 {
		l.answer(m.Reply, nil, fmt.Errorf("%d shards: want at least 1, or 0 for every shard that is here", a.Shards))
		return nil
	}
	err := l.do(ctx, todo{plan: plan.Scale{Shards: a.Shards}})
	l.answer(m.Reply, struct{}{}, err)
	return err
}

func (l *Lead) answer(subject string, result any, err error) {
	var r wire.AdminReply
	if err == nil {
		r.Result, err = json.Marshal(result)
	}
	if err != nil {
		r.Code, r.Error = wire.CodeInvalid, err.Error()
	}
	l.reply(subject, r)
}
