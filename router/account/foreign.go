package account

import (
	"cmp"
	"context"
	"time"

	bolt "go.etcd.io/bbolt"
)

// What a router that uses this ledger from afar needs beyond Ledger. Its requests are admitted with its boot; they outlive
// a restart of the owner, so that their leases are durable before they are used, and messages that come twice change
// nothing.

// ID is random and stays with the ledger for ever: who uses it from afar knows by it that it is still the same.
func (b *Book) ID() string { return b.id }

// AuthenticateHash is Authenticate by the SHA-256 of the secret; none stands for no secret.
func (b *Book) AuthenticateHash(hash []byte, open bool) (id string, err error) {
	return b.authenticate(hash, len(hash) > 0, open)
}

// Held is the grant of a request that was admitted and is not settled, once it is durable.
func (b *Book) Held(ctx context.Context, id ID) (g *Grant, err error) {
	writeErr := b.write(ctx, func() {
		h := b.holds[id]
		if h == nil {
			err = ErrUnknownRequest
			return
		}
		parties := b.parties(b.keys[h.Key], h.User)
		g = &Grant{ID: id, Hold: h.Number, Prices: h.Prices, Quota: quota(parties[:], b.now().UnixNano())}
	})
	return g, cmp.Or(writeErr, err)
}

// LeaseTo allows a request's output tokens up to a number in all, durably, and returns how many are: fewer only where the
// budget ends.
func (b *Book) LeaseTo(ctx context.Context, id ID, upTo int) (leased int, err error) {
	writeErr := b.write(ctx, func() {
		h := b.holds[id]
		if h == nil {
			err = ErrUnknownRequest
			return
		}
		if n := upTo - h.Leased; n > 0 && b.extend(h, n) > 0 {
			b.putHold(h)
			b.putScopes(h)
		}
		leased = h.Leased
	})
	return leased, cmp.Or(writeErr, err)
}

// Delivery is the marks of one hold.
type Delivery struct {
	Hold  uint64 `json:"hold"`
	Marks []Mark `json:"marks"`
}

// DeliverHeld journals positions of many requests. It returns, for each, ErrUnknownRequest where it has been settled: what
// was not journalled must not be written.
func (b *Book) DeliverHeld(ds []Delivery) []error {
	errs := make([]error, len(ds))
	entries := make([]entry, len(ds))
	for i, d := range ds {
		entries[i] = entry{hold: d.Hold, marks: d.Marks, known: true, wrote: make(chan error, 1)}
		if !b.journal.send(entries[i]) {
			errs[i] = ErrClosed
		}
	}
	for i, e := range entries {
		if errs[i] == nil {
			errs[i] = b.journal.wait(e)
		}
	}
	return errs
}

// Foreign names a request of another router.
type Foreign struct {
	ID       ID
	Boot     string
	Admitted time.Time
}

// Abandon settles the requests of other routers that are gone, each at its last journalled position.
func (b *Book) Abandon(ctx context.Context, gone func(Foreign) bool) (n int, err error) {
	err = b.write(ctx, func() {
		for id, h := range b.holds {
			if h.Boot == "" || !gone(Foreign{id, h.Boot, h.Admitted}) {
				continue
			}
			if at, ok := b.journal.end(h.Number); ok {
				b.settle(id, h.delivered(at))
				n++
			}
		}
	})
	return n, err
}

// wasSettled tells whether a request has a usage record. Only the writer calls it.
func (b *Book) wasSettled(id ID) (yes bool) {
	if b.ended[id] || b.ending[id] {
		return true
	}
	_ = b.db.View(func(tx *bolt.Tx) error { // fails only when closed
		yes = tx.Bucket(bucketSettled).Get(id.bytes()) != nil
		return nil
	})
	return yes
}
