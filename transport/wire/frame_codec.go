package wire

import (
	"fmt"
	"math"
)

// AppendFrame appends f's message to dst: a step where f.Rows is 0, activations elsewhere. Width and DType of a
// frame without rows are not sent. On error dst is returned as it was.
func AppendFrame(dst []byte, f *Frame) ([]byte, error) {
	h := header{kind: KindStep, epoch: f.Epoch, step: f.Step, lane: f.Lane, entries: len(f.Entries),
		ack: f.Ack, sent: f.SentNS}
	if f.Rows != 0 {
		h.kind, h.dtype, h.rows, h.width, h.body = KindActivations, f.DType, f.Rows, f.Width, len(f.Body)
	}
	if err := checkFrame(f, &h); err != nil {
		return dst, err
	}
	start, ops := len(dst), 0
	b := begin(dst)
	for i := range f.Entries {
		e := &f.Entries[i]
		if ops += len(e.Ops); ops > MaxOps {
			return dst, fmt.Errorf("wire: %s: entry %d: more than %d ops: %w", h.kind, i, MaxOps, ErrTooLarge)
		}
		var err error
		if b, err = putEntry(b, e); err != nil {
			return dst, fmt.Errorf("wire: %s: entry %d: %w", h.kind, i, err)
		}
	}
	b = putTimings(b, f.Timings)
	b = append(b, f.Body...)
	b, err := finish(b, start, &h)
	if err != nil {
		return dst, err
	}
	return b, nil
}

// ParseFrame reads a step or activations message into f, whose slices are reused. f.Body aliases m.
func ParseFrame(m []byte, f *Frame) error {
	h, err := parseHeader(m)
	if err != nil {
		return err
	}
	if h.kind != KindStep && h.kind != KindActivations {
		return fmt.Errorf("wire: %s: want step or activations: %w", h.kind, ErrKind)
	}
	f.Epoch, f.Lane, f.Step, f.Ack, f.SentNS = h.epoch, h.lane, h.step, h.ack, h.sent
	f.DType, f.Rows, f.Width = h.dtype, h.rows, h.width
	f.Body = nil
	if h.body > 0 {
		f.Body = m[HeaderSize+h.desc:]
	}
	d := decoder{b: m[HeaderSize : HeaderSize+h.desc]}
	if err := parseEntries(&d, f, h.entries); err != nil {
		return fmt.Errorf("wire: %s: %w", h.kind, err)
	}
	f.Timings = parseTimings(&d, f.Timings)
	d.end()
	if d.err != nil {
		return fmt.Errorf("wire: %s: %w", h.kind, d.err)
	}
	return checkFrame(f, &h)
}

// checkFrame is what must hold on both ends: the rows are those of the tokens and fill the body.
func checkFrame(f *Frame, h *header) error {
	if len(f.Entries) > MaxEntries {
		return fmt.Errorf("wire: %s: %d entries, at most %d: %w", h.kind, len(f.Entries), MaxEntries, ErrTooLarge)
	}
	if len(f.Timings) > MaxTimings {
		return fmt.Errorf("wire: %s: %d timings, at most %d: %w", h.kind, len(f.Timings), MaxTimings, ErrTooLarge)
	}
	if h.dtype != F32 {
		return fmt.Errorf("wire: %s: dtype %d is reserved: %w", h.kind, h.dtype, ErrMalformed)
	}
	if h.kind == KindStep {
		if h.rows != 0 || h.width != 0 || len(f.Body) != 0 {
			return fmt.Errorf("wire: step: %d rows, width %d, body of %d bytes, want none: %w", h.rows, h.width, len(f.Body), ErrMalformed)
		}
		return nil
	}
	return checkRows(f)
}

func checkRows(f *Frame) error {
	if f.Rows <= 0 || f.Rows > MaxMessage || f.Width <= 0 || f.Width > MaxMessage {
		return fmt.Errorf("wire: activations: %d rows of width %d: %w", f.Rows, f.Width, ErrMalformed)
	}
	if want := int64(f.Rows) * int64(f.Width) * 4; want != int64(len(f.Body)) {
		return fmt.Errorf("wire: activations: body of %d bytes, %d rows of %d float32 take %d: %w", len(f.Body), f.Rows, f.Width, want, ErrMalformed)
	}
	tokens := 0
	for i := range f.Entries {
		tokens += len(f.Entries[i].Tokens)
	}
	if tokens != f.Rows {
		return fmt.Errorf("wire: activations: %d tokens for %d rows: %w", tokens, f.Rows, ErrMalformed)
	}
	return nil
}

func putEntry(b []byte, e *Entry) ([]byte, error) {
	if e.Want > WantFailed {
		return b, fmt.Errorf("want %d: %w", e.Want, ErrMalformed)
	}
	b = putUvar(b, e.Seq)
	b = putUvar(b, uint64(e.Pos))
	b = putInts(b, e.Tokens)
	b = append(b, byte(e.Want))
	b = putInts(b, e.Targets)
	b = putUvar(b, uint64(len(e.Ops)))
	for i := range e.Ops {
		var err error
		if b, err = putOp(b, &e.Ops[i]); err != nil {
			return b, fmt.Errorf("op %d: %w", i, err)
		}
	}
	return b, nil
}

const minEntry = 6 // bytes: every field of an entry in its shortest form

func parseEntries(d *decoder, f *Frame, n int) error {
	if n > d.left()/minEntry {
		return fmt.Errorf("%d entries in %d bytes: %w", n, d.left(), ErrShort)
	}
	f.Entries = resize(f.Entries, n)
	ops := 0
	for i := range f.Entries {
		parseEntry(d, &f.Entries[i], MaxOps-ops)
		if d.err != nil {
			return fmt.Errorf("entry %d: %w", i, d.err)
		}
		ops += len(f.Entries[i].Ops)
	}
	return nil
}

func parseEntry(d *decoder, e *Entry, maxOps int) {
	e.Seq = d.uvar("seq")
	e.Pos = d.uvar32("pos")
	e.Tokens = d.ints(e.Tokens, "tokens")
	e.Want = Want(d.u8("want"))
	if e.Want > WantFailed {
		d.fail("want", fmt.Errorf("%d is not assigned: %w", e.Want, ErrMalformed))
	}
	e.Targets = d.ints(e.Targets, "targets")
	n := d.count(1, maxOps, "ops")
	e.Ops = resize(e.Ops, n)
	for i := 0; i < n && d.err == nil; i++ {
		parseOp(d, &e.Ops[i])
	}
}

func putOp(b []byte, o *Op) ([]byte, error) {
	b = append(b, byte(o.Kind))
	switch o.Kind {
	case OpOpen:
		b, err := putParams(b, o.Params)
		b = putUvar(b, uint64(o.Choice))
		return putInts(b, o.History), err
	case OpBlocks:
		b = putUvar(b, uint64(o.At))
		b = putInts(b, o.Blocks)
	case OpClose:
	case OpFork:
		b = putUvar(b, o.Parent)
		b = putUvar(b, uint64(o.Len))
	case OpCopy:
		b = putSvar(b, int64(o.From))
		b = putSvar(b, int64(o.To))
	default:
		return b, fmt.Errorf("kind %d: %w", o.Kind, ErrMalformed)
	}
	return b, nil
}

// parseOp sets only the fields of the op's kind; of the old op it keeps the memory of Blocks.
func parseOp(d *decoder, o *Op) {
	*o = Op{Kind: OpKind(d.u8("op kind")), Blocks: o.Blocks[:0]}
	switch o.Kind {
	case OpOpen:
		o.Params = parseParams(d)
		o.Choice = d.uvar32("choice")
		o.History = d.ints(nil, "history")
	case OpBlocks:
		o.At = d.uvar32("at")
		o.Blocks = d.ints(o.Blocks, "blocks")
	case OpClose:
	case OpFork:
		o.Parent = d.uvar("parent")
		o.Len = d.uvar32("len")
	case OpCopy:
		o.From = d.svar32("from")
		o.To = d.svar32("to")
	default:
		d.fail("op kind", fmt.Errorf("%d is not assigned: %w", o.Kind, ErrMalformed))
	}
}

func putTimings(b []byte, t []Timing) []byte {
	b = putUvar(b, uint64(len(t)))
	for _, x := range t {
		b = putSvar(b, x.QueueNS)
		b = putSvar(b, x.ComputeNS)
	}
	return b
}

func parseTimings(d *decoder, dst []Timing) []Timing {
	n := d.count(2, MaxTimings, "timings")
	dst = resize(dst, n)
	for i := range dst {
		dst[i] = Timing{QueueNS: d.svar("queue ns"), ComputeNS: d.svar("compute ns")}
	}
	return dst
}

// fits32 refuses an int field that a 32-bit reader could not hold.
func fits32(name string, v int) error {
	if v < math.MinInt32 || v > math.MaxInt32 {
		return fmt.Errorf("%s %d does not fit 32 bits: %w", name, v, ErrTooLarge)
	}
	return nil
}
