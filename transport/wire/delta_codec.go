package wire

import "fmt"

// AppendDelta appends x's message to dst. On error dst is returned as it was.
func AppendDelta(dst []byte, x *Delta) ([]byte, error) {
	if len(x.Items) > MaxEntries {
		return dst, fmt.Errorf("wire: delta: %d items, at most %d: %w", len(x.Items), MaxEntries, ErrTooLarge)
	}
	h := header{kind: KindDelta, epoch: x.Term, entries: len(x.Items), flags: deltaFlags(x)}
	start := len(dst)
	b := begin(dst)
	for i := range x.Items {
		b = putItem(b, &x.Items[i])
		if h.flags != 0 {
			b = putScores(b, &x.Items[i])
		}
	}
	b, err := finish(b, start, &h)
	if err != nil {
		return dst, err
	}
	return b, nil
}

const minItem = 11 // bytes: every field of an item in its shortest form

// ParseDelta reads a delta message into x, whose slices are reused.
func ParseDelta(m []byte, x *Delta) error {
	h, err := parseHeader(m)
	if err != nil {
		return err
	}
	if h.kind != KindDelta {
		return fmt.Errorf("wire: %s: want delta: %w", h.kind, ErrKind)
	}
	if err := h.bare(); err != nil {
		return err
	}
	if h.step != 0 || h.lane != 0 || h.sent != 0 {
		return fmt.Errorf("wire: delta: step, lane or time is set: %w", ErrMalformed)
	}
	x.Term = h.epoch
	d := decoder{b: m[HeaderSize:]}
	if h.entries > d.left()/minItem {
		return fmt.Errorf("wire: delta: %d items in %d bytes: %w", h.entries, d.left(), ErrShort)
	}
	x.Items = resize(x.Items, h.entries)
	for i := range x.Items {
		parseItem(&d, &x.Items[i])
		parseScores(&d, &x.Items[i], h.flags)
		if d.err != nil {
			return fmt.Errorf("wire: delta: item %d: %w", i, d.err)
		}
	}
	d.end()
	if d.err != nil {
		return fmt.Errorf("wire: delta: %w", d.err)
	}
	if h.flags != deltaFlags(x) {
		return fmt.Errorf("wire: delta: flags announce scores that no item has: %w", ErrMalformed)
	}
	return nil
}

// deltaFlags are those that the items need.
func deltaFlags(x *Delta) uint8 {
	for i := range x.Items {
		if len(x.Items[i].Scores) > 0 {
			return flagScores
		}
	}
	return 0
}

func putScores(b []byte, it *DeltaItem) []byte {
	b = putLogprobs(b, it.Scores)
	if len(it.Scores) > 0 {
		b = putUvar(b, uint64(it.ScorePos))
	}
	return b
}

func parseScores(d *decoder, it *DeltaItem, flags uint8) {
	it.ScorePos, it.Scores = 0, it.Scores[:0]
	if flags == 0 {
		return
	}
	if it.Scores = parseLogprobs(d, it.Scores); len(it.Scores) > 0 {
		it.ScorePos = d.uvar32("score position")
	}
}

func putItem(b []byte, it *DeltaItem) []byte {
	b = putText(b, it.ID)
	b = putUvar(b, uint64(it.Attempt))
	b = putUvar(b, uint64(it.Choice))
	b = putUvar(b, uint64(it.Position))
	b = putInts(b, it.Tokens)
	b = putLogprobs(b, it.Logprobs)
	b = putUvar(b, uint64(it.Cached))
	b = putUvar(b, uint64(it.Recomputed))
	b = putText(b, it.Finish)
	b = putText(b, it.ErrorCode)
	return putText(b, it.Error)
}

func parseItem(d *decoder, it *DeltaItem) {
	it.ID = d.text(it.ID, "id")
	it.Attempt = d.uvar32("attempt")
	it.Choice = d.uvar32("choice")
	it.Position = d.uvar32("position")
	it.Tokens = d.ints(it.Tokens, "tokens")
	it.Logprobs = parseLogprobs(d, it.Logprobs)
	it.Cached = d.uvar32("cached")
	it.Recomputed = d.uvar32("recomputed")
	it.Finish = d.text(it.Finish, "finish")
	it.ErrorCode = d.text(it.ErrorCode, "error code")
	it.Error = d.text(it.Error, "error")
}
