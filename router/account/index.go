package account

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"time"
)

// index is what Authenticate reads without asking the writer. It never changes once published.
//
// Keys are found by a MAC of the secret's hash under a random key of this process, and compared in constant time: how long a
// lookup takes says nothing about any stored hash, because nobody outside can tell which MAC a guess has.
type index struct {
	pepper []byte
	byMAC  map[[sha256.Size]byte]indexed
	made   bool // whether a key was ever made
}

// indexed is one secret of a key.
type indexed struct {
	key   Key
	hash  []byte
	until time.Time // zero: as long as the key
}

func newIndex() *index {
	ix := &index{pepper: make([]byte, sha256.Size), byMAC: map[[sha256.Size]byte]indexed{}}
	rand.Read(ix.pepper)
	return ix
}

func (ix *index) mac(hash []byte) [sha256.Size]byte {
	m := hmac.New(sha256.New, ix.pepper)
	m.Write(hash)
	return [sha256.Size]byte(m.Sum(nil))
}

func (ix *index) add(k Key) {
	ix.made = true
	ix.byMAC[ix.mac(k.Hash)] = indexed{key: k, hash: k.Hash}
	if k.Former != nil {
		ix.byMAC[ix.mac(k.Former.Hash)] = indexed{key: k, hash: k.Former.Hash, until: k.Former.Until}
	}
}

// find is the key of a secret that is good at a time.
func (ix *index) find(hash []byte, now time.Time) (Key, bool) {
	e, ok := ix.byMAC[ix.mac(hash)]
	if !ok || subtle.ConstantTimeCompare(e.hash, hash) != 1 {
		return Key{}, false
	}
	return e.key, e.until.IsZero() || now.Before(e.until)
}

// publish gives Authenticate a new index. Only the writer calls it.
func (b *Book) publish() {
	ix := newIndex()
	for id, k := range b.keys {
		if id != LocalKey {
			ix.add(k.Key)
		}
	}
	b.index.Store(ix)
}

// HasKeys reports whether a key was ever made, revoked ones included: revoking the last key does not open the door.
func (b *Book) HasKeys() bool { return b.index.Load().made }

// Authenticate finds the key of a secret. Where open says that requests need none and no key was ever made, every secret,
// and none, stand for LocalKey.
func (b *Book) Authenticate(secret string, open bool) (id string, err error) {
	hash := hashSecret(secret)
	return b.authenticate(hash[:], secret != "", open)
}

// authenticate is Authenticate by the secret's hash; given tells that there was a secret.
func (b *Book) authenticate(hash []byte, given, open bool) (id string, err error) {
	ix := b.index.Load()
	if open && !ix.made {
		return LocalKey, nil
	}
	if !given {
		return "", ErrNoKey
	}
	now := b.clock()
	k, ok := ix.find(hash, now)
	if !ok {
		return "", ErrUnknownKey
	}
	return k.ID, k.usable(now)
}
