package ledger

import (
	"context"
	"errors"
	"time"

	"github.com/stagecoach-llm/stagecoach/router/account"
)

// maxLate bounds the settlements that wait to be asked again.
const maxLate = 1024

// late is a settlement that the owner has not answered, to be asked again until a time.
type late struct {
	settleAsk
	until time.Time
}

// Settle implements account.Ledger. Where the owner does not answer soon it returns an error, and is asked again for as long as
// patience has it. Then beats stop naming the request, and the owner settles it at the last journalled position, which is what
// was delivered.
func (c *Client) Settle(ctx context.Context, id account.ID, o account.Outcome) (u account.Usage, err error) {
	l := late{settleAsk{id, o}, time.Now().Add(patience)}
	soon, cancel := context.WithTimeout(ctx, brief)
	defer cancel()
	err = c.ask(soon, verbSettle, l.settleAsk, &u)
	if err != nil && (errors.Is(err, errNoAnswer) || soon.Err() != nil) {
		select {
		case c.late <- l:
			return u, err
		default:
		}
	}
	c.drop(id)
	return u, err
}

// settleLate owns the settlements that were not answered; it ends with ctx.
func (c *Client) settleLate(ctx context.Context) {
	for {
		select {
		case l := <-c.late:
			c.insist(ctx, l)
		case <-ctx.Done():
			return
		}
	}
}

func (c *Client) insist(ctx context.Context, l late) {
	defer c.drop(l.ID)
	ctx, cancel := context.WithDeadline(ctx, l.until)
	defer cancel()
	if err := c.ask(ctx, verbSettle, l.settleAsk, nil); err != nil {
		c.Logger.Warn("a request is left to the ledger's owner to settle", "request", l.ID.Request, "error", err)
	}
}
