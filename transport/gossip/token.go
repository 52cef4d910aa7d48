package gossip

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"log/slog"
	"net"
	"strings"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// ErrToken is returned for a text that is not a whole token.
var ErrToken = errors.New("gossip: not a valid join token: copy it whole, from `sc1.` to its end")

const (
	tokenPrefix = "sc1."
	tokenLimit  = 8 << 10 // characters
)

// Token is all that a machine needs to join a cluster. Its text is
//
//	"sc1." + base64url( JSON {"cluster", "secret", "seeds"} + CRC-32C, 4 bytes little-endian )
//
// and contains the cluster's secret: String is for the person who asked for it. Logs and %#v get it redacted.
type Token struct {
	Cluster string   `json:"cluster"`
	Secret  []byte   `json:"secret"`
	Seeds   []string `json:"seeds"` // gossip addresses, "host:port"
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// String is the token as one word.
func (t Token) String() string {
	b, err := json.Marshal(t)
	if err != nil {
		panic(err) // strings and bytes can always be encoded
	}
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
	return tokenPrefix + base64.RawURLEncoding.EncodeToString(b)
}

// ParseToken reads what String gave; spaces around it are ignored. Errors do not show the token.
func ParseToken(s string) (Token, error) {
	s = strings.TrimSpace(s)
	rest, ok := strings.CutPrefix(s, tokenPrefix)
	if !ok || len(s) > tokenLimit {
		return Token{}, fmt.Errorf("%w (it has %d characters and should begin with %s)", ErrToken, len(s), tokenPrefix)
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(rest)
	if err != nil {
		return Token{}, fmt.Errorf("%w (a character does not belong there)", ErrToken)
	}
	n := len(b) - 4
	if n < 0 || crc32.Checksum(b[:n], castagnoli) != binary.LittleEndian.Uint32(b[n:]) {
		return Token{}, fmt.Errorf("%w (its checksum is wrong)", ErrToken)
	}
	var t Token
	if err := json.Unmarshal(b[:n], &t); err != nil {
		return Token{}, fmt.Errorf("%w (its content is not understood)", ErrToken)
	}
	return t, t.check()
}

func (t Token) check() error {
	if err := wire.CheckName("cluster", t.Cluster); err != nil {
		return fmt.Errorf("gossip: token: %w", err)
	}
	if len(t.Secret) == 0 || len(t.Seeds) == 0 {
		return fmt.Errorf("gossip: token: it has %d bytes of secret and %d addresses, and needs both", len(t.Secret), len(t.Seeds))
	}
	for _, s := range t.Seeds {
		if _, _, err := net.SplitHostPort(s); err != nil {
			return fmt.Errorf("gossip: token: address %q: %w", s, err)
		}
	}
	return nil
}

func (t Token) redacted() string { return fmt.Sprintf("token of cluster %s at %v", t.Cluster, t.Seeds) }

// LogValue hides the secret from logs.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.redacted()) }

// GoString hides the secret from %#v.
func (t Token) GoString() string { return "gossip.Token(" + t.redacted() + ")" }
