package account

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"
)

// clocked is a book whose time the test moves.
func clocked(t *testing.T, dir string, at *time.Time) *Book {
	t.Helper()
	b, err := Open(dir, Options{Logger: slog.New(slog.DiscardHandler), Clock: func() time.Time { return *at }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func noon() time.Time { return time.Date(2026, 2, 28, 12, 0, 0, 0, time.UTC) }

func makeKey(t *testing.T, b *Book, n NewKey) Key {
	t.Helper()
	n.Name = "k"
	_, key, err := b.CreateKey(context.Background(), n)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

var requests int

// ask admits a request of one prompt token by a user of a key.
func ask(b *Book, key, user string) (*Grant, error) {
	requests++
	a := admission(fmt.Sprint(requests), 1)
	a.Key, a.User = key, user
	return b.Admit(context.Background(), a)
}

// refusedBy wants a request to be refused by a limit.
func refusedBy(t *testing.T, b *Book, key, user string, scope Scope, ofUser bool) *Refusal {
	t.Helper()
	_, err := ask(b, key, user)
	var r *Refusal
	if !errors.As(err, &r) || r.Scope != scope || r.User != ofUser {
		t.Fatalf("user %q: %v (%+v), want %s, of the user: %v", user, err, r, scope, ofUser)
	}
	return r
}

func admitted(t *testing.T, b *Book, key, user string) *Grant {
	t.Helper()
	g, err := ask(b, key, user)
	if err != nil {
		t.Fatalf("user %q: %v", user, err)
	}
	return g
}

func settle(t *testing.T, b *Book, g *Grant, completion int) {
	t.Helper()
	if n, err := b.Lease(context.Background(), g.ID, completion); err != nil || n != completion {
		t.Fatalf("leased %d, %v", n, err)
	}
	if _, err := b.Settle(context.Background(), g.ID, Outcome{Prompt: 1, Completion: completion}); err != nil {
		t.Fatal(err)
	}
}

func TestLimitsOfUsers(t *testing.T) {
	at := noon()
	b := clocked(t, t.TempDir(), &at)
	key := makeKey(t, b, NewKey{Limits: Limits{RPM: 5}, PerUser: Limits{RPM: 2}}).ID
	three := 3
	if _, err := b.UpdateKey(context.Background(), key, KeyChange{Users: map[string]*LimitChange{"eve": {RPM: &three}}}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		admitted(t, b, key, "ann")
	}
	r := refusedBy(t, b, key, "ann", ScopeRequests, true)
	if r.After != 30*time.Second || r.Quota.RequestLimit != 2 || r.Quota.RequestsLeft != 0 {
		t.Errorf("%+v", r)
	}
	for range 2 {
		admitted(t, b, key, "eve")
	}
	g := admitted(t, b, key, "") // requests without a user are one user
	if g.Quota.RequestLimit != 5 || g.Quota.RequestsLeft != 0 {
		t.Errorf("the key's limit is the tighter one: %+v", g.Quota)
	}
	// The user would wait 20 s, the key 12 s: what is told is the longer.
	r = refusedBy(t, b, key, "ann", ScopeRequests, true)
	refusedBy(t, b, key, "bob", ScopeRequests, false)
	at = at.Add(r.After)
	admitted(t, b, key, "ann")
	check(t, b)
}

// TestRefusedDebitsNothing: what one limit refuses is not taken from the other.
func TestRefusedDebitsNothing(t *testing.T) {
	at := noon()
	b := clocked(t, t.TempDir(), &at)
	key := makeKey(t, b, NewKey{Limits: Limits{RPM: 3, TPM: 100, Concurrency: 3, Budget: dollar}, PerUser: Limits{Concurrency: 1}}).ID
	admitted(t, b, key, "ann")
	for range 10 {
		refusedBy(t, b, key, "ann", ScopeConcurrency, true)
	}
	s, err := b.Standing(context.Background(), key, "ann")
	if err != nil || s.Quota.RequestsLeft != 2 || s.Quota.TokensLeft != 99 {
		t.Errorf("%+v, %v", s, err)
	}
	admitted(t, b, key, "bob")
	admitted(t, b, key, "cid")
	if n := len(b.holds); n != 3 {
		t.Errorf("%d holds", n)
	}
}

func TestBudgetWindows(t *testing.T) {
	at := time.Date(2026, 2, 28, 23, 59, 59, 0, time.UTC)
	dir := t.TempDir()
	b := clocked(t, dir, &at)
	day := testPrices.Cost(1, 10) + 1
	n := NewKey{Limits: Limits{BudgetMonth: 3 * day}, PerUser: Limits{BudgetDay: day}}
	key := makeKey(t, b, n).ID
	spend := func(user string) {
		t.Helper()
		settle(t, b, admitted(t, b, key, user), 10)
	}
	spend("ann")
	r := refusedBy(t, b, key, "ann", ScopeBudget, true)
	if midnight := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC); r.Window != Day || !r.Renews.Equal(midnight) || r.After != 0 {
		t.Errorf("%+v", r)
	}
	spend("bob")
	spend("cid")
	if r = refusedBy(t, b, key, "dan", ScopeBudget, false); r.Window != Month || r.Renews.Month() != time.March {
		t.Errorf("%+v", r)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = clocked(t, dir, &at) // windows outlive a restart
	refusedBy(t, b, key, "dan", ScopeBudget, false)
	at = at.Add(time.Second) // a new day, and a new month
	spend("ann")
	at = at.Add(-time.Hour) // a clock that goes back opens no window again
	refusedBy(t, b, key, "ann", ScopeBudget, true)
	spend("dan")
	check(t, b)
	keys, err := b.Keys(context.Background())
	if err != nil || keys[0].Spent != 5*(day-1) || keys[0].SpentMonth != 2*(day-1) || keys[0].SpentDay != 2*(day-1) {
		t.Errorf("%+v, %v", keys, err)
	}
}

// TestBudgetAcrossMidnight: what runs over midnight counts against the day on which it is settled, and against both until then.
func TestBudgetAcrossMidnight(t *testing.T) {
	at := time.Date(2026, 2, 27, 23, 59, 59, 0, time.UTC)
	b := clocked(t, t.TempDir(), &at)
	key := makeKey(t, b, NewKey{Limits: Limits{BudgetDay: testPrices.Cost(2, 30) + 1}}).ID
	g := admitted(t, b, key, "")
	if n, err := b.Lease(context.Background(), g.ID, 30); n != 30 || err != nil {
		t.Fatal(n, err)
	}
	at = at.Add(time.Second)
	other := admitted(t, b, key, "")
	if n, err := b.Lease(context.Background(), other.ID, 1); n != 0 || err != nil {
		t.Fatalf("leased %d tokens that the request of yesterday may still use, %v", n, err)
	}
	if _, err := b.Settle(context.Background(), g.ID, Outcome{Prompt: 1, Completion: 20}); err != nil {
		t.Fatal(err)
	}
	if n, err := b.Lease(context.Background(), other.ID, 30); n != 10 || err != nil {
		t.Fatalf("leased %d, %v, want the 10 that are left", n, err)
	}
}

func TestModelsOfAKey(t *testing.T) {
	b := open(t, t.TempDir(), Limits{})
	key := makeKey(t, b, NewKey{Models: []string{"other"}}).ID
	if _, err := ask(b, key, ""); !errors.Is(err, ErrModel) {
		t.Errorf("%v", err)
	}
	both := []string{"other", "m"}
	if _, err := b.UpdateKey(context.Background(), key, KeyChange{Models: &both}); err != nil {
		t.Fatal(err)
	}
	admitted(t, b, key, "")
}

func TestRotateAndDisable(t *testing.T) {
	at := noon()
	dir := t.TempDir()
	b := clocked(t, dir, &at)
	ctx := context.Background()
	first, key, err := b.CreateKey(ctx, NewKey{Name: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	second, rotated, err := b.RotateKey(ctx, "ann", time.Hour)
	if err != nil || second == first || rotated.ID != key.ID || rotated.Hint == key.Hint || rotated.Former.Hash != nil {
		t.Fatalf("%+v, %v", rotated, err)
	}
	good := func(secret string) error { _, err := b.Authenticate(secret, true); return err }
	if err := errors.Join(good(first), good(second)); err != nil {
		t.Error(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = clocked(t, dir, &at)
	at = at.Add(time.Hour)
	if !errors.Is(good(first), ErrUnknownKey) || good(second) != nil {
		t.Errorf("after an hour: old %v, new %v", good(first), good(second))
	}
	yes, no := true, false
	if _, err := b.UpdateKey(ctx, "ann", KeyChange{Disabled: &yes}); err != nil || !errors.Is(good(second), ErrDisabled) {
		t.Errorf("%v, %v", err, good(second))
	}
	if _, err := b.UpdateKey(ctx, "ann", KeyChange{Disabled: &no}); err != nil || good(second) != nil {
		t.Errorf("%v, %v", err, good(second))
	}
	third, _, err := b.RotateKey(ctx, "ann", 0)
	if err != nil || !errors.Is(good(second), ErrUnknownKey) || good(third) != nil {
		t.Errorf("%v: old %v, new %v", err, good(second), good(third))
	}
	if _, err := b.RevokeKey(ctx, "ann"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.UpdateKey(ctx, "ann", KeyChange{Disabled: &no}); err == nil || !errors.Is(good(third), ErrRevoked) {
		t.Errorf("revoked is not for good: %v, %v", err, good(third))
	}
	if _, _, err := b.RotateKey(ctx, "ann", 0); err == nil {
		t.Error("a revoked key got a new secret")
	}
}

func TestChangesAreChecked(t *testing.T) {
	b := open(t, t.TempDir(), Limits{})
	key := makeKey(t, b, NewKey{Limits: Limits{RPM: 7}}).ID
	low, high, none := -2, maxRate+1, -1
	many := map[string]*LimitChange{}
	for i := range maxUsers + 1 {
		many[fmt.Sprint(i)] = &LimitChange{RPM: &none}
	}
	for _, c := range []KeyChange{
		{Limits: &LimitChange{RPM: &low}}, {PerUser: &LimitChange{TPM: &high}}, {Users: map[string]*LimitChange{"eve": {Concurrency: &low}}},
		{Users: many}, {Models: &[]string{""}},
	} {
		if _, err := b.UpdateKey(context.Background(), key, c); err == nil {
			t.Errorf("changed by %+v", c)
		}
	}
	k, err := b.UpdateKey(context.Background(), key, KeyChange{Limits: &LimitChange{RPM: &none}})
	if err != nil || k.Limits.RPM != -1 || k.Users != nil {
		t.Errorf("%+v, %v", k, err)
	}
}
