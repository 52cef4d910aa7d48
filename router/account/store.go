package account

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	bolt "go.etcd.io/bbolt"
)

// Buckets of ledger.db. Values are JSON.
var (
	bucketMeta    = []byte("meta")    // "state" -> metaState
	bucketKeys    = []byte("keys")    // key id -> Key
	bucketScopes  = []byte("scopes")  // key id, or key \0 user -> scopeState
	bucketHolds   = []byte("holds")   // router \0 request -> hold
	bucketUsage   = []byte("usage")   // settled ns, hold (8+8 bytes, big-endian) -> Usage
	bucketSettled = []byte("settled") // router \0 request -> key in usage
	bucketTotals  = []byte("totals")  // key \0 user -> Total

	buckets = [][]byte{bucketMeta, bucketKeys, bucketScopes, bucketHolds, bucketUsage, bucketSettled, bucketTotals}
)

// storeVersion 2 has a scope for each user, with its rates and its balance of day and month; migrate.go brings version 1 up to it.
const storeVersion = 2

type metaState struct {
	ID      string `json:"id"` // of the ledger, random
	Version int    `json:"version"`
	Next    uint64 `json:"next"` // hold number
	Last    int64  `json:"last"` // latest clock reading, ns
}

// put is one change of the database: every one sets or deletes a value outright, so that committing it again is harmless.
type put struct {
	bucket, key, value []byte // a nil value deletes
}

func (b *Book) put(bucket, key []byte, value any) {
	data, err := json.Marshal(value)
	if err != nil { // these are our own plain types
		panic("account: " + err.Error())
	}
	b.pending = append(b.pending, put{bucket, key, data})
}

func (b *Book) putScope(s *scope) { b.put(bucketScopes, s.name, s.scopeState) }

// putScopes writes the scopes of a hold, and with them what their other holds have leased meanwhile: the end of a hold gives
// back, or takes, what its lease on disk differs from what was used, so a debit and its lease must be on disk together.
func (b *Book) putScopes(h *hold) {
	k := b.keys[h.Key]
	b.putScope(&k.scope)
	b.putScope(b.user(h.Key, h.User))
	for other := range k.unsaved {
		b.putHold(other)
		if other.User != h.User {
			b.putScope(b.user(other.Key, other.User))
		}
	}
}

func (b *Book) putHold(h *hold) {
	b.put(bucketHolds, h.ID.bytes(), h)
	delete(b.keys[h.Key].unsaved, h)
}

func (b *Book) putMeta() {
	b.put(bucketMeta, []byte("state"), metaState{b.id, storeVersion, b.next, b.last})
}

// update writes changes in one transaction.
func (b *Book) update(puts []put) error {
	if len(puts) == 0 {
		return nil
	}
	err := b.db.Update(func(tx *bolt.Tx) error {
		for _, p := range puts {
			if err := p.apply(tx.Bucket(p.bucket)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.log.Error("the ledger cannot be written", "error", err)
	}
	return err
}

func (p put) apply(to *bolt.Bucket) error {
	if p.value == nil {
		return to.Delete(p.key)
	}
	return to.Put(p.key, p.value)
}

// load reads the database into memory.
func (b *Book) load() error {
	if err := b.db.Update(prepare); err != nil {
		return fmt.Errorf("account: %w", err)
	}
	b.keys[LocalKey] = newKeyState(Key{ID: LocalKey, Name: LocalKey})
	return b.db.View(func(tx *bolt.Tx) error {
		meta, err := readMeta(tx)
		if err != nil {
			return err
		}
		b.id, b.next, b.last = meta.ID, meta.Next, meta.Last
		for _, step := range []func(*bolt.Tx) error{b.loadKeys, b.loadScopes, b.loadHolds, b.loadTotals} {
			if err := step(tx); err != nil {
				return err
			}
		}
		return nil
	})
}

// prepare makes the buckets, and what an older version left what this one knows.
func prepare(tx *bolt.Tx) error {
	for _, name := range buckets {
		if _, err := tx.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	meta, err := readMeta(tx)
	if err == nil && meta.Version == 1 {
		meta.Version = storeVersion
		err = migrate(tx)
	}
	if err != nil {
		return err
	}
	if meta.Version != storeVersion {
		return fmt.Errorf("the ledger has version %d, this program knows up to %d: use a newer one", meta.Version, storeVersion)
	}
	meta.ID = cmp.Or(meta.ID, rand.Text())
	return putJSON(tx, bucketMeta, []byte("state"), meta)
}

// readMeta gives the state of an empty database, too.
func readMeta(tx *bolt.Tx) (metaState, error) {
	meta := metaState{Version: storeVersion}
	if tx.Bucket(bucketRatesV1) != nil { // version 1 wrote no state before the first request
		meta.Version = 1
	}
	if v := tx.Bucket(bucketMeta).Get([]byte("state")); v != nil {
		if err := json.Unmarshal(v, &meta); err != nil {
			return meta, fmt.Errorf("meta: %w", err)
		}
	}
	return meta, nil
}

func (b *Book) loadKeys(tx *bolt.Tx) error {
	return each(tx, bucketKeys, func(_ []byte, k *Key) error {
		b.keys[k.ID] = newKeyState(*k)
		return nil
	})
}

func (b *Book) loadScopes(tx *bolt.Tx) error {
	return each(tx, bucketScopes, func(name []byte, state *scopeState) error {
		key, user, ofUser := strings.Cut(string(name), "\x00")
		k := b.keys[key]
		if k == nil {
			return errors.New("it is of an unknown key")
		}
		if ofUser {
			b.users[totalKey{key, user}] = &scope{name: totalKey{key, user}.bytes(), scopeState: *state}
		} else {
			k.scopeState = *state
		}
		return nil
	})
}

func (b *Book) loadHolds(tx *bolt.Tx) error {
	return each(tx, bucketHolds, func(_ []byte, h *hold) error {
		k := b.keys[h.Key]
		if k == nil {
			return fmt.Errorf("hold %d is of unknown key %q", h.Number, h.Key)
		}
		b.holds[h.ID] = h
		for _, p := range b.parties(k, h.User) {
			p.live++
			p.reserved += h.Prices.Cost(h.Prompt, h.Leased)
			if p.user {
				b.users[totalKey{h.Key, h.User}] = p.scope
			}
		}
		return nil
	})
}

func (b *Book) loadTotals(tx *bolt.Tx) error {
	return each(tx, bucketTotals, func(_ []byte, t *Total) error {
		b.totals[totalKey{t.Key, t.User}] = t
		return nil
	})
}

// each calls fn with every value of a bucket in the order of its keys.
func each[T any](tx *bolt.Tx, bucket []byte, fn func(key []byte, v *T) error) error {
	return eachOf(tx, bucket, nil, fn)
}

// eachOf is each of the keys that begin with a prefix.
func eachOf[T any](tx *bolt.Tx, bucket, prefix []byte, fn func(key []byte, v *T) error) error {
	c := tx.Bucket(bucket).Cursor()
	for key, data := c.Seek(prefix); key != nil && bytes.HasPrefix(key, prefix); key, data = c.Next() {
		v := new(T)
		err := json.Unmarshal(data, v)
		if err == nil {
			err = fn(key, v)
		}
		if err != nil {
			return fmt.Errorf("account: %s %q: %w", bucket, key, err)
		}
	}
	return nil
}

// usageKey orders usage by time.
func usageKey(settledNS int64, hold uint64) []byte {
	k := binary.BigEndian.AppendUint64(nil, uint64(settledNS))
	return binary.BigEndian.AppendUint64(k, hold)
}
