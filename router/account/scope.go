package account

import (
	"strconv"
	"time"
)

// scope is one of those whose limits a request meets: a key as a whole, or one user of a key. Requests without a user are
// together one user, so that leaving the name out evades nothing.
type scope struct {
	scopeState
	name     []byte // in the database: the key's id, or key \0 user
	live     int    // holds
	reserved Pico   // by holds: prompt and leased tokens
}

// scopeState is what the database keeps of a scope.
type scopeState struct {
	Requests rate    `json:"requests"`
	Tokens   rate    `json:"tokens"`
	Spent    balance `json:"spent"`
}

// party is a scope with the limits that hold for it now.
type party struct {
	*scope
	limits Limits
	user   bool // a user's, not the key's
}

// parties are all whose limits a request of a user of a key meets: the key, then the user.
func (b *Book) parties(k *keyState, user string) [2]party {
	return [2]party{
		{scope: &k.scope, limits: k.Limits.or(b.defaults)},
		{scope: b.user(k.ID, user), limits: k.Users[user].or(k.PerUser).or(Limits{}), user: true},
	}
}

// user is the scope of a user, a blank one for one who was never admitted.
func (b *Book) user(key, user string) *scope {
	at := totalKey{key, user}
	if s := b.users[at]; s != nil {
		return s
	}
	return &scope{name: at.bytes()}
}

// refuse checks every limit and debits none.
func (p *party) refuse(now time.Time, a *Admission) *Refusal {
	r := p.reached(now, a)
	if r != nil {
		r.User = p.user
	}
	return r
}

func (p *party) reached(now time.Time, a *Admission) *Refusal {
	l := &p.limits
	if r := p.overBudget(now, a.Prices.Cost(a.Prompt, 0)); r != nil {
		return r
	}
	if l.TPM > 0 && a.Prompt > l.TPM { // however long it waits
		return &Refusal{Scope: ScopeTokens, Limit: strconv.Itoa(l.TPM)}
	}
	if l.RPM > 0 {
		if wait := p.Requests.wait(now.UnixNano(), 1, l.RPM); wait > 0 {
			return &Refusal{Scope: ScopeRequests, Limit: strconv.Itoa(l.RPM), After: wait}
		}
	}
	if l.TPM > 0 {
		if wait := p.Tokens.wait(now.UnixNano(), max(a.Prompt, 1), l.TPM); wait > 0 {
			return &Refusal{Scope: ScopeTokens, Limit: strconv.Itoa(l.TPM), After: wait}
		}
	}
	if l.Concurrency > 0 && p.live >= l.Concurrency {
		return &Refusal{Scope: ScopeConcurrency, Limit: strconv.Itoa(l.Concurrency), After: time.Second}
	}
	return nil
}

func (p *party) overBudget(now time.Time, cost Pico) *Refusal {
	for _, w := range windows {
		if limit := p.limits.budget(w); limit > 0 && p.Spent.in(w, now)+p.reserved+cost >= limit {
			return &Refusal{Scope: ScopeBudget, Limit: "$" + limit.String(), Window: w, Renews: w.renews(now)}
		}
	}
	return nil
}

// affords is how many of n tokens the budgets have left.
func (p *party) affords(now time.Time, price Price, n int) int {
	if price <= 0 {
		return n
	}
	for _, w := range windows {
		if limit := p.limits.budget(w); limit > 0 {
			left := limit - p.Spent.in(w, now) - p.reserved
			n = int(max(0, min(Pico(n), left/Pico(price))))
		}
	}
	return n
}

// debit takes a request and its prompt.
func (p *party) debit(now int64, h *hold) {
	p.live++
	p.reserved += h.Prices.Cost(h.Prompt, 0)
	if p.limits.RPM > 0 {
		p.Requests.take(now, 1, p.limits.RPM)
	}
	if p.limits.TPM > 0 {
		p.Tokens.take(now, h.Prompt, p.limits.TPM)
	}
}

// release moves what a hold reserved to what was spent, and gives back tokens that were debited and not used. tpm is the
// limit at which they were.
func (s *scope) release(h *hold, u *Usage, tpm int) {
	s.live--
	s.reserved -= h.Prices.Cost(h.Prompt, h.Leased)
	s.Spent.spend(u.Settled, u.Cost)
	if tpm <= 0 {
		return
	}
	if unused := h.Prompt + h.Leased - u.Prompt - u.Completion; unused >= 0 {
		s.Tokens.give(unused, tpm)
	} else {
		s.Tokens.take(u.Settled.UnixNano(), -unused, tpm)
	}
}

// quota is the state of the tighter limits of all parties.
func quota(parties []party, now int64) Quota {
	var q Quota
	for _, p := range parties {
		l := &p.limits
		if left := p.Requests.left(now, max(l.RPM, 1)); l.RPM > 0 && (q.RequestLimit == 0 || left < q.RequestsLeft) {
			q.RequestLimit, q.RequestsLeft, q.RequestReset = l.RPM, left, p.Requests.reset(now)
		}
		if left := p.Tokens.left(now, max(l.TPM, 1)); l.TPM > 0 && (q.TokenLimit == 0 || left < q.TokensLeft) {
			q.TokenLimit, q.TokensLeft, q.TokenReset = l.TPM, left, p.Tokens.reset(now)
		}
	}
	return q
}
