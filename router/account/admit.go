package account

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// Admit implements [Ledger].
func (b *Book) Admit(ctx context.Context, a Admission) (*Grant, error) {
	var g *Grant
	var refused error
	o, err := b.do(ctx, func() { g, refused = b.admit(a) })
	if err != nil {
		return nil, err
	}
	if refused != nil {
		return nil, refused
	}
	g.op = o
	return g, nil
}

// admit decides. Only the writer calls it.
func (b *Book) admit(a Admission) (*Grant, error) {
	if b.broken != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, b.broken)
	}
	if b.holds[a.ID] != nil {
		return nil, ErrDuplicate
	}
	k := b.keys[a.Key]
	if k == nil {
		return nil, ErrUnknownKey
	}
	now := b.now()
	if err := k.usable(now); err != nil {
		return nil, err
	}
	limits := k.Limits.or(b.defaults)
	if r := k.refuse(limits, now.UnixNano(), a); r != nil {
		r.Quota = k.quota(limits, now.UnixNano())
		return nil, r
	}
	return b.grant(k, limits, now, a), nil
}

// refuse checks every limit and debits none.
func (k *keyState) refuse(l Limits, now int64, a Admission) *Refusal {
	cost := a.Prices.Cost(a.Prompt, 0)
	switch {
	case l.Budget > 0 && k.Spent+k.reserved+cost >= l.Budget:
		return &Refusal{Scope: ScopeBudget, Limit: "$" + l.Budget.String()}
	case l.Concurrency > 0 && k.live >= l.Concurrency:
		return &Refusal{Scope: ScopeConcurrency, Limit: strconv.Itoa(l.Concurrency), After: time.Second}
	case l.TPM > 0 && a.Prompt > l.TPM: // however long it waits
		return &Refusal{Scope: ScopeTokens, Limit: strconv.Itoa(l.TPM)}
	}
	if l.RPM > 0 {
		if wait := k.requests.wait(now, 1, l.RPM); wait > 0 {
			return &Refusal{Scope: ScopeRequests, Limit: strconv.Itoa(l.RPM), After: wait}
		}
	}
	if l.TPM > 0 {
		if wait := k.tokens.wait(now, max(a.Prompt, 1), l.TPM); wait > 0 {
			return &Refusal{Scope: ScopeTokens, Limit: strconv.Itoa(l.TPM), After: wait}
		}
	}
	return nil
}

// grant debits and writes the hold.
func (b *Book) grant(k *keyState, l Limits, now time.Time, a Admission) *Grant {
	b.next++
	h := &hold{
		Number: b.next, ID: a.ID, Key: a.Key, User: a.User, Model: a.Model, Admitted: now, Prompt: a.Prompt, Prices: a.Prices,
	}
	b.holds[a.ID] = h
	k.live++
	k.reserved += a.Prices.Cost(a.Prompt, 0)
	if l.RPM > 0 {
		k.requests.take(now.UnixNano(), 1, l.RPM)
	}
	if l.TPM > 0 {
		k.tokens.take(now.UnixNano(), a.Prompt, l.TPM)
	}
	b.put(bucketHolds, a.ID.bytes(), h)
	b.putRates(k)
	b.putMeta()
	return &Grant{ID: a.ID, Hold: h.Number, Prices: a.Prices, Quota: k.quota(l, now.UnixNano())}
}

func (k *keyState) quota(l Limits, now int64) Quota {
	q := Quota{RequestLimit: l.RPM, TokenLimit: l.TPM}
	if l.RPM > 0 {
		q.RequestsLeft, q.RequestReset = k.requests.left(now, l.RPM), k.requests.reset(now)
	}
	if l.TPM > 0 {
		q.TokensLeft, q.TokenReset = k.tokens.left(now, l.TPM), k.tokens.reset(now)
	}
	return q
}

// Lease implements [Ledger].
func (b *Book) Lease(ctx context.Context, id ID, n int) (granted int, err error) {
	if _, doErr := b.do(ctx, func() { granted, err = b.lease(id, n) }); doErr != nil {
		return 0, doErr
	}
	return granted, err
}

func (b *Book) lease(id ID, n int) (int, error) {
	h := b.holds[id]
	if h == nil {
		return 0, ErrUnknownRequest
	}
	k := b.keys[h.Key]
	l := k.Limits.or(b.defaults)
	if price := Pico(h.Prices.Completion); l.Budget > 0 && price > 0 {
		n = int(max(0, min(Pico(n), (l.Budget-k.Spent-k.reserved)/price)))
	}
	h.leased += n
	k.reserved += h.Prices.Cost(0, n)
	if l.TPM > 0 {
		k.tokens.take(b.now().UnixNano(), n, l.TPM)
	}
	return n, nil
}
