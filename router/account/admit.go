package account

import (
	"context"
	"fmt"
	"slices"
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
	if a.Boot != "" && b.wasSettled(a.ID) { // a message that comes late must not begin the request again
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
	if len(k.Models) > 0 && !slices.Contains(k.Models, a.Model) {
		return nil, ErrModel
	}
	parties := b.parties(k, a.User)
	var worst *Refusal
	for i := range parties {
		worst = worse(worst, parties[i].refuse(now, &a))
	}
	if worst != nil {
		worst.Quota = quota(parties[:], now.UnixNano())
		return nil, worst
	}
	return b.grant(a, parties[:]), nil
}

// worse is the one of two refusals that lasts longer, so that who waits as told is not refused again for what was known.
func worse(x, y *Refusal) *Refusal {
	if x == nil || y != nil && x.After > 0 && (y.After == 0 || y.After > x.After) {
		return y
	}
	return x
}

// grant debits and writes the hold.
func (b *Book) grant(a Admission, parties []party) *Grant {
	now := b.now()
	b.next++
	h := &hold{
		Number: b.next, ID: a.ID, Boot: a.Boot, Key: a.Key, User: a.User, Model: a.Model, Admitted: now, Prompt: a.Prompt, Prices: a.Prices,
	}
	b.holds[a.ID] = h
	b.users[totalKey{a.Key, a.User}] = parties[1].scope
	for i := range parties {
		h.TPM[i] = parties[i].limits.TPM
		parties[i].debit(now.UnixNano(), h)
	}
	b.putScopes(h)
	if h.Boot != "" {
		b.journal.know(h.Number)
	}
	b.putHold(h)
	b.putMeta()
	return &Grant{ID: a.ID, Hold: h.Number, Prices: a.Prices, Quota: quota(parties, now.UnixNano())}
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
	return b.extend(h, n), nil
}

// extend leases what the budgets have of n more tokens.
func (b *Book) extend(h *hold, n int) int {
	now := b.now()
	parties := b.parties(b.keys[h.Key], h.User)
	for i := range parties {
		n = parties[i].affords(now, h.Prices.Completion, n)
	}
	h.Leased += n
	for i, p := range parties {
		p.reserved += h.Prices.Cost(0, n)
		if h.TPM[i] > 0 {
			p.Tokens.take(now.UnixNano(), n, h.TPM[i])
			b.keys[h.Key].unsaved[h] = true
		}
	}
	return n
}
