package bus

import (
	"context"
	"errors"
)

// ErrNoResponders is returned when nobody is subscribed to a request's subject.
var ErrNoResponders = errors.New("bus: nobody answers on this subject")

// ErrDisconnected is returned when a message is published while the connection is down. Nothing is buffered:
// a message that arrives late is worse than one that does not arrive.
var ErrDisconnected = errors.New("bus: not connected")

// Msg is one delivered message. Data belongs to the receiver.
type Msg struct {
	Subject string
	Reply   string // where a request wants its answer, "" for none
	Data    []byte
}

// Conn is a connection to the message bus: at most once, in order per sender and subject.
// NATS is the real one, Net (mem.go) the fake that drops, delays, reorders and cuts.
type Conn interface {
	// Publish hands a message to the bus. data may be reused when it returns.
	Publish(subject string, data []byte) error
	// Subscribe calls fn for each message, one at a time, on a goroutine of the bus. fn must not block for long:
	// beyond the pending limit messages are dropped, and OnDrop is told.
	Subscribe(subject string, fn func(Msg)) (Subscription, error)
	// Request publishes and waits for one answer.
	Request(ctx context.Context, subject string, data []byte) ([]byte, error)
	// MaxPayload is the largest message in bytes that the server takes.
	MaxPayload() int
	// Connected tells whether the connection is up now.
	Connected() bool
	// Close ends the connection and waits for running callbacks.
	Close()
}

// Subscription is one interest in a subject.
type Subscription interface{ Unsubscribe() error }

// Events are called on goroutines of the bus when the connection's state changes; any may be nil.
type Events struct {
	Disconnected func(error)
	Reconnected  func()
	Dropped      func(subject string, messages int) // a slow subscription lost messages
}
