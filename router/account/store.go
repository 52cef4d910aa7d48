package account

import (
	"encoding/binary"
	"encoding/json"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// Buckets of ledger.db. Values are JSON.
var (
	bucketMeta    = []byte("meta")    // "state" -> metaState
	bucketKeys    = []byte("keys")    // key id -> Key
	bucketRates   = []byte("rates")   // key id -> rates
	bucketHolds   = []byte("holds")   // router \0 request -> hold
	bucketUsage   = []byte("usage")   // settled ns, hold (8+8 bytes, big-endian) -> Usage
	bucketSettled = []byte("settled") // router \0 request -> key in usage
	bucketTotals  = []byte("totals")  // key \0 user -> Total

	buckets = [][]byte{bucketMeta, bucketKeys, bucketRates, bucketHolds, bucketUsage, bucketSettled, bucketTotals}
)

const storeVersion = 1

type metaState struct {
	Version int    `json:"version"`
	Next    uint64 `json:"next"` // hold number
	Last    int64  `json:"last"` // latest clock reading, ns
}

type rates struct {
	Requests rate `json:"requests"`
	Tokens   rate `json:"tokens"`
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

func (b *Book) putKey(k *keyState) { b.put(bucketKeys, []byte(k.ID), k.Key) }
func (b *Book) putRates(k *keyState) {
	b.put(bucketRates, []byte(k.ID), rates{k.requests, k.tokens})
}
func (b *Book) putMeta() {
	b.put(bucketMeta, []byte("state"), metaState{storeVersion, b.next, b.last})
}

// commit writes what is pending in one transaction. What cannot be written stays pending: memory is ahead of the disk until
// a later commit succeeds.
func (b *Book) commit() error {
	if len(b.pending) == 0 {
		return nil
	}
	err := b.db.Update(func(tx *bolt.Tx) error {
		for _, p := range b.pending {
			if err := p.apply(tx.Bucket(p.bucket)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.log.Error("the ledger cannot be written", "error", err)
		return err
	}
	b.pending = b.pending[:0]
	return nil
}

func (p put) apply(to *bolt.Bucket) error {
	if p.value == nil {
		return to.Delete(p.key)
	}
	return to.Put(p.key, p.value)
}

// load reads the database into memory.
func (b *Book) load() error {
	if err := b.db.Update(makeBuckets); err != nil {
		return fmt.Errorf("account: %w", err)
	}
	b.keys[LocalKey] = &keyState{Key: Key{ID: LocalKey, Name: LocalKey}}
	return b.db.View(func(tx *bolt.Tx) error {
		meta := metaState{Version: storeVersion}
		if v := tx.Bucket(bucketMeta).Get([]byte("state")); v != nil {
			if err := json.Unmarshal(v, &meta); err != nil {
				return fmt.Errorf("account: meta: %w", err)
			}
		}
		if meta.Version != storeVersion {
			return fmt.Errorf("account: the ledger has version %d, this program knows %d", meta.Version, storeVersion)
		}
		b.next, b.last = meta.Next, meta.Last
		return b.loadAll(tx)
	})
}

func makeBuckets(tx *bolt.Tx) error {
	for _, name := range buckets {
		if _, err := tx.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	return nil
}

func (b *Book) loadAll(tx *bolt.Tx) error {
	err := each(tx, bucketKeys, func(_ []byte, k *Key) error {
		b.keys[k.ID] = &keyState{Key: *k}
		return nil
	})
	if err != nil {
		return err
	}
	err = each(tx, bucketRates, func(id []byte, r *rates) error {
		if k := b.keys[string(id)]; k != nil {
			k.requests, k.tokens = r.Requests, r.Tokens
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = each(tx, bucketHolds, func(_ []byte, h *hold) error {
		k := b.keys[h.Key]
		if k == nil {
			return fmt.Errorf("hold %d is of unknown key %q", h.Number, h.Key)
		}
		b.holds[h.ID] = h
		k.live++
		k.reserved += h.Prices.Cost(h.Prompt, 0)
		return nil
	})
	if err != nil {
		return err
	}
	return each(tx, bucketTotals, func(_ []byte, t *Total) error {
		b.totals[totalKey{t.Key, t.User}] = t
		return nil
	})
}

// each calls fn with every value of a bucket in the order of its keys.
func each[T any](tx *bolt.Tx, bucket []byte, fn func(key []byte, v *T) error) error {
	return tx.Bucket(bucket).ForEach(func(key, data []byte) error {
		v := new(T)
		err := json.Unmarshal(data, v)
		if err == nil {
			err = fn(key, v)
		}
		if err != nil {
			return fmt.Errorf("account: %s %q: %w", bucket, key, err)
		}
		return nil
	})
}

// usageKey orders usage by time.
func usageKey(settledNS int64, hold uint64) []byte {
	k := binary.BigEndian.AppendUint64(nil, uint64(settledNS))
	return binary.BigEndian.AppendUint64(k, hold)
}
