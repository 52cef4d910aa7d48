package bus

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// Settings measured for this traffic: a frozen server is noticed in 0.6 s, one that restarts is found again within
// tens of milliseconds, and a publish is on the socket when Publish returns, without waiting for a flusher
// goroutine that a busy core may run 10 ms later.
const (
	dialTimeout   = 2 * time.Second
	writeTimeout  = time.Second
	reconnectWait = 50 * time.Millisecond
	reconnectRand = 20 * time.Millisecond
	pingInterval  = 300 * time.Millisecond
	pingsOut      = 2
	roundTrip     = time.Second // one try of a round trip after a reconnect, and the last one before Close
	connectRetry  = 100 * time.Millisecond
)

// Defaults of Options.
const (
	// DefaultPendingMessages is how many messages may wait for one subscription's callback.
	DefaultPendingMessages = 8192
	// DefaultPendingBytes is how many bytes of them: a dozen of the largest frames.
	DefaultPendingBytes = 128 << 20
	// RequestTimeout ends a request whose context has no deadline.
	RequestTimeout = 10 * time.Second
)

// ErrAuth is returned by Connect when the server refuses the credentials.
var ErrAuth = errors.New("bus: the server refuses the credentials: is it another cluster's, or is the secret another one?")

// ErrTooLarge is returned when a message is larger than the server takes.
var ErrTooLarge = errors.New("bus: message larger than the server takes")

// ErrClosed is returned by a connection that was closed on this side.
var ErrClosed = errors.New("bus: connection closed")

// Options of a connection to NATS.
type Options struct {
	// URL of the server, "nats://host:4222"; several are separated by commas.
	URL string
	// Auth identifies this side; the zero value only suits a server without authorization.
	Auth Auth
	// Name is shown in the server's connection list: role and node.
	Name string
	// Events tell of changes; they are called one at a time, and may be before Connect has returned.
	Events Events
	// Logger takes connects, disconnects and drops; nil logs nothing.
	Logger *slog.Logger
	// PendingMessages and PendingBytes bound what waits for one subscription's callback; 0 takes the defaults.
	// What comes beyond is dropped and told to Events.Dropped.
	PendingMessages int
	PendingBytes    int
}

func (o *Options) fill() error {
	if o.URL == "" {
		return errors.New("bus: no server URL")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.PendingMessages == 0 {
		o.PendingMessages = DefaultPendingMessages
	}
	if o.PendingBytes == 0 {
		o.PendingBytes = DefaultPendingBytes
	}
	return nil
}

// nats are the library's options for c.
func (o *Options) nats(c *Client) ([]nats.Option, error) {
	opts := []nats.Option{
		nats.Name(o.Name),
		nats.Timeout(dialTimeout),
		nats.SetCustomDialer(dialer{c}),
		nats.WriteBufferSize(1),
		nats.FlusherTimeout(writeTimeout),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(reconnectWait),
		nats.ReconnectJitter(reconnectRand, reconnectRand),
		nats.ReconnectBufSize(-1),
		nats.IgnoreAuthErrorAbort(),
		nats.PingInterval(pingInterval),
		nats.MaxPingsOutstanding(pingsOut),
		nats.DisconnectErrHandler(c.onDisconnect),
		nats.ReconnectHandler(c.onReconnect),
		nats.ErrorHandler(c.onError),
	}
	if o.Auth.IsZero() {
		return opts, nil
	}
	auth, err := o.Auth.option()
	if err != nil {
		return nil, err
	}
	return append(opts, auth), nil
}

// where is the URL without passwords, for logs and errors.
func (o *Options) where() string {
	var out []string
	for s := range strings.SplitSeq(o.URL, ",") {
		s = strings.TrimSpace(s)
		u, err := url.Parse(s)
		if err != nil || u.Host == "" {
			if i := strings.LastIndexByte(s, '@'); i >= 0 {
				s = s[i+1:]
			}
			out = append(out, s)
			continue
		}
		out = append(out, u.Redacted())
	}
	return strings.Join(out, ", ")
}

// translate turns the library's errors into this package's.
func translate(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, nats.ErrNoResponders):
		return ErrNoResponders
	case errors.Is(err, nats.ErrMaxPayload):
		return ErrTooLarge
	case errors.Is(err, nats.ErrConnectionClosed):
		return ErrClosed
	case errors.Is(err, nats.ErrReconnectBufExceeded), errors.Is(err, nats.ErrDisconnected),
		errors.Is(err, nats.ErrConnectionReconnecting):
		return ErrDisconnected
	}
	return fmt.Errorf("bus: %w", err)
}
