package api

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/stagecoach-llm/stagecoach/router/account"
)

// maxUsers bounds the users that one answer lists; a site may have a million.
const maxUsers = 1000

// keyBody is what the owner of a key is told of it. Limits that are 0 are none.
type keyBody struct {
	Object  string `json:"object"`
	ID      string `json:"id"`
	Name    string `json:"name"`
	Created *int64 `json:"created"` // null without a key
	Expires *int64 `json:"expires"` // null: never

	Models     []string     `json:"models"`      // null: all
	Limits     limitsBody   `json:"limits"`      // of the key
	UserLimits limitsBody   `json:"user_limits"` // of the user that was asked for
	Remaining  remaining    `json:"remaining"`
	Spent      spent        `json:"spent"`
	Usage      []usageByKey `json:"usage"`
	HasMore    bool         `json:"has_more"` // users are left out
}

// limitsBody are limits, null where there is none.
type limitsBody struct {
	RPM         *int          `json:"requests_per_minute"`
	TPM         *int          `json:"tokens_per_minute"`
	Concurrency *int          `json:"concurrency"`
	Budget      *account.Pico `json:"budget"`
	BudgetDay   *account.Pico `json:"budget_day"`
	BudgetMonth *account.Pico `json:"budget_month"`
}

// remaining is what is left of the key's limits, requests and tokens of the tighter of the key's and the user's. null is no limit.
type remaining struct {
	Requests    *int          `json:"requests"`
	Tokens      *int          `json:"tokens"`
	Budget      *account.Pico `json:"budget"`
	BudgetDay   *account.Pico `json:"budget_day"`
	BudgetMonth *account.Pico `json:"budget_month"`
}

// spent is the cost of all that was settled, in dollars.
type spent struct {
	Total account.Pico `json:"total"`
	Day   account.Pico `json:"day"`
	Month account.Pico `json:"month"`
}

// usageByKey is what one user of the key has used.
type usageByKey struct {
	User       string       `json:"user"`
	Requests   int          `json:"requests"`
	Prompt     int          `json:"prompt_tokens"`
	Completion int          `json:"completion_tokens"`
	Cost       account.Pico `json:"cost"`
}

// ownKey tells a key its limits, what is left of them and what was used, of all users or of the one in ?user=.
func (s *Server) ownKey(w http.ResponseWriter, r *http.Request, key string) *Error {
	user := r.URL.Query().Get("user")
	standing, err := s.Account.Standing(r.Context(), key, user)
	if err != nil {
		return fromLedger(err)
	}
	totals, err := s.Account.Usage(r.Context(), account.Query{Key: key, User: user, ByUser: true})
	if err != nil {
		return fromLedger(err)
	}
	quotaHeaders(w.Header(), standing.Quota)
	b := describeKey(&standing)
	b.Usage, b.HasMore = byCost(totals)
	writeJSON(w, http.StatusOK, b)
	return nil
}

func describeKey(s *account.Standing) keyBody {
	k, l := &s.Key, &s.Limits
	return keyBody{
		Object: "key", ID: k.ID, Name: cmp.Or(k.Name, k.ID), Created: unixOrNull(k.Created), Expires: unixOrNull(k.Expires),
		Models: k.Models, Limits: describeLimits(l), UserLimits: describeLimits(&s.User),
		Remaining: remaining{
			Requests: ifLimited(s.Quota.RequestLimit, s.Quota.RequestsLeft), Tokens: ifLimited(s.Quota.TokenLimit, s.Quota.TokensLeft),
			Budget: left(l.Budget, k.Spent), BudgetDay: left(l.BudgetDay, k.SpentDay), BudgetMonth: left(l.BudgetMonth, k.SpentMonth),
		},
		Spent: spent{k.Spent, k.SpentDay, k.SpentMonth},
	}
}

func describeLimits(l *account.Limits) limitsBody {
	return limitsBody{
		RPM: ifLimited(l.RPM, l.RPM), TPM: ifLimited(l.TPM, l.TPM), Concurrency: ifLimited(l.Concurrency, l.Concurrency),
		Budget: left(l.Budget, 0), BudgetDay: left(l.BudgetDay, 0), BudgetMonth: left(l.BudgetMonth, 0),
	}
}

// ifLimited is n, nil where there is no limit.
func ifLimited(limit, n int) *int {
	if limit <= 0 {
		return nil
	}
	return &n
}

// left is what is left of a budget, nil where there is none.
func left(limit, spent account.Pico) *account.Pico {
	if limit <= 0 {
		return nil
	}
	rest := max(0, limit-spent)
	return &rest
}

func unixOrNull(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	n := t.Unix()
	return &n
}

// byCost are the users that used most.
func byCost(totals []account.Total) (out []usageByKey, more bool) {
	slices.SortStableFunc(totals, func(x, y account.Total) int { return cmp.Compare(y.Cost, x.Cost) })
	n := min(len(totals), maxUsers)
	out = make([]usageByKey, n)
	for i, t := range totals[:n] {
		out[i] = usageByKey{t.User, t.Requests, t.Prompt, t.Completion, t.Cost}
	}
	return out, len(totals) > n
}
