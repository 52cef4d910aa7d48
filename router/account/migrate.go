package account

import (
	"encoding/json"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// In version 1 a key had its balance with it, rates were per key, and disabled was for good.
type (
	keyV1 struct {
		Key
		Spent Pico `json:"spent"`
	}
	ratesV1 struct {
		Requests rate `json:"requests"`
		Tokens   rate `json:"tokens"`
	}
)

var bucketRatesV1 = []byte("rates")

// migrate brings a database of version 1 to version 2, in one transaction: balances, of users and of days and months, too, are made
// from the usage records, and must come to what version 1 said of each key.
func migrate(tx *bolt.Tx) error {
	scopes, err := balancesOf(tx)
	if err != nil {
		return err
	}
	if tx.Bucket(bucketRatesV1) == nil {
		return fmt.Errorf("it says version 1 and has no bucket %s", bucketRatesV1)
	}
	err = each(tx, bucketRatesV1, func(id []byte, r *ratesV1) error {
		s := scopes[string(id)]
		s.Requests, s.Tokens = r.Requests, r.Tokens
		scopes[string(id)] = s
		return nil
	})
	if err != nil {
		return err
	}
	if err := migrateKeys(tx, scopes); err != nil {
		return err
	}
	for name, s := range scopes {
		if err := putJSON(tx, bucketScopes, []byte(name), s); err != nil {
			return err
		}
	}
	return tx.DeleteBucket(bucketRatesV1)
}

// balancesOf sums up usage by scope.
func balancesOf(tx *bolt.Tx) (map[string]scopeState, error) {
	scopes := map[string]scopeState{}
	err := each(tx, bucketUsage, func(_ []byte, u *Usage) error {
		for _, name := range []string{u.Key, string(totalKey{u.Key, u.User}.bytes())} {
			s := scopes[name]
			s.Spent.spend(u.Settled, u.Cost)
			scopes[name] = s
		}
		return nil
	})
	return scopes, err
}

func migrateKeys(tx *bolt.Tx, scopes map[string]scopeState) error {
	var keys []Key
	err := each(tx, bucketKeys, func(_ []byte, k *keyV1) error {
		if sum := scopes[k.ID].Spent.Ever; k.Spent != sum {
			return fmt.Errorf("its balance is $%s, its usage comes to $%s: run `stagecoach usage verify` of the version that wrote it", k.Spent, sum)
		}
		k.Revoked = k.Disabled
		keys = append(keys, k.Key)
		return nil
	})
	if err != nil {
		return err
	}
	for _, k := range keys {
		if k.ID == LocalKey {
			err = tx.Bucket(bucketKeys).Delete([]byte(k.ID))
		} else {
			err = putJSON(tx, bucketKeys, []byte(k.ID), k)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func putJSON(tx *bolt.Tx, bucket, key []byte, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return tx.Bucket(bucket).Put(key, data)
}
