package bus

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/nats-io/nats.go"
)

// Connect connects to a NATS server. It tries until one answers or ctx ends; ctx has no say over the connection
// after that. Refused credentials (ErrAuth) and a URL that cannot be right end it at once.
func Connect(ctx context.Context, o Options) (*Client, error) {
	if err := o.fill(); err != nil {
		return nil, err
	}
	waiting := false
	for {
		c, err := connectOnce(o)
		if err == nil {
			return c, nil
		}
		if hopeless(err) {
			return nil, fmt.Errorf("bus: connect to %s: %w", o.where(), err)
		}
		if !waiting {
			o.Logger.Info("waiting for the message bus", "url", o.where(), "err", err)
			waiting = true
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("bus: connect to %s: %w (last error: %w)", o.where(), ctx.Err(), err)
		case <-time.After(connectRetry):
		}
	}
}

func connectOnce(o Options) (*Client, error) {
	c := &Client{o: o, log: o.Logger, gate: newGate(), made: make(chan struct{})}
	defer close(c.made)
	c.newLife()
	opts, err := o.nats(c)
	if err != nil {
		return nil, err
	}
	nc, err := nats.Connect(o.URL, opts...)
	if dialErr := c.dialErr.Load(); errors.Is(err, nats.ErrNoServers) && dialErr != nil {
		return nil, *dialErr
	}
	if err != nil {
		return nil, authError(err)
	}
	c.nc = nc
	if err := c.prove(); err != nil {
		c.gate.close()
		nc.Close()
		return nil, err
	}
	c.log.Debug("connected to the message bus", "url", nc.ConnectedUrlRedacted(), "max_payload", nc.MaxPayload())
	return c, nil
}

// authError makes the server's different ways of refusing one.
func authError(err error) error {
	for _, e := range []error{nats.ErrAuthorization, nats.ErrAuthExpired, nats.ErrAuthRevoked, nats.ErrNkeysNotSupported} {
		if errors.Is(err, e) {
			return fmt.Errorf("%w (%w)", ErrAuth, err)
		}
	}
	return err
}

// hopeless tells whether trying again cannot help.
func hopeless(err error) bool {
	var parse *url.Error
	return errors.Is(err, ErrAuth) || errors.As(err, &parse)
}
