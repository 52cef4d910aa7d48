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
	ID       string    `json:"id"`
	Name     string    `json:"name"`
	Hash     []byte    `json:"hash,omitempty"` // SHA-256 of the secret, which has 256 random bits and needs no salt
	Hint     string    `json:"hint"`           // the secret's last four characters
	Limits   Limits    `json:"limits"`
	Created  time.Time `json:"created"`
	Expires  time.Time `json:"expires,omitzero"`
	Disabled bool      `json:"disabled,omitempty"`
	Spent    Pico      `json:"spent"` // sum of all usage
}

// Limits bound what a key may use. Zero takes the server's default; a negative number is no limit.
type Limits struct {
	RPM         int  `json:"rpm,omitempty"`         // requests a minute
	TPM         int  `json:"tpm,omitempty"`         // tokens a minute, prompt and output
	Concurrency int  `json:"concurrency,omitempty"` // requests at once
	Budget      Pico `json:"budget,omitempty"`      // over the key's life
}

// or fills what l leaves open from the defaults d and turns "no limit" into zero.
func (l Limits) or(d Limits) Limits {
	return Limits{
		RPM:         pick(l.RPM, d.RPM),
		TPM:         pick(l.TPM, d.TPM),
		Concurrency: pick(l.Concurrency, d.Concurrency),
		Budget:      pick(l.Budget, d.Budget),
	}
}

func pick[T int | Pico](own, other T) T {
	if own == 0 {
		own = other
	}
	return max(own, 0)
}

// usable tells why a key is refused, nil if it is not.
func (k *Key) usable(now time.Time) error {
	switch {
	case k.Disabled:
		return ErrRevoked
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
