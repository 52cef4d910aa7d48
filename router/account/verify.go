package account

import (
	"fmt"
	"slices"
	"strings"

	bolt "go.etcd.io/bbolt"
)

// Report is what Verify found.
type Report struct {
	Requests int      `json:"requests"` // settled
	Open     int      `json:"open"`     // holds
	Cost     Pico     `json:"cost"`     // of all usage
	Problems []string `json:"problems"` // empty: the books are right
}

// Verify reads the whole ledger as of one moment and proves that the sum of all usage is the totals and is what the balances of keys and users
// changed by, that each request was settled once, and that no settled request is still held.
func (b *Book) Verify() (Report, error) {
	var r Report
	err := b.db.View(func(tx *bolt.Tx) error {
		v := verifier{report: &r, totals: map[totalKey]Total{}, spent: map[string]balance{}, seen: map[ID]bool{}}
		return v.check(tx)
	})
	slices.Sort(r.Problems)
	return r, err
}

type verifier struct {
	report *Report
	totals map[totalKey]Total
	spent  map[string]balance // by the scope's name in the database
	seen   map[ID]bool
}

func (v *verifier) problem(format string, args ...any) {
	v.report.Problems = append(v.report.Problems, fmt.Sprintf(format, args...))
}

func (v *verifier) check(tx *bolt.Tx) error {
	for _, step := range []func(*bolt.Tx) error{v.usage, v.settled, v.holds, v.sums, v.balances} {
		if err := step(tx); err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) usage(tx *bolt.Tx) error {
	return each(tx, bucketUsage, func(key []byte, u *Usage) error {
		if v.seen[u.ID] {
			v.problem("request %s/%s was settled twice", u.ID.Router, u.ID.Request)
		}
		v.seen[u.ID] = true
		if at := tx.Bucket(bucketSettled).Get(u.ID.bytes()); string(at) != string(key) {
			v.problem("request %s/%s has usage that its settlement does not name", u.ID.Router, u.ID.Request)
		}
		t := v.totals[totalKey{u.Key, u.User}]
		t.add(u)
		v.totals[totalKey{u.Key, u.User}] = t
		for _, name := range []string{u.Key, string(totalKey{u.Key, u.User}.bytes())} {
			sum := v.spent[name]
			sum.spend(u.Settled, u.Cost)
			v.spent[name] = sum
		}
		v.report.Requests++
		v.report.Cost += u.Cost
		return nil
	})
}

func (v *verifier) settled(tx *bolt.Tx) error {
	n := 0
	err := tx.Bucket(bucketSettled).ForEach(func(_, _ []byte) error { n++; return nil })
	if n != v.report.Requests {
		v.problem("%d settlements, %d usage records", n, v.report.Requests)
	}
	return err
}

func (v *verifier) holds(tx *bolt.Tx) error {
	return each(tx, bucketHolds, func(_ []byte, h *hold) error {
		v.report.Open++
		if v.seen[h.ID] {
			v.problem("request %s/%s is settled and still held", h.ID.Router, h.ID.Request)
		}
		return nil
	})
}

func (v *verifier) sums(tx *bolt.Tx) error {
	left := len(v.totals)
	err := each(tx, bucketTotals, func(_ []byte, t *Total) error {
		left--
		want := v.totals[totalKey{t.Key, t.User}]
		want.Key, want.User = t.Key, t.User
		if *t != want {
			v.problem("totals of key %s, user %q are %d requests, $%s; usage says %d requests, $%s",
				t.Key, t.User, t.Requests, t.Cost, want.Requests, want.Cost)
		}
		return nil
	})
	if left > 0 {
		v.problem("%d pairs of key and user have usage and no totals", left)
	}
	return err
}

// balances compares what each scope's balance says with the sum of its usage in order.
func (v *verifier) balances(tx *bolt.Tx) error {
	err := each(tx, bucketScopes, func(name []byte, s *scopeState) error {
		if want := v.spent[string(name)]; s.Spent != want {
			v.problem("balance of %s is %s, usage says %s", scopeName(name), &s.Spent, &want)
		}
		delete(v.spent, string(name))
		return nil
	})
	for name := range v.spent {
		v.problem("%s has usage and no balance", scopeName([]byte(name)))
	}
	return err
}

func scopeName(name []byte) string {
	key, user, ofUser := strings.Cut(string(name), "\x00")
	if ofUser {
		return fmt.Sprintf("key %s, user %q", key, user)
	}
	return "key " + key
}

func (b *balance) String() string {
	return fmt.Sprintf("$%s (day %d: $%s, month %d: $%s)", b.Ever, b.Day.Number, b.Day.Spent, b.Month.Number, b.Month.Spent)
}
