package account

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Total is what one user of one key has used.
type Total struct {
	Key        string `json:"key"`
	Name       string `json:"name,omitempty"` // the key's name, in answers only
	User       string `json:"user,omitempty"`
	Requests   int    `json:"requests"`
	Prompt     int    `json:"prompt_tokens"`
	Completion int    `json:"completion_tokens"`
	Cost       Pico   `json:"cost"`
}

type totalKey struct{ key, user string }

func (k totalKey) bytes() []byte { return []byte(k.key + "\x00" + k.user) }

func (t *Total) add(u *Usage) {
	t.Requests++
	t.Prompt += u.Prompt
	t.Completion += u.Completion
	t.Cost += u.Cost
}

// Query selects usage.
type Query struct {
	Key    string    // id; "" is every key
	User   string    // "" is every user
	Since  time.Time // zero is ever since; records settled from then on count
	Until  time.Time // zero is until now; records settled before it count
	ByUser bool      // one line for each user of a key instead of one for each key
}

// Usage sums up what was used, ordered by key and user.
func (b *Book) Usage(ctx context.Context, q Query) ([]Total, error) {
	sums := map[totalKey]*Total{}
	collect := func(t *Total) {
		if (q.Key != "" && q.Key != t.Key) || (q.User != "" && q.User != t.User) {
			return
		}
		at := totalKey{key: t.Key}
		if q.ByUser || q.User != "" {
			at.user = t.User
		}
		s := sums[at]
		if s == nil {
			s = &Total{Key: at.key, User: at.user}
			sums[at] = s
		}
		s.Requests += t.Requests
		s.Prompt += t.Prompt
		s.Completion += t.Completion
		s.Cost += t.Cost
	}
	if err := b.collect(ctx, &q, collect); err != nil {
		return nil, err
	}
	return b.named(sums), nil
}

// collect gives the totals where all time is asked for, and single records otherwise.
func (b *Book) collect(ctx context.Context, q *Query, collect func(*Total)) error {
	return b.db.View(func(tx *bolt.Tx) error {
		if q.Since.IsZero() && q.Until.IsZero() {
			var prefix []byte
			if q.Key != "" {
				prefix = totalKey{key: q.Key}.bytes()
			}
			return eachOf(tx, bucketTotals, prefix, func(_ []byte, t *Total) error {
				collect(t)
				return ctx.Err()
			})
		}
		return scan(ctx, tx, q.Since, q.Until, func(u *Usage) {
			t := Total{Key: u.Key, User: u.User}
			t.add(u)
			collect(&t)
		})
	})
}

// scan calls fn with the records that were settled from since until before until, in order; zero times bound nothing.
func scan(ctx context.Context, tx *bolt.Tx, since, until time.Time, fn func(*Usage)) error {
	var from, to []byte
	if !since.IsZero() {
		from = usageKey(max(0, since.UnixNano()), 0)
	}
	if !until.IsZero() {
		to = usageKey(max(0, until.UnixNano()), 0)
	}
	c := tx.Bucket(bucketUsage).Cursor()
	for key, data := c.Seek(from); key != nil && (to == nil || bytes.Compare(key, to) < 0); key, data = c.Next() {
		var u Usage
		if err := json.Unmarshal(data, &u); err != nil {
			return fmt.Errorf("account: usage %x: %w", key, err)
		}
		fn(&u)
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

func (b *Book) named(sums map[totalKey]*Total) []Total {
	names := b.names()
	out := make([]Total, 0, len(sums))
	for _, t := range sums {
		t.Name = cmp.Or(names[t.Key], t.Key)
		out = append(out, *t)
	}
	slices.SortFunc(out, func(x, y Total) int {
		return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.Key, y.Key), cmp.Compare(x.User, y.User))
	})
	return out
}

// names are the keys' names by their ids.
func (b *Book) names() map[string]string {
	names := map[string]string{}
	for _, e := range b.index.Load().byMAC {
		names[e.key.ID] = e.key.Name
	}
	return names
}
