package account

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Dimensions by which an export may be broken down.
const (
	ByKey   = "key"
	ByUser  = "user"
	ByModel = "model"
	ByDay   = "day"
)

// Export selects and breaks down usage.
type Export struct {
	From time.Time // records settled from then on; zero is ever since
	To   time.Time // and before then; zero is until now
	By   []string  // ByKey, ByUser, ByModel, ByDay; the rows are ordered by day, key, user, model
}

// Row is the usage of one combination of what an export is broken down by; what it is not is "".
type Row struct {
	Day        string `json:"day,omitempty"` // UTC, 2026-02-28, of the settlement
	Key        string `json:"key,omitempty"`
	Name       string `json:"name,omitempty"` // the key's
	User       string `json:"user,omitempty"`
	Model      string `json:"model,omitempty"`
	Requests   int    `json:"requests"`
	Prompt     int    `json:"prompt_tokens"`
	Cached     int    `json:"cached_tokens"`
	Completion int    `json:"completion_tokens"`
	Cost       Pico   `json:"cost"`
}

type rowKey struct{ day, key, user, model string }

func (e *Export) check() error {
	for _, by := range e.By {
		if !slices.Contains([]string{ByKey, ByUser, ByModel, ByDay}, by) {
			return fmt.Errorf("usage is not kept by %q: by %s, %s, %s or %s", by, ByKey, ByUser, ByModel, ByDay)
		}
	}
	return nil
}

// Export sums up usage record by record, as of one moment.
func (b *Book) Export(ctx context.Context, e Export) ([]Row, error) {
	if err := e.check(); err != nil {
		return nil, err
	}
	rows := map[rowKey]*Row{}
	err := b.db.View(func(tx *bolt.Tx) error {
		return scan(ctx, tx, e.From, e.To, func(u *Usage) {
			at := e.at(u)
			r := rows[at]
			if r == nil {
				r = &Row{Day: at.day, Key: at.key, User: at.user, Model: at.model}
				rows[at] = r
			}
			r.add(u)
		})
	})
	if err != nil {
		return nil, err
	}
	names := b.names()
	out := make([]Row, 0, len(rows))
	for _, r := range rows {
		r.Name = names[r.Key]
		out = append(out, *r)
	}
	slices.SortFunc(out, func(x, y Row) int {
		return cmp.Or(cmp.Compare(x.Day, y.Day), cmp.Compare(x.Name, y.Name), cmp.Compare(x.Key, y.Key), cmp.Compare(x.User, y.User),
			cmp.Compare(x.Model, y.Model))
	})
	return out, nil
}

// at is the row that a record belongs to.
func (e *Export) at(u *Usage) (at rowKey) {
	for _, by := range e.By {
		switch by {
		case ByKey:
			at.key = u.Key
		case ByUser:
			at.user = u.User
		case ByModel:
			at.model = u.Model
		case ByDay:
			at.day = u.Settled.UTC().Format(time.DateOnly)
		}
	}
	return at
}

func (r *Row) add(u *Usage) {
	r.Requests++
	r.Prompt += u.Prompt
	r.Cached += u.Cached
	r.Completion += u.Completion
	r.Cost += u.Cost
}
