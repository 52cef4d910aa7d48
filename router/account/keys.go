package account

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// NewKey is what a key is made from.
type NewKey struct {
	Name    string    `json:"name"`
	Limits  Limits    `json:"limits"`
	Expires time.Time `json:"expires,omitzero"` // zero: never
	// Secret imports a secret that exists already (a compose file's); "" makes a random one.
	Secret string `json:"secret,omitempty"`
}

const minSecret = 16 // characters of an imported secret

func (n *NewKey) check() error {
	if cleanName(n.Name) == "" {
		return errors.New("the key needs a name: usage is shown by it")
	}
	for name, v := range map[string]int{"rpm": n.Limits.RPM, "tpm": n.Limits.TPM, "concurrency": n.Limits.Concurrency} {
		if v > maxRate || v < -1 {
			return fmt.Errorf("%s %d is outside 0..%d: use -1 for no limit", name, v, maxRate)
		}
	}
	if n.Secret != "" && len(n.Secret) < minSecret {
		return fmt.Errorf("the secret has %d characters: give it at least %d", len(n.Secret), minSecret)
	}
	if !n.Expires.IsZero() && n.Expires.Before(time.Now()) {
		return fmt.Errorf("the key would have expired already, at %s", n.Expires.Format(time.RFC3339))
	}
	return nil
}

// CreateKey makes a key and returns its secret, which is not kept.
func (b *Book) CreateKey(ctx context.Context, n NewKey) (secret string, key Key, err error) {
	if err := n.check(); err != nil {
		return "", Key{}, err
	}
	secret = cmp.Or(n.Secret, newSecret())
	hash := hashSecret(secret)
	duplicate := false
	err = b.write(ctx, func() {
		if _, duplicate = b.index.Load().byHash[hash]; duplicate {
			return
		}
		key = Key{
			ID: newKeyID(), Name: cleanName(n.Name), Hash: hash[:], Hint: hint(secret), Limits: n.Limits,
			Created: b.now(), Expires: n.Expires.UTC(),
		}
		b.keys[key.ID] = &keyState{Key: key}
		b.putKey(b.keys[key.ID])
		b.publish()
	})
	if duplicate {
		return "", Key{}, errors.New("a key with this secret exists already")
	}
	return secret, key, err
}

// EnsureKey makes a key with a given secret unless it exists.
func (b *Book) EnsureKey(ctx context.Context, name, secret string) error {
	if _, ok := b.index.Load().byHash[hashSecret(secret)]; ok {
		return nil
	}
	_, _, err := b.CreateKey(ctx, NewKey{Name: name, Secret: secret})
	return err
}

// RevokeKey disables a key, named by its id or, where only one that is not revoked has it, by its name. It stays in lists and in usage.
func (b *Book) RevokeKey(ctx context.Context, ref string) (key Key, err error) {
	var notFound error
	err = b.write(ctx, func() {
		var k *keyState
		if k, notFound = b.find(ref); notFound != nil {
			return
		}
		k.Disabled = true
		b.putKey(k)
		b.publish()
		key = k.Key
	})
	return key, errors.Join(notFound, err)
}

func (b *Book) find(ref string) (*keyState, error) {
	if k := b.keys[ref]; k != nil && ref != LocalKey {
		return k, nil
	}
	var found, revoked []*keyState
	for id, k := range b.keys {
		switch {
		case k.Name != ref || id == LocalKey:
		case k.Disabled:
			revoked = append(revoked, k)
		default:
			found = append(found, k)
		}
	}
	if len(found) == 0 { // revoking again changes nothing
		found = revoked
	}
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("no key has the id or name %q", ref)
	case 1:
		return found[0], nil
	}
	return nil, fmt.Errorf("%d keys have the name %q: give the id", len(found), ref)
}

// Keys lists the keys, oldest first, without what is secret.
func (b *Book) Keys(ctx context.Context) (out []Key, err error) {
	_, err = b.do(ctx, func() {
		for id, k := range b.keys {
			if id != LocalKey {
				out = append(out, k.Key)
			}
		}
	})
	for i := range out {
		out[i].Hash = nil
	}
	slices.SortFunc(out, func(x, y Key) int { return cmp.Or(x.Created.Compare(y.Created), strings.Compare(x.ID, y.ID)) })
	return out, err
}

// publish gives Authenticate a new index. Only the writer calls it.
func (b *Book) publish() {
	ix := &index{byHash: make(map[[sha256.Size]byte]Key, len(b.keys))}
	for id, k := range b.keys {
		if id == LocalKey {
			continue
		}
		ix.made = true
		if len(k.Hash) == sha256.Size {
			ix.byHash[[sha256.Size]byte(k.Hash)] = k.Key
		}
	}
	b.index.Store(ix)
}

// HasKeys reports whether a key was ever made, revoked ones included: revoking the last key does not open the door.
func (b *Book) HasKeys() bool { return b.index.Load().made }

// Authenticate finds the key of a secret. Where open says that requests need none and no key was ever made, every secret,
// and none, stand for LocalKey.
func (b *Book) Authenticate(secret string, open bool) (id string, err error) {
	ix := b.index.Load()
	if open && !ix.made {
		return LocalKey, nil
	}
	if secret == "" {
		return "", ErrNoKey
	}
	k, ok := ix.byHash[hashSecret(secret)]
	if !ok {
		return "", ErrUnknownKey
	}
	return k.ID, k.usable(time.Now())
}
