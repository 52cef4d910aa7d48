package account

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	bolt "go.etcd.io/bbolt"
)

var testPrices = Prices{Prompt: 590_000, Completion: 790_000}

func open(t *testing.T, dir string, defaults Limits) *Book {
	t.Helper()
	b, err := Open(dir, Options{Defaults: defaults, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() }) // a second time in most tests
	return b
}

func admission(request string, prompt int) Admission {
	return Admission{ID: ID{"r", request}, Key: LocalKey, User: "u", Model: "m", Prompt: prompt, Prices: testPrices}
}

func admit(t *testing.T, b *Book, a Admission) *Grant {
	t.Helper()
	g, err := b.Admit(context.Background(), a)
	if err == nil {
		err = g.Durable(context.Background())
	}
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// check proves the books.
func check(t *testing.T, b *Book) Report {
	t.Helper()
	r, err := b.Verify()
	if err != nil || len(r.Problems) > 0 {
		t.Fatalf("%v, %v", r.Problems, err)
	}
	return r
}

func TestSettleOnce(t *testing.T) {
	b := open(t, t.TempDir(), Limits{})
	ctx := context.Background()
	g := admit(t, b, admission("1", 149))
	if _, err := b.Admit(ctx, admission("1", 149)); !errors.Is(err, ErrDuplicate) {
		t.Errorf("admitted twice: %v", err)
	}
	first, err := b.Settle(ctx, g.ID, Outcome{Prompt: 149, Completion: 338, Status: StatusOK})
	if err != nil || first.Cost.String() != "0.00035493" {
		t.Fatalf("%+v, %v", first, err)
	}
	again, err := b.Settle(ctx, g.ID, Outcome{Prompt: 1, Completion: 1, Status: StatusError})
	if err != nil || again != first {
		t.Errorf("a replay settles %+v, %v, want %+v", again, err, first)
	}
	if _, err := b.Settle(ctx, ID{"r", "unknown"}, Outcome{}); !errors.Is(err, ErrUnknownRequest) {
		t.Errorf("unknown request: %v", err)
	}
	if _, err := b.Lease(ctx, g.ID, 1); !errors.Is(err, ErrUnknownRequest) {
		t.Errorf("lease after settlement: %v", err)
	}
	if r := check(t, b); r.Requests != 1 || r.Cost != first.Cost {
		t.Errorf("%+v", r)
	}
}

func TestRecovery(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir, Limits{Concurrency: 10})
	begun, silent := admit(t, b, admission("begun", 10)), admit(t, b, admission("silent", 10))
	prompt := admit(t, b, admission("prompt", 10))
	for _, m := range [][]Mark{{{0, 3}}, {{1, 2}, {0, 5}}} {
		if err := b.Deliver(begun.Hold, m...); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Deliver(prompt.Hold, PromptDone); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = open(t, dir, Limits{})
	for id, want := range map[ID]Outcome{begun.ID: {Prompt: 10, Completion: 7}, prompt.ID: {Prompt: 10}, silent.ID: {}} {
		u, err := b.Settle(context.Background(), id, Outcome{Prompt: 99, Completion: 99}) // a replay
		if err != nil || u.Prompt != want.Prompt || u.Completion != want.Completion || u.Status != StatusRecovered {
			t.Errorf("%s: %+v, %v, want %+v", id.Request, u, err, want)
		}
	}
	if r := check(t, b); r.Open != 0 || r.Requests != 3 {
		t.Errorf("%+v", r)
	}
	if g := admit(t, b, admission("next", 1)); g.Hold <= prompt.Hold {
		t.Errorf("hold number %d was used before", g.Hold)
	}
}

func TestLimitsOutliveARestart(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir, Limits{RPM: 2})
	for i := range 2 {
		g := admit(t, b, admission(fmt.Sprint(i), 1))
		if _, err := b.Settle(context.Background(), g.ID, Outcome{Prompt: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = open(t, dir, Limits{RPM: 2})
	_, err := b.Admit(context.Background(), admission("3", 1))
	var r *Refusal
	if !errors.As(err, &r) || r.Scope != ScopeRequests || r.After <= 0 || r.Quota.RequestLimit != 2 {
		t.Errorf("%v", err)
	}
}

// TestNoRaceToTheLimit: however many ask at once, a limit admits what it says.
func TestNoRaceToTheLimit(t *testing.T) {
	b := open(t, t.TempDir(), Limits{Concurrency: 5})
	var admitted atomic.Int32
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() {
			if _, err := b.Admit(context.Background(), admission(fmt.Sprint(i), 1)); err == nil {
				admitted.Add(1)
			}
		})
	}
	wg.Wait()
	if n := admitted.Load(); n != 5 {
		t.Errorf("%d admitted, the limit is 5", n)
	}
}

func TestBudgetLease(t *testing.T) {
	b := open(t, t.TempDir(), Limits{Budget: 100 * 590_000, TPM: -1})
	ctx := context.Background()
	a := admission("1", 50)
	a.Prices = Prices{Prompt: 590_000, Completion: 590_000}
	g := admit(t, b, a)
	for _, c := range []struct{ ask, want int }{{30, 30}, {30, 20}, {1, 0}} {
		if got, err := b.Lease(ctx, g.ID, c.ask); err != nil || got != c.want {
			t.Errorf("asked %d, got %d, %v, want %d", c.ask, got, err, c.want)
		}
	}
	if _, err := b.Admit(ctx, admission("2", 1)); err == nil {
		t.Error("admitted beyond the budget that others reserve")
	}
	if _, err := b.Settle(ctx, g.ID, Outcome{Prompt: 50, Completion: 10}); err != nil {
		t.Fatal(err)
	}
	admit(t, b, admission("3", 1)) // what was leased and not used is free again
}

func TestSecondOwnerIsRefused(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, Limits{})
	if _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("%v", err)
	}
}

func TestKeyLife(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir, Limits{})
	ctx := context.Background()
	if id, err := b.Authenticate("", true); id != LocalKey || err != nil {
		t.Errorf("open without keys: %s, %v", id, err)
	}
	if _, err := b.Authenticate("", false); !errors.Is(err, ErrNoKey) {
		t.Errorf("not open: %v", err)
	}
	secret, key, err := b.CreateKey(ctx, NewKey{Name: "a\nb", Expires: time.Now().Add(time.Hour)})
	if err != nil || key.Name != "ab" || !strings.HasPrefix(secret, "sk-") || len(secret) < 50 {
		t.Fatalf("%q %+v, %v", secret, key, err)
	}
	for _, bad := range []NewKey{
		{}, {Name: " \n"}, {Name: "x", Expires: time.Now().Add(-time.Hour)}, {Name: "x", Secret: "short"}, {Name: "x", Secret: secret},
		{Name: "x", Limits: Limits{RPM: maxRate + 1}}, {Name: "x", Limits: Limits{TPM: -2}},
	} {
		if _, _, err := b.CreateKey(ctx, bad); err == nil {
			t.Errorf("made from %+v", bad)
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = open(t, dir, Limits{})
	if id, err := b.Authenticate(secret, true); id != key.ID || err != nil {
		t.Errorf("after a restart: %s, %v", id, err)
	}
	k := b.keys[key.ID].Key
	if err := k.usable(k.Expires); !errors.Is(err, ErrExpired) {
		t.Errorf("at its end: %v", err)
	}
	if err := b.EnsureKey(ctx, "again", secret); err != nil {
		t.Error(err)
	}
	if _, err := b.RevokeKey(ctx, key.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Authenticate(secret, true); !errors.Is(err, ErrRevoked) {
		t.Errorf("revoked: %v", err)
	}
	if keys, err := b.Keys(ctx); err != nil || len(keys) != 1 || !keys[0].Disabled {
		t.Errorf("%+v, %v", keys, err)
	}
}

// TestRevokeByName: a name names the one key that is in use, as after a rotation.
func TestRevokeByName(t *testing.T) {
	b := open(t, t.TempDir(), Limits{})
	ctx := context.Background()
	var ids []string
	for range 2 {
		_, key, err := b.CreateKey(ctx, NewKey{Name: strings.Repeat("é", 100)})
		if err != nil || !utf8.ValidString(key.Name) {
			t.Fatalf("%q, %v", key.Name, err)
		}
		ids = append(ids, key.ID)
	}
	name := b.keys[ids[0]].Name
	if _, err := b.RevokeKey(ctx, name); err == nil {
		t.Error("a name that two keys have revoked one of them")
	}
	if _, err := b.RevokeKey(ctx, ids[0]); err != nil {
		t.Fatal(err)
	}
	if key, err := b.RevokeKey(ctx, name); err != nil || key.ID != ids[1] {
		t.Errorf("%s, %v, want the one in use, %s", key.ID, err, ids[1])
	}
}

func TestVerifyFindsWhatIsWrong(t *testing.T) {
	for name, harm := range map[string]func(tx *bolt.Tx) error{
		"totals": func(tx *bolt.Tx) error {
			v, err := json.Marshal(Total{Key: LocalKey, User: "u", Requests: 1, Cost: 5})
			return errors.Join(err, tx.Bucket(bucketTotals).Put(totalKey{LocalKey, "u"}.bytes(), v))
		},
		"balance": func(tx *bolt.Tx) error {
			return tx.Bucket(bucketScopes).Put([]byte(LocalKey), []byte(`{"spent":{"ever":1}}`))
		},
		"usage lost": func(tx *bolt.Tx) error {
			k, _ := tx.Bucket(bucketUsage).Cursor().First()
			return tx.Bucket(bucketUsage).Delete(k)
		},
		"settled twice": func(tx *bolt.Tx) error {
			_, v := tx.Bucket(bucketUsage).Cursor().First()
			return tx.Bucket(bucketUsage).Put(usageKey(1, 1), append([]byte(nil), v...))
		},
		"still held": func(tx *bolt.Tx) error {
			return tx.Bucket(bucketHolds).Put(ID{"r", "1"}.bytes(), []byte(`{"number":1,"id":{"router":"r","request":"1"},"key":"local"}`))
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := open(t, t.TempDir(), Limits{})
			g := admit(t, b, admission("1", 10))
			if _, err := b.Settle(context.Background(), g.ID, Outcome{Prompt: 10, Completion: 5}); err != nil {
				t.Fatal(err)
			}
			check(t, b)
			if err := b.db.Update(harm); err != nil {
				t.Fatal(err)
			}
			if r, err := b.Verify(); err != nil || len(r.Problems) == 0 {
				t.Errorf("not found: %+v, %v", r, err)
			}
		})
	}
}

func TestClosedBook(t *testing.T) {
	b := open(t, t.TempDir(), Limits{})
	g := admit(t, b, admission("1", 1))
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Admit(context.Background(), admission("2", 1)); !errors.Is(err, ErrClosed) {
		t.Errorf("admit: %v", err)
	}
	if _, err := b.Settle(context.Background(), g.ID, Outcome{}); !errors.Is(err, ErrClosed) {
		t.Errorf("settle: %v", err)
	}
}

// TestADiskThatFails: what is not on disk is told so, and nothing is admitted until it is.
func TestADiskThatFails(t *testing.T) {
	b := open(t, t.TempDir(), Limits{})
	ctx := context.Background()
	admit(t, b, admission("1", 1))
	if err := b.db.Close(); err != nil {
		t.Fatal(err)
	}
	g, err := b.Admit(ctx, admission("2", 1)) // nobody knows yet
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Durable(ctx); !errors.Is(err, ErrUnavailable) {
		t.Errorf("durable without a disk: %v", err)
	}
	if _, err := b.Admit(ctx, admission("3", 1)); !errors.Is(err, ErrUnavailable) {
		t.Errorf("%v", err)
	}
	if _, err := b.Settle(ctx, g.ID, Outcome{}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("%v", err)
	}
}

// TestDecisionsDoNotWaitForTheDisk: a lease is allowed while the hold it is for is still being committed.
func TestDecisionsDoNotWaitForTheDisk(t *testing.T) {
	b := open(t, t.TempDir(), Limits{})
	ctx := context.Background()
	tx, err := b.db.Begin(true) // holds up every commit
	if err != nil {
		t.Fatal(err)
	}
	g, err := b.Admit(ctx, admission("1", 1))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := b.Lease(ctx, g.ID, 5); n != 5 || err != nil {
		t.Errorf("leased %d, %v", n, err)
	}
	if _, err := b.Admit(ctx, admission("2", 1)); err != nil {
		t.Error(err)
	}
	short, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
	defer cancel()
	if err := g.Durable(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("durable before its commit: %v", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := g.Durable(ctx); err != nil {
		t.Error(err)
	}
}

// TestUsageOfOneKey: other keys' totals are not even read.
func TestUsageOfOneKey(t *testing.T) {
	b := open(t, t.TempDir(), Limits{})
	key := makeKey(t, b, NewKey{}).ID
	for _, user := range []string{"", "ann", "bob"} {
		settle(t, b, admitted(t, b, key, user), 1)
	}
	spoil := func(tx *bolt.Tx) error {
		totals := tx.Bucket(bucketTotals)
		return errors.Join(totals.Put([]byte("a\x00u"), []byte("?")), totals.Put([]byte(key+"x\x00u"), []byte("?")), totals.Put([]byte("z\x00u"), []byte("?")))
	}
	if err := b.db.Update(spoil); err != nil {
		t.Fatal(err)
	}
	totals, err := b.Usage(t.Context(), Query{Key: key, ByUser: true})
	if err != nil || len(totals) != 3 {
		t.Errorf("%+v, %v", totals, err)
	}
	totals, err = b.Usage(t.Context(), Query{Key: key})
	if err != nil || len(totals) != 1 || totals[0].Requests != 3 {
		t.Errorf("%+v, %v", totals, err)
	}
	if _, err := b.Usage(t.Context(), Query{}); err == nil {
		t.Error("a total that cannot be read is not told")
	}
}
