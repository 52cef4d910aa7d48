package wire

import "errors"

// Errors of the Parse functions; match with errors.Is.
var (
	// ErrShort is returned when a message ends before what it announces.
	ErrShort = errors.New("message too short")
	// ErrTrailing is returned when bytes are left over.
	ErrTrailing = errors.New("bytes left over")
	// ErrMagic is returned when a message does not begin with the magic number.
	ErrMagic = errors.New("not a stagecoach message")
	// ErrVersion is returned when a message, or the parameters in it, have a version this reader does not know.
	ErrVersion = errors.New("unknown version")
	// ErrChecksum is returned when a message was damaged on its way.
	ErrChecksum = errors.New("checksum mismatch")
	// ErrKind is returned when a message is of another kind than the reader wants.
	ErrKind = errors.New("wrong kind of message")
	// ErrMalformed is returned when a message contradicts itself or uses a value that is not assigned.
	ErrMalformed = errors.New("malformed")
)

// ErrTooLarge is returned by Append and Parse functions when a count or length is above its limit (limits.go).
var ErrTooLarge = errors.New("too large")
