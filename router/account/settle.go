package account

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Settle implements [Ledger]. It returns when the record is on disk, or when that failed or took too long: then the book goes on
// trying for as long as it is open.
func (b *Book) Settle(ctx context.Context, id ID, o Outcome) (Usage, error) {
	u, err := b.trySettle(ctx, id, o)
	if err != nil {
		b.again(unsettled{id, o}, err)
	}
	return u, err
}

func (b *Book) trySettle(ctx context.Context, id ID, o Outcome) (u Usage, err error) {
	var found bool
	if err := b.write(ctx, func() { u, found = b.settle(id, o) }); err != nil {
		return u, err
	}
	if !found {
		if u, err = b.settled(id); err != nil {
			return u, err
		}
	}
	b.journal.forget(u.Hold)
	return u, nil
}

// settle turns a hold into usage. Only the writer calls it.
func (b *Book) settle(id ID, o Outcome) (Usage, bool) {
	h := b.holds[id]
	if h == nil {
		return Usage{}, false
	}
	now := b.now()
	u := Usage{
		ID: id, Hold: h.Number, Key: h.Key, User: h.User, Model: h.Model, Admitted: h.Admitted, Settled: now,
		Prompt: o.Prompt, Cached: o.Cached, Completion: o.Completion, Status: o.Status,
		Cost: h.Prices.Cost(o.Prompt, o.Completion),
	}
	for i, p := range b.parties(b.keys[h.Key], h.User) {
		p.release(h, &u, h.TPM[i])
	}
	delete(b.keys[h.Key].unsaved, h)
	b.putScopes(h)
	t := b.total(h.Key, h.User)
	t.add(&u)
	delete(b.holds, id)
	b.ended[id] = true

	key := usageKey(now.UnixNano(), h.Number)
	b.put(bucketUsage, key, u)
	b.pending = append(b.pending, put{bucketSettled, id.bytes(), key}, put{bucket: bucketHolds, key: id.bytes()})
	b.put(bucketTotals, totalKey{h.Key, h.User}.bytes(), t)
	b.putMeta()
	return u, true
}

func (b *Book) total(key, user string) *Total {
	t := b.totals[totalKey{key, user}]
	if t == nil {
		t = &Total{Key: key, User: user}
		b.totals[totalKey{key, user}] = t
	}
	return t
}

// settled finds the record of a request that was settled before.
func (b *Book) settled(id ID) (u Usage, err error) {
	err = b.db.View(func(tx *bolt.Tx) error {
		key := tx.Bucket(bucketSettled).Get(id.bytes())
		if key == nil {
			return ErrUnknownRequest
		}
		return json.Unmarshal(tx.Bucket(bucketUsage).Get(key), &u)
	})
	return u, err
}

// recoverHolds settles what a dead process left, each request at its last journalled position. Where nothing was delivered
// nothing is billed. Requests of other routers go on: it returns how far they are.
func (b *Book) recoverHolds(journalPath string) (kept marks, err error) {
	all, err := readJournal(journalPath)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	kept = marks{}
	n := 0
	for id, h := range b.holds {
		if h.Boot != "" {
			kept[h.Number] = all[h.Number]
			if kept[h.Number] == nil {
				kept[h.Number] = map[uint32]uint32{}
			}
			continue
		}
		b.settle(id, h.delivered(all[h.Number]))
		n++
	}
	if b.flush(); b.broken != nil {
		return nil, fmt.Errorf("account: settle %d requests of an earlier run: %w", n, b.broken)
	}
	if n > 0 {
		b.log.Info("settled requests of an earlier run", "requests", n, "took", time.Since(start))
	}
	return kept, nil
}

// delivered is how a request ended that was delivered so far and then lost its router.
func (h *hold) delivered(at map[uint32]uint32) Outcome {
	o := Outcome{Status: StatusRecovered}
	for choice, position := range at {
		o.Prompt = h.Prompt
		if choice != promptDone {
			o.Completion += int(position)
		}
	}
	return o
}
