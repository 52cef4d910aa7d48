package tokenizer

import "unicode/utf8"

// AppendBytes appends the bytes that ids stand for, control tokens by their names. Ids outside the vocabulary and
// padding stand for nothing.
func (t *Tokenizer) AppendBytes(dst []byte, ids []int32) []byte {
	for _, id := range ids {
		dst = append(dst, t.TokenBytes(id)...)
	}
	return dst
}

// Decode returns the text of ids, control tokens by their names. Bytes that are not valid UTF-8 become U+FFFD.
func (t *Tokenizer) Decode(ids []int32) string {
	raw := t.AppendBytes(nil, ids)
	if utf8.Valid(raw) {
		return string(raw)
	}
	return string(appendValid(nil, raw))
}

// Decoder turns ids into text as they come. What its Push and Flush return together is the [Tokenizer.Decode] of all ids.
type Decoder struct {
	t           *Tokenizer
	skipSpecial bool
	held        []byte // the start of a character, at most 3 bytes
	out         []byte
}

// NewDecoder returns a decoder. With skipSpecial it leaves control tokens out.
func (t *Tokenizer) NewDecoder(skipSpecial bool) *Decoder {
	return &Decoder{t: t, skipSpecial: skipSpecial}
}

// Push returns the text that id completes: whole characters only. Bytes that begin a character are held back
// until the rest comes; bytes that cannot become one are U+FFFD.
func (d *Decoder) Push(id int32) string {
	if d.skipSpecial && d.t.IsControl(id) {
		return ""
	}
	p := d.t.TokenBytes(id)
	if len(p) == 0 {
		return ""
	}
	d.held = append(d.held, p...)
	whole := len(d.held) - heldLen(d.held)
	d.out = appendValid(d.out[:0], d.held[:whole])
	d.held = append(d.held[:0], d.held[whole:]...)
	return string(d.out)
}

// Held counts the bytes that wait for the rest of their character.
func (d *Decoder) Held() int { return len(d.held) }

// Flush ends the text: held bytes become U+FFFD. The decoder can then start another text.
func (d *Decoder) Flush() string {
	out := appendValid(d.out[:0], d.held)
	d.held = d.held[:0]
	return string(out)
}

// heldLen returns how many bytes at the end of p begin a character that is not complete.
func heldLen(p []byte) int {
	for n := min(3, len(p)); n > 0; n-- {
		if prefixLen(p[len(p)-n:]) == n {
			return n
		}
	}
	return 0
}
