package tokenizer

import "strings"

// Segment is a part of a prompt.
type Segment struct {
	Text string
	// Special: the text is trusted (it comes from the template), and control tokens in it are recognised.
	// Elsewhere <|im_end|> is ordinary text.
	Special bool
}

// Encode returns the ids of text that nobody vouches for. Strings that spell control tokens are ordinary text;
// UserDefined tokens such as <tool_call> are recognised.
func (t *Tokenizer) Encode(text string) []int32 {
	return t.encode(text, nil)
}

// EncodeSpecial is Encode for trusted text: control tokens such as <|im_end|> are recognised, too.
func (t *Tokenizer) EncodeSpecial(text string) []int32 {
	text = valid(text)
	return t.encode(text, []span{{0, len(text)}})
}

// EncodeSegments returns the ids of the segments' concatenation. The borders between segments leave no trace: the ids are
// those of the whole text, except that a control token is recognised only where all of its text is trusted.
func (t *Tokenizer) EncodeSegments(segments []Segment) []int32 {
	var b strings.Builder
	var trusted []span
	for _, s := range segments {
		start := b.Len()
		b.WriteString(valid(s.Text))
		if !s.Special || b.Len() == start {
			continue
		}
		if n := len(trusted); n > 0 && trusted[n-1].end == start {
			trusted[n-1].end = b.Len()
		} else {
			trusted = append(trusted, span{start, b.Len()})
		}
	}
	return t.encode(b.String(), trusted)
}

// span is a range of bytes.
type span struct{ start, end int }

// encode cuts text at added tokens, control tokens only within the trusted spans (ascending, apart).
func (t *Tokenizer) encode(text string, trusted []span) []int32 {
	if text == "" {
		return nil
	}
	text = valid(text)
	ids := make([]int32, 0, len(text)/3+4)
	start := 0
	for i := 0; i < len(text); {
		for len(trusted) > 0 && trusted[0].end <= i {
			trusted = trusted[1:]
		}
		reach := 0
		if len(trusted) > 0 && trusted[0].start <= i {
			reach = trusted[0].end - i
		}
		id, n := t.added.longest(text[i:], reach)
		if n == 0 {
			i++
			continue
		}
		ids = t.appendText(ids, text[start:i])
		ids = append(ids, id)
		i += n
		start = i
	}
	return t.appendText(ids, text[start:])
}

// appendText appends the ids of valid text without added tokens.
func (t *Tokenizer) appendText(ids []int32, text string) []int32 {
	text = nfc(text)
	for len(text) > 0 {
		n := nextPiece(text)
		if n == 1 {
			ids = append(ids, t.byteID[text[0]])
		} else {
			ids = t.cache.append(t, ids, text[:n])
		}
		text = text[n:]
	}
	return ids
}
