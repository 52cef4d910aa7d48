package account

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Ledger is what a router needs of the books. [Book] keeps them in this process; a second router uses the first one's
// from afar, which is why requests are named by router and request.
type Ledger interface {
	// Admit debits the key's limits and writes a hold, or does nothing and returns a [*Refusal].
	Admit(ctx context.Context, a Admission) (*Grant, error)
	// Lease allows n more output tokens and returns how many of them: fewer only where the budget ends.
	Lease(ctx context.Context, id ID, n int) (int, error)
	// Settle ends the request. The first call decides; later ones return what it wrote.
	Settle(ctx context.Context, id ID, o Outcome) (Usage, error)
}

// ID names a request within a cluster.
type ID struct {
	Router  string `json:"router"`
	Request string `json:"request"`
}

func (id ID) bytes() []byte { return []byte(id.Router + "\x00" + id.Request) }

// Admission is what is known of a request before it runs.
type Admission struct {
	ID     ID
	Boot   string // of a router that uses the ledger from afar, "" for the owner's own
	Key    string // Key.ID
	User   string // the caller's own user, "" for none
	Model  string // served name
	Prompt int    // tokens, exact
	Prices Prices
}

// Grant is an admitted request.
type Grant struct {
	ID     ID
	Hold   uint64 // names the request in the journal; never used again
	Prices Prices
	Quota  Quota

	op *op // nil: it is durable
}

// Durable waits until the hold is on disk, and returns why it could not be written.
func (g *Grant) Durable(ctx context.Context) error {
	if g.op == nil {
		return nil
	}
	select {
	case <-g.op.durable: // soon: the writer is at it
		return g.op.failure()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Quota is the state of a key's rate limits after an admission. A limit of 0 is no limit.
type Quota struct {
	RequestLimit, RequestsLeft int
	TokenLimit, TokensLeft     int
	RequestReset, TokenReset   time.Duration // until the whole limit is free again
}

// Outcome is how a request ended.
type Outcome struct {
	Prompt     int    // tokens to bill: 0 where no token was computed
	Cached     int    // of Prompt, taken from the prefix cache
	Completion int    // tokens delivered, all choices together
	Status     string // StatusOK, …
}

// How a request ended.
const (
	StatusOK        = "ok"
	StatusCancelled = "cancelled" // the client went away
	StatusError     = "error"     // ended by an error after it was admitted
	StatusRecovered = "recovered" // the router died; settled at the next start
)

// Usage is the record of one settled request.
type Usage struct {
	ID         ID        `json:"id"`
	Hold       uint64    `json:"hold"`
	Key        string    `json:"key"`
	User       string    `json:"user,omitempty"`
	Model      string    `json:"model"`
	Admitted   time.Time `json:"admitted"`
	Settled    time.Time `json:"settled"`
	Prompt     int       `json:"prompt_tokens"`
	Cached     int       `json:"cached_tokens,omitempty"`
	Completion int       `json:"completion_tokens"`
	Cost       Pico      `json:"cost"`
	Status     string    `json:"status"`
}

// Errors of keys, from Authenticate and Admit.
var (
	// ErrNoKey is returned when a request has no key and needs one.
	ErrNoKey = errors.New("no API key given")
	// ErrUnknownKey is returned for a key that does not exist.
	ErrUnknownKey = errors.New("unknown API key")
	// ErrRevoked is returned for a key that has been disabled for good.
	ErrRevoked = errors.New("this API key has been revoked")
	// ErrDisabled is returned for a key that is disabled for a while.
	ErrDisabled = errors.New("this API key is disabled")
	// ErrModel is returned by Admit for a model that the key may not use.
	ErrModel = errors.New("this API key may not use this model")
	// ErrExpired is returned for a key whose time is over.
	ErrExpired = errors.New("this API key has expired")
)

// Errors of the ledger.
var (
	// ErrUnknownRequest is returned by Lease and Settle for a request that was never admitted.
	ErrUnknownRequest = errors.New("account: no such request")
	// ErrDuplicate is returned by Admit for a request that was admitted before.
	ErrDuplicate = errors.New("account: request admitted before")
	// ErrClosed is returned when the book has been closed.
	ErrClosed = errors.New("account: the ledger is closed")
	// ErrUnavailable is returned while the database or the journal cannot be written, as on a full disk.
	ErrUnavailable = errors.New("account: the ledger cannot be written")
)

// Scope is the limit that refused a request.
type Scope string

// Scopes of a Refusal.
const (
	ScopeRequests    Scope = "requests per minute"
	ScopeTokens      Scope = "tokens per minute"
	ScopeConcurrency Scope = "concurrent requests"
	ScopeBudget      Scope = "budget"
)

// Refusal says which limit was reached, of several the one that lasts longest.
type Refusal struct {
	Scope  Scope
	Limit  string
	User   bool          // the limit of the key's user, not of the key
	After  time.Duration // try again after; 0: no use
	Window Window        // of a budget
	Renews time.Time     // when the budget's next window begins, zero for never
	Quota  Quota
}

func (r *Refusal) Error() string { return fmt.Sprintf("limit of %s %s reached", r.Limit, r.Scope) }
