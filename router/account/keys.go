package account

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// NewKey is what a key is made from.
type NewKey struct {
	Name    string    `json:"name"`
	Limits  Limits    `json:"limits"`
	PerUser Limits    `json:"per_user,omitzero"`
	Models  []string  `json:"models,omitempty"`
	Expires time.Time `json:"expires,omitzero"` // zero: never
	// Secret imports a secret that exists already (a compose file's); "" makes a random one.
	Secret string `json:"secret,omitempty"`
}

const (
	minSecret = 16     // characters of an imported secret
	maxUsers  = 10_000 // of one key with limits of their own
	maxModels = 100    // that a key may name
)

func (n *NewKey) check() error {
	if cleanName(n.Name) == "" {
		return errors.New("the key needs a name: usage is shown by it")
	}
	if n.Secret != "" && len(n.Secret) < minSecret {
		return fmt.Errorf("the secret has %d characters: give it at least %d", len(n.Secret), minSecret)
	}
	if !n.Expires.IsZero() && n.Expires.Before(time.Now()) {
		return fmt.Errorf("the key would have expired already, at %s", n.Expires.Format(time.RFC3339))
	}
	return errors.Join(n.Limits.check(), n.PerUser.check(), checkModels(n.Models))
}

func checkModels(models []string) error {
	if len(models) > maxModels || slices.Contains(models, "") {
		return fmt.Errorf("a key names at most %d models, none of them empty", maxModels)
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
		if _, duplicate = b.index.Load().byMAC[b.index.Load().mac(hash[:])]; duplicate {
			return
		}
		k := newKeyState(Key{
			ID: newKeyID(), Name: cleanName(n.Name), Hash: hash[:], Hint: hint(secret), Limits: n.Limits, PerUser: n.PerUser,
			Models: n.Models, Created: b.now(), Expires: n.Expires.UTC(),
		})
		b.keys[k.ID] = k
		b.changed(k)
		key = b.shown(k)
	})
	if duplicate {
		return "", Key{}, errors.New("a key with this secret exists already")
	}
	return secret, key, err
}

// EnsureKey makes a key with a given secret unless it exists.
func (b *Book) EnsureKey(ctx context.Context, name, secret string) error {
	hash := hashSecret(secret)
	if _, ok := b.index.Load().find(hash[:], b.clock()); ok {
		return nil
	}
	_, _, err := b.CreateKey(ctx, NewKey{Name: name, Secret: secret})
	return err
}

// KeyChange is what UpdateKey changes; what is nil stays.
type KeyChange struct {
	Limits  *LimitChange `json:"limits,omitempty"`
	PerUser *LimitChange `json:"per_user,omitempty"`
	// Users sets limits of users by name; nil takes a user's own limits away.
	Users    map[string]*LimitChange `json:"users,omitempty"`
	Models   *[]string               `json:"models,omitempty"`  // empty: all
	Expires  *time.Time              `json:"expires,omitempty"` // zero: never
	Disabled *bool                   `json:"disabled,omitempty"`
}

// apply returns the changed key, or why it cannot be.
func (c *KeyChange) apply(k Key) (Key, error) {
	if c.Limits != nil {
		k.Limits = c.Limits.Apply(k.Limits)
	}
	if c.PerUser != nil {
		k.PerUser = c.PerUser.Apply(k.PerUser)
	}
	set(&k.Models, c.Models)
	set(&k.Expires, c.Expires)
	if c.Disabled != nil {
		if k.Revoked && !*c.Disabled {
			return k, errors.New("the key has been revoked, which is for good: make another")
		}
		k.Disabled = *c.Disabled || k.Revoked
	}
	k.Users = maps.Clone(k.Users)
	for user, change := range c.Users {
		if change == nil {
			delete(k.Users, user)
			continue
		}
		if k.Users == nil {
			k.Users = map[string]Limits{}
		}
		k.Users[user] = change.Apply(k.Users[user])
	}
	return k, k.checkLimits()
}

func (k *Key) checkLimits() error {
	err := errors.Join(k.Limits.check(), k.PerUser.check(), checkModels(k.Models))
	if len(k.Users) > maxUsers {
		err = errors.Join(err, fmt.Errorf("%d users have limits of their own, at most %d can", len(k.Users), maxUsers))
	}
	for user, l := range k.Users {
		if e := l.check(); e != nil {
			err = errors.Join(err, fmt.Errorf("user %q: %w", user, e))
		}
	}
	return err
}

// UpdateKey changes a key, named as RevokeKey has it. Requests that run keep the prices and tokens a minute they were admitted
// with; budgets hold for them at once.
func (b *Book) UpdateKey(ctx context.Context, ref string, c KeyChange) (Key, error) {
	return b.edit(ctx, ref, c.apply)
}

// RevokeKey disables a key for good, named by its id or, where only one that is not disabled has it, by its name. It stays in lists
// and in usage.
func (b *Book) RevokeKey(ctx context.Context, ref string) (Key, error) {
	return b.edit(ctx, ref, func(k Key) (Key, error) {
		k.Disabled, k.Revoked, k.Former = true, true, nil
		return k, nil
	})
}

// RotateKey gives a key a new secret, which is returned and not kept. The one before stays good for a while, so that its users
// can change over; one before that ends at once.
func (b *Book) RotateKey(ctx context.Context, ref string, keep time.Duration) (secret string, key Key, err error) {
	if keep < 0 {
		return "", Key{}, fmt.Errorf("the old secret cannot stay good for %s", keep)
	}
	secret = newSecret()
	hash := hashSecret(secret)
	key, err = b.edit(ctx, ref, func(k Key) (Key, error) {
		if k.Revoked {
			return k, errors.New("the key has been revoked, which is for good: make another")
		}
		k.Former = nil
		if keep > 0 {
			k.Former = &Former{Hash: k.Hash, Until: b.now().Add(keep)}
		}
		k.Hash, k.Hint = hash[:], hint(secret)
		return k, nil
	})
	if err != nil {
		return "", Key{}, err
	}
	return secret, key, nil
}

// edit replaces a key by what fn makes of it.
func (b *Book) edit(ctx context.Context, ref string, fn func(Key) (Key, error)) (key Key, err error) {
	var refused error
	err = b.write(ctx, func() {
		var k *keyState
		if k, refused = b.find(ref); refused != nil {
			return
		}
		var next Key
		if next, refused = fn(k.Key); refused != nil {
			return
		}
		k.Key = next
		b.changed(k)
		key = b.shown(k)
	})
	return key, errors.Join(refused, err)
}

// changed has a key written and authenticated as it is now.
func (b *Book) changed(k *keyState) {
	b.put(bucketKeys, []byte(k.ID), k.Key)
	b.putMeta()
	b.publish()
}

func (b *Book) find(ref string) (*keyState, error) {
	if k := b.keys[ref]; k != nil && ref != LocalKey {
		return k, nil
	}
	var found, disabled []*keyState
	for id, k := range b.keys {
		switch {
		case k.Name != ref || id == LocalKey:
		case k.Disabled:
			disabled = append(disabled, k)
		default:
			found = append(found, k)
		}
	}
	if len(found) == 0 { // revoking again changes nothing
		found = disabled
	}
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("no key has the id or name %q", ref)
	case 1:
		return found[0], nil
	}
	return nil, fmt.Errorf("%d keys have the name %q: give the id", len(found), ref)
}

// shown is a key for answers: with what it has spent, without what is secret.
func (b *Book) shown(k *keyState) Key {
	key := k.Key.public()
	now := b.now()
	key.Spent, key.SpentDay, key.SpentMonth = k.scope.Spent.in(Ever, now), k.scope.Spent.in(Day, now), k.scope.Spent.in(Month, now)
	return key
}

// Keys lists the keys, oldest first, without what is secret.
func (b *Book) Keys(ctx context.Context) (out []Key, err error) {
	out = []Key{}
	_, err = b.do(ctx, func() {
		for id, k := range b.keys {
			if id != LocalKey {
				out = append(out, b.shown(k))
			}
		}
	})
	slices.SortFunc(out, func(x, y Key) int { return cmp.Or(x.Created.Compare(y.Created), strings.Compare(x.ID, y.ID)) })
	return out, err
}

// Standing is what holds for a user of a key, and what is left of it.
type Standing struct {
	Key    Key    // without what is secret
	Limits Limits // of the key, defaults filled in; 0 is no limit
	User   Limits // of the user
	Spent  Pico   // by the user, ever
	Quota  Quota  // the tighter of both
}

// Standing tells how a user of a key stands.
func (b *Book) Standing(ctx context.Context, key, user string) (s Standing, err error) {
	_, doErr := b.do(ctx, func() {
		k := b.keys[key]
		if k == nil {
			err = ErrUnknownKey
			return
		}
		parties := b.parties(k, user)
		s = Standing{
			Key: b.shown(k), Limits: parties[0].limits, User: parties[1].limits, Spent: parties[1].Spent.Ever,
			Quota: quota(parties[:], b.now().UnixNano()),
		}
	})
	return s, cmp.Or(doErr, err)
}
