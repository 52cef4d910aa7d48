package account

import (
	"context"
	"errors"
	"time"
)

const (
	maxUnsettled = 1024 // settlements that wait to be tried again
	retryEvery   = time.Second
)

// unsettled is a settlement that was not on disk when its caller stopped waiting.
type unsettled struct {
	id      ID
	outcome Outcome
}

// again has a settlement that failed tried until it succeeds, where that can be.
func (b *Book) again(u unsettled, err error) {
	if !errors.Is(err, ErrUnavailable) && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
		return
	}
	select {
	case b.unsettled <- u:
	default:
		b.log.Error("too many requests are not settled: the next start settles this one", "router", u.id.Router, "request", u.id.Request)
	}
}

// retry is the owner of what is unsettled. It ends with the book; what it has left is settled at the next start, at the last
// journalled position.
func (b *Book) retry() {
	defer close(b.retried)
	for {
		select {
		case u := <-b.unsettled:
			b.insist(u)
		case <-b.stop:
			return
		}
	}
}

// insist settles a request as soon as the writer takes it and the disk does.
func (b *Book) insist(u unsettled) {
	for {
		if _, err := b.trySettle(context.Background(), u.id, u.outcome); !errors.Is(err, ErrUnavailable) {
			return
		}
		select {
		case <-time.After(retryEvery):
		case <-b.stop:
			return
		}
	}
}
