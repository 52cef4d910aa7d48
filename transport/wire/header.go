package wire

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// Version of the binary form. A reader refuses any other.
const Version = 1

// HeaderSize is the size of the header in bytes.
const HeaderSize = 64

// magic is "SCW1" read as a little-endian number.
const magic = uint32('S') | uint32('C')<<8 | uint32('W')<<16 | uint32('1')<<24

// Offsets that are needed outside of putHeader and parseHeader.
const (
	offVersion = 4
	offKind    = 6
	offDesc    = 36
	offBody    = 40
	offCRC     = 44
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Flags say that items have a form that older readers do not know. They are set only where an item needs it.
const (
	// flagTops of a sampled: scores have alternatives.
	flagTops = 1
	// flagScores of a delta: an item ends with scores of the prompt.
	flagScores = 1
)

// noCRC stands in for the checksum's own field; a local array would be allocated at each call.
var noCRC [4]byte

// header is the fixed part of a message.
type header struct {
	kind    Kind
	dtype   DType
	epoch   uint64
	step    uint64
	lane    uint8
	flags   uint8
	entries int
	rows    int
	width   int
	desc    int // bytes
	body    int // bytes
	ack     uint64
	sent    int64
}

// begin reserves the header's space at the end of dst.
func begin(dst []byte) []byte {
	var zero [HeaderSize]byte
	return append(dst, zero[:]...)
}

// finish writes h over the header reserved at start; the descriptor and body that follow it are final.
func finish(dst []byte, start int, h *header) ([]byte, error) {
	if n := len(dst) - start; n > MaxMessage {
		return dst[:start], fmt.Errorf("wire: %s: %d bytes, at most %d: %w", h.kind, n, MaxMessage, ErrTooLarge)
	}
	h.desc = len(dst) - start - HeaderSize - h.body
	m := dst[start:]
	le := binary.LittleEndian
	le.PutUint32(m[0:], magic)
	le.PutUint16(m[offVersion:], Version)
	m[offKind] = byte(h.kind)
	m[7] = byte(h.dtype)
	le.PutUint64(m[8:], h.epoch)
	le.PutUint64(m[16:], h.step)
	m[24] = h.lane
	m[25] = h.flags
	le.PutUint16(m[26:], uint16(h.entries))
	le.PutUint32(m[28:], uint32(h.rows))
	le.PutUint32(m[32:], uint32(h.width))
	le.PutUint32(m[offDesc:], uint32(h.desc))
	le.PutUint32(m[offBody:], uint32(h.body))
	le.PutUint64(m[48:], h.ack)
	le.PutUint64(m[56:], uint64(h.sent))
	le.PutUint32(m[offCRC:], checksum(m))
	return dst, nil
}

// parseHeader checks everything that can be checked without reading the descriptor.
func parseHeader(m []byte) (header, error) {
	var h header
	if len(m) < HeaderSize {
		return h, fmt.Errorf("wire: header: %d bytes of %d: %w", len(m), HeaderSize, ErrShort)
	}
	le := binary.LittleEndian
	if got := le.Uint32(m); got != magic {
		return h, fmt.Errorf("wire: header: magic %#08x: %w", got, ErrMagic)
	}
	if got := le.Uint16(m[offVersion:]); got != Version {
		return h, fmt.Errorf("wire: header: version %d, this reader knows %d: %w", got, Version, ErrVersion)
	}
	desc, body := uint64(le.Uint32(m[offDesc:])), uint64(le.Uint32(m[offBody:]))
	have := uint64(len(m) - HeaderSize)
	switch {
	case len(m) > MaxMessage:
		return h, fmt.Errorf("wire: header: %d bytes, at most %d: %w", len(m), MaxMessage, ErrTooLarge)
	case desc+body > have:
		return h, fmt.Errorf("wire: header: %d+%d bytes announced, %d there: %w", desc, body, have, ErrShort)
	case desc+body < have:
		return h, fmt.Errorf("wire: header: %d+%d bytes announced, %d there: %w", desc, body, have, ErrTrailing)
	}
	if want, got := le.Uint32(m[offCRC:]), checksum(m); got != want {
		return h, fmt.Errorf("wire: header: crc32c %#08x, computed %#08x: %w", want, got, ErrChecksum)
	}
	if m[25]&^flagsOf(Kind(m[offKind])) != 0 {
		return h, fmt.Errorf("wire: header: flags %#02x: %w", m[25], ErrMalformed)
	}
	h = header{
		kind:    Kind(m[offKind]),
		dtype:   DType(m[7]),
		epoch:   le.Uint64(m[8:]),
		step:    le.Uint64(m[16:]),
		lane:    m[24],
		flags:   m[25],
		entries: int(le.Uint16(m[26:])),
		rows:    int(le.Uint32(m[28:])),
		width:   int(le.Uint32(m[32:])),
		desc:    int(desc),
		body:    int(body),
		ack:     le.Uint64(m[48:]),
		sent:    int64(le.Uint64(m[56:])),
	}
	return h, nil
}

// flagsOf is what this reader knows of a kind's flags.
func flagsOf(k Kind) uint8 {
	switch k {
	case KindSampled:
		return flagTops
	case KindDelta:
		return flagScores
	}
	return 0
}

// bare refuses the fields that only frames use, so that a message has one encoding.
func (h *header) bare() error {
	if h.rows != 0 || h.width != 0 || h.body != 0 || h.dtype != 0 || h.ack != 0 {
		return fmt.Errorf("wire: %s: header fields of a frame are set: %w", h.kind, ErrMalformed)
	}
	return nil
}

// checksum is the CRC-32C of m with its own field taken as zero.
func checksum(m []byte) uint32 {
	c := crc32.Update(0, castagnoli, m[:offCRC])
	c = crc32.Update(c, castagnoli, noCRC[:])
	return crc32.Update(c, castagnoli, m[offCRC+4:])
}

// String names the kind as errors do.
func (k Kind) String() string {
	switch k {
	case KindStep:
		return "step"
	case KindActivations:
		return "activations"
	case KindSampled:
		return "sampled"
	case KindDelta:
		return "delta"
	}
	return fmt.Sprintf("kind %d", uint8(k))
}
