package bus

import (
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
)

// Auth says who connects, and whom a server admits. Make one with Credentials, or set User and Password for a
// server that is not ours. The zero value is nobody.
type Auth struct {
	User     string
	Password string
	nkey     nkeys.KeyPair
}

// Credentials derives a cluster's credentials from its secret with HKDF-SHA256 (RFC 5869), the cluster's name
// being the salt. Both ends derive the same; another secret or another name gives other credentials.
func Credentials(secret []byte, cluster string) (Auth, error) {
	if len(secret) == 0 {
		return Auth{}, errors.New("bus: credentials: the cluster's secret is empty")
	}
	seed, err := hkdf.Key(sha256.New, secret, []byte(cluster), "stagecoach bus nkey v1", 32)
	if err != nil {
		return Auth{}, fmt.Errorf("bus: derive credentials: %w", err)
	}
	pair, err := nkeys.FromRawSeed(nkeys.PrefixByteUser, seed)
	if err != nil {
		return Auth{}, fmt.Errorf("bus: derive credentials: %w", err)
	}
	return Auth{nkey: pair}, nil
}

// IsZero tells whether there is nothing to identify with.
func (a Auth) IsZero() bool { return a.User == "" && a.Password == "" && a.nkey == nil }

// PublicKey is the nkey that a server admits, "" for a user with a password.
func (a Auth) PublicKey() (string, error) {
	if a.nkey == nil {
		return "", nil
	}
	key, err := a.nkey.PublicKey()
	if err != nil {
		return "", fmt.Errorf("bus: public key: %w", err)
	}
	return key, nil
}

// ServerConfig is a configuration for an external nats-server that admits exactly this Auth and takes messages of
// DefaultMaxPayload. A derived key shows only its public half.
func (a Auth) ServerConfig() (string, error) {
	user := fmt.Sprintf("{user: %q, password: %q}", a.User, a.Password)
	if a.nkey != nil {
		key, err := a.PublicKey()
		if err != nil {
			return "", err
		}
		user = fmt.Sprintf("{nkey: %s}", key)
	}
	return fmt.Sprintf("max_payload: %d\nmax_pending: %d\nping_interval: %q\nping_max: %d\nauthorization: {users: [%s]}\n",
		DefaultMaxPayload, serverMaxPending, serverPing, serverPingsOut, user), nil
}

// option is how a client shows its credentials.
func (a Auth) option() (nats.Option, error) {
	if a.nkey == nil {
		return nats.UserInfo(a.User, a.Password), nil
	}
	key, err := a.PublicKey()
	if err != nil {
		return nil, err
	}
	return nats.Nkey(key, a.nkey.Sign), nil
}

// String hides what is secret.
func (a Auth) String() string {
	if a.nkey == nil {
		return "user " + a.User
	}
	key, err := a.PublicKey()
	if err != nil {
		return "nkey"
	}
	return "nkey " + key
}

// GoString hides what is secret from %#v.
func (a Auth) GoString() string { return "bus.Auth(" + a.String() + ")" }

// LogValue hides what is secret from logs.
func (a Auth) LogValue() slog.Value { return slog.StringValue(a.String()) }
