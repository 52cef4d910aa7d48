package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/stagecoach-llm/stagecoach/router/account"
	"github.com/stagecoach-llm/stagecoach/transport/bus"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// maxCalls bounds the requests of other routers that are served at once; what comes beyond is not answered and asked again.
const maxCalls = 1024

// Owner serves a ledger to the other routers of a cluster.
type Owner struct {
	Bus      bus.Conn
	Subjects wire.Subjects
	Router   string
	Boot     string
	Book     *account.Book
	Logger   *slog.Logger

	sessions sessions
	slots    chan struct{}
	calls    sync.WaitGroup
}

// Serve answers until ctx ends. Where another router serves a ledger of this cluster it returns an error at once.
func (o *Owner) Serve(ctx context.Context) error {
	if err := o.alone(ctx); err != nil {
		return err
	}
	o.slots = make(chan struct{}, maxCalls)
	sub, err := o.Bus.Subscribe(o.Subjects.Ledger(), func(m bus.Msg) { o.take(ctx, m) })
	if err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	defer o.calls.Wait()
	defer sub.Unsubscribe()
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			o.abandon(ctx, now)
		case <-ctx.Done():
			return nil
		}
	}
}

// alone refuses to be a second owner. One that does not answer within a second is none.
func (o *Owner) alone(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	var h helloReply
	err := ask(ctx, o.Bus, o.Subjects.Ledger(), verbHello, call{}, &h)
	if err != nil || h.Boot == o.Boot {
		return nil
	}
	return fmt.Errorf("ledger: router %s serves the ledger of cluster %s already: start this one with --ledger remote", h.Router, o.Subjects.Cluster)
}

// abandon settles what nobody has any more.
func (o *Owner) abandon(ctx context.Context, now time.Time) {
	n, err := o.Book.Abandon(ctx, func(f account.Foreign) bool { return o.sessions.gone(f, now) })
	o.sessions.forget(now)
	switch {
	case err != nil && ctx.Err() == nil:
		o.Logger.Error("requests of lost routers are not settled", "error", err)
	case n > 0:
		o.Logger.Info("settled requests of lost routers", "requests", n)
	}
}

// take runs on the bus's goroutine, which must not wait for a disk.
func (o *Owner) take(ctx context.Context, m bus.Msg) {
	select {
	case o.slots <- struct{}{}:
	default:
		return
	}
	o.calls.Go(func() {
		defer func() { <-o.slots }()
		o.serve(ctx, m)
	})
}

func (o *Owner) serve(ctx context.Context, m bus.Msg) {
	data := o.Answer(ctx, m.Data)
	if data == nil || m.Reply == "" {
		return
	}
	if err := o.Bus.Publish(m.Reply, data); err != nil {
		o.Logger.Debug("an answer of the ledger was not sent; it is asked again", "error", err)
	}
}

// Answer is the reply to one message, nil for none: to what cannot be read, what another ledger is asked, and what the next
// owner answers.
func (o *Owner) Answer(ctx context.Context, data []byte) []byte {
	var req wire.AdminRequest
	var c call
	if json.Unmarshal(data, &req) != nil || json.Unmarshal(req.Args, &c) != nil {
		o.Logger.Warn("a request to the ledger cannot be read", "bytes", len(data))
		return nil
	}
	if req.Verb != verbHello && c.Ledger != o.Book.ID() {
		return nil
	}
	result, err := o.do(ctx, req.Verb, c.Args)
	if errors.Is(err, account.ErrClosed) || errors.Is(err, context.Canceled) {
		return nil
	}
	reply, err := json.Marshal(replyOf(result, err))
	if err != nil { // these are our own plain types
		panic("ledger: " + err.Error())
	}
	return reply
}

func (o *Owner) do(ctx context.Context, verb string, args []byte) (any, error) {
	switch verb {
	case verbHello:
		return helloReply{o.Book.ID(), o.Router, o.Boot}, nil
	case verbKey:
		return with(args, o.key)
	case verbAdmit:
		return with(args, func(a account.Admission) (any, error) { return o.admit(ctx, a) })
	case verbLease:
		return with(args, func(a leaseAsk) (any, error) {
			if !within(a.UpTo) {
				return nil, errRange
			}
			leased, err := o.Book.LeaseTo(ctx, a.ID, a.UpTo)
			return leaseReply{leased}, err
		})
	case verbDeliver:
		return with(args, o.deliver)
	case verbSettle:
		return with(args, func(a settleAsk) (any, error) {
			if !within(a.Outcome.Prompt, a.Outcome.Cached, a.Outcome.Completion) {
				return nil, errRange
			}
			return o.Book.Settle(ctx, a.ID, a.Outcome)
		})
	case verbStands:
		return with(args, func(a standingAsk) (any, error) { return o.Book.Standing(ctx, a.Key, a.User) })
	case verbUsage:
		return with(args, func(q account.Query) (any, error) { return o.Book.Usage(ctx, q) })
	case verbBeat:
		return with(args, func(b beat) (any, error) {
			o.sessions.beat(b, time.Now())
			return struct{}{}, nil
		})
	}
	return nil, fmt.Errorf("it does not know %q: is it of an older version?", verb)
}

// with reads a verb's arguments for fn.
func with[T any](args []byte, fn func(T) (any, error)) (any, error) {
	var t T
	if err := json.Unmarshal(args, &t); err != nil {
		return nil, fmt.Errorf("arguments: %w", err)
	}
	return fn(t)
}

func (o *Owner) key(a keyAsk) (any, error) {
	id, err := o.Book.AuthenticateHash(a.Hash, a.Open)
	return keyReply{ID: id, Made: o.Book.HasKeys(), Code: codeOf(err)}, nil
}

// admit is an admission that may have been asked before. It must have a boot, by which it is told from the owner's own.
func (o *Owner) admit(ctx context.Context, a account.Admission) (any, error) {
	if a.Boot == "" {
		return nil, errors.New("an admission without a boot")
	}
	if err := a.Prices.Check(); err != nil || !within(a.Prompt) {
		return nil, errors.Join(err, errRange)
	}
	g, err := o.Book.Admit(ctx, a)
	if errors.Is(err, account.ErrDuplicate) {
		return o.Book.Held(ctx, a.ID)
	}
	if err != nil {
		return nil, err
	}
	return g, g.Durable(ctx)
}

func (o *Owner) deliver(ds []account.Delivery) (any, error) {
	codes := make([]string, len(ds))
	for i, err := range o.Book.DeliverHeld(ds) {
		if errors.Is(err, account.ErrClosed) {
			return nil, err
		}
		codes[i] = codeOf(err)
	}
	return codes, nil
}
