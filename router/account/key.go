package account

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"strings"
	"time"
)

// LocalKey is the id to which requests without a key are accounted, where those are allowed.
const LocalKey = "local"

// Key is what is stored of an API key. The secret itself is shown once, when it is made, and then exists only as Hash.
type Key struct {
	ID       string            `json:"id"`
	Name     string            `json:"name"`
	Hash     []byte            `json:"hash,omitempty"` // SHA-256 of the secret, which has 256 random bits and needs no salt
	Hint     string            `json:"hint"`           // the secret's last four characters
	Former   *Former           `json:"former,omitempty"`
	Limits   Limits            `json:"limits"`             // of all its users together
	PerUser  Limits            `json:"per_user,omitzero"`  // of each user that has none in Users
	Users    map[string]Limits `json:"users,omitempty"`    // of users by name; never changed, only replaced
	Models   []string          `json:"models,omitempty"`   // that it may use; none: all
	Created  time.Time         `json:"created"`            // UTC
	Expires  time.Time         `json:"expires,omitzero"`   // zero: never
	Disabled bool              `json:"disabled,omitempty"` // by Disable until Enable, or for good
	Revoked  bool              `json:"revoked,omitempty"`  // for good

	// In answers only, as of the ledger's clock.
	Spent      Pico `json:"spent"` // sum of all usage
	SpentDay   Pico `json:"spent_day"`
	SpentMonth Pico `json:"spent_month"`
}

// Former is the secret that a rotation replaced, as long as it is still good.
type Former struct {
	Hash  []byte    `json:"hash,omitempty"`
	Until time.Time `json:"until"`
}

// public is the key without what is secret.
func (k Key) public() Key {
	k.Hash = nil
	if k.Former != nil {
		k.Former = &Former{Until: k.Former.Until}
	}
	return k
}

// usable tells why a key is refused, nil if it is not.
func (k *Key) usable(now time.Time) error {
	switch {
	case k.Revoked:
		return ErrRevoked
	case k.Disabled:
		return ErrDisabled
	case !k.Expires.IsZero() && !now.Before(k.Expires):
		return ErrExpired
	}
	return nil
}

var secretAlphabet = base32.NewEncoding("abcdefghijkmnpqrstuvwxyz23456789").WithPadding(base32.NoPadding)

// newSecret returns sk- and 256 random bits.
func newSecret() string {
	var b [32]byte
	rand.Read(b[:])
	return "sk-" + secretAlphabet.EncodeToString(b[:])
}

func newKeyID() string {
	var b [10]byte
	rand.Read(b[:])
	return "key_" + secretAlphabet.EncodeToString(b[:])
}

func hashSecret(secret string) [sha256.Size]byte { return sha256.Sum256([]byte(secret)) }

// hint is the part of a secret that tells two keys apart in a list.
func hint(secret string) string { return "…" + secret[max(0, len(secret)-4):] }

// cleanName makes a name fit for one line of a table.
func cleanName(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
	return strings.ToValidUTF8(strings.TrimSpace(s[:min(len(s), 128)]), "")
}
