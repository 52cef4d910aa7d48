package account

import (
	"math/rand/v2"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

func TestRate(t *testing.T) {
	var r rate
	now := int64(1_700_000_000_000_000_000)
	for i := range 10 {
		if w := r.wait(now, 1, 10); w != 0 {
			t.Fatalf("request %d of a burst of 10 waits %v", i, w)
		}
		r.take(now, 1, 10)
	}
	if w := r.wait(now, 1, 10); w != 6*time.Second {
		t.Errorf("the eleventh waits %v, want 6s", w)
	}
	if r.left(now, 10) != 0 || r.reset(now) != time.Minute {
		t.Errorf("left %d, reset %v", r.left(now, 10), r.reset(now))
	}
	later := now + int64(6*time.Second)
	if r.wait(later, 1, 10) != 0 || r.left(later, 10) != 1 {
		t.Errorf("after 6s: wait %v, left %d", r.wait(later, 1, 10), r.left(later, 10))
	}
	r.take(now, 35, 10) // debt
	if w := r.wait(now, 1, 10); w != 216*time.Second {
		t.Errorf("in debt: wait %v, want 3m36s", w)
	}
	r.give(35, 10)
	if w := r.wait(now, 1, 10); w != 6*time.Second {
		t.Errorf("after giving back: wait %v", w)
	}
}

// TestRateHolds: over any time, no more passes than the burst and what has been paid back.
func TestRateHolds(t *testing.T) {
	for _, limit := range []int{1, 7, 60, 1000, maxRate} {
		rng := rand.New(rand.NewPCG(1, uint64(limit)))
		var r rate
		begin := int64(1_700_000_000_000_000_000)
		now, passed := begin, int64(0)
		for range 5000 {
			now += rng.Int64N(int64(time.Second))
			n := 1 + rng.IntN(max(1, limit/5))
			if r.wait(now, n, limit) == 0 {
				r.take(now, n, limit)
				passed += int64(n)
			}
			// In 128 bits: limit * elapsed does not fit into 64.
			if allowed := float64(limit) * (1 + float64(now-begin)/float64(minute)); float64(passed) > allowed+1e-6*allowed {
				t.Fatalf("limit %d: %d passed, %f allowed", limit, passed, allowed)
			}
		}
	}
}

// TestRateEdges: a nanosecond early is too early, to the nanosecond is not; nothing costs nothing; a limit that is lowered
// leaves what was taken as it was.
func TestRateEdges(t *testing.T) {
	now := int64(1_700_000_000_000_000_000)
	for _, limit := range []int{1, 3, 7, 59, 60, 61, maxRate} {
		var r rate
		if w := r.wait(now, limit, limit); w != 0 {
			t.Errorf("limit %d: the whole burst waits %v", limit, w)
		}
		r.take(now, limit, limit)
		wait := int64(r.wait(now, 1, limit))
		if wait != cost(1, limit) {
			t.Errorf("limit %d: one more waits %d ns, want %d", limit, wait, cost(1, limit))
		}
		if w := r.wait(now+wait-1, 1, limit); w != 1 {
			t.Errorf("limit %d: a nanosecond early waits %d ns", limit, w)
		}
		if r.wait(now+wait, 1, limit) != 0 || r.left(now+wait, limit) != 1 || r.left(now+wait-1, limit) != 0 {
			t.Errorf("limit %d: in time: wait %v, left %d", limit, r.wait(now+wait, 1, limit), r.left(now+wait, limit))
		}
		if r.wait(now, 0, limit) != 0 {
			t.Errorf("limit %d: nothing waits", limit)
		}
		if r.reset(now+minute) != 0 || r.left(now+minute, limit) != limit {
			t.Errorf("limit %d: after a minute %d are left, reset in %v", limit, r.left(now+minute, limit), r.reset(now+minute))
		}
	}
	var r rate
	r.take(now, 5, 10)
	if r.left(now, 2) != 1 || r.wait(now, 1, 2) != 0 || r.wait(now, 2, 2) != 30*time.Second {
		t.Errorf("half of a minute was taken; of 2 a minute are left %d, two wait %v", r.left(now, 2), r.wait(now, 2, 2))
	}
}

// TestTokensAfterADeath: what a request has used is debited once, whatever was written of it and of others before the process
// died, to its key and to its user.
func TestTokensAfterADeath(t *testing.T) {
	for name, then := range map[string]func(t *testing.T, b *Book, key string){
		"nothing else": func(*testing.T, *Book, string) {},
		"its user":     func(t *testing.T, b *Book, key string) { admitted(t, b, key, "ann") },
		"another user": func(t *testing.T, b *Book, key string) { admitted(t, b, key, "bob") },
		"a settlement": func(t *testing.T, b *Book, key string) {
			g := admitted(t, b, key, "bob")
			if _, err := b.Settle(t.Context(), g.ID, Outcome{}); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			at, dir := noon(), t.TempDir()
			b := clocked(t, dir, &at)
			key := makeKey(t, b, NewKey{Limits: Limits{TPM: 1000}, PerUser: Limits{TPM: 800}}).ID
			g := admitted(t, b, key, "ann")
			for range 2 {
				if n, err := b.Lease(t.Context(), g.ID, 200); n != 200 || err != nil {
					t.Fatal(n, err)
				}
			}
			if err := b.Deliver(g.Hold, PromptDone, Mark{Position: 300}); err != nil {
				t.Fatal(err)
			}
			then(t, b, key)
			if err := b.Close(); err != nil { // holds stay, as after a kill
				t.Fatal(err)
			}
			b = clocked(t, dir, &at)
			for user, want := range map[string]int{"ann": 800 - 301, "bob": 1000 - 301} {
				if s, err := b.Standing(t.Context(), key, user); err != nil || s.Quota.TokensLeft != want {
					t.Errorf("user %s has %d tokens left, %v, want %d", user, s.Quota.TokensLeft, err, want)
				}
			}
			check(t, b)
		})
	}
}

// TestALeaseWritesNothing: leases of this router's requests are written when something else is.
func TestALeaseWritesNothing(t *testing.T) {
	b := open(t, t.TempDir(), Limits{TPM: 1000})
	g := admit(t, b, admission("1", 1))
	commits := func() (n int) {
		if err := b.db.View(func(tx *bolt.Tx) error { n = tx.ID(); return nil }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := commits()
	for range 10 {
		if err := b.write(t.Context(), func() { b.extend(b.holds[g.ID], 10) }); err != nil {
			t.Fatal(err)
		}
	}
	if n := commits() - before; n != 0 {
		t.Errorf("ten leases are %d commits", n)
	}
	if n := len(b.keys[LocalKey].unsaved); n != 1 {
		t.Errorf("%d holds have leased", n)
	}
	if _, err := b.Settle(t.Context(), g.ID, Outcome{}); err != nil || len(b.keys[LocalKey].unsaved) != 0 {
		t.Errorf("%v; a hold that is settled is still to be written", err)
	}
}
