package tokenizer

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// Tokenizer encodes and decodes with one vocabulary.
type Tokenizer struct {
	kinds  []Kind
	bytes  []byte // the decoded bytes of all tokens, by id
	starts []int  // token id is bytes[starts[id]:starts[id+1]]
	added  trie   // Control and UserDefined tokens by their text
	merges mergeTable
	byteID [256]int32 // the token of each single byte
	cache  *pieceCache

	eos    []int32
	bos    int32
	pad    int32
	addBOS bool
}

// New builds a tokenizer. It keeps no reference to spec. An error says which entry of the spec is wrong.
func New(spec *Spec) (*Tokenizer, error) {
	if err := checkShape(spec); err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	t := &Tokenizer{
		kinds:  slices.Clone(spec.Kinds),
		cache:  newPieceCache(),
		eos:    slices.Clone(spec.EOS),
		bos:    spec.BOS,
		pad:    spec.Pad,
		addBOS: spec.AddBOS,
	}
	ids, err := t.readTokens(spec)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	if err := t.readBytes(ids); err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	if t.merges, err = t.readMerges(spec.Merges, ids); err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	return t, nil
}

const maxVocab = 1 << 24 // far above any real vocabulary; keeps ids and ranks within 32 bits

func checkShape(spec *Spec) error {
	if spec == nil {
		return errors.New("no spec given")
	}
	n := len(spec.Tokens)
	switch {
	case n == 0:
		return errors.New("the vocabulary is empty")
	case n > maxVocab:
		return fmt.Errorf("the vocabulary has %d tokens, more than the %d supported", n, maxVocab)
	case len(spec.Merges) > maxVocab:
		return fmt.Errorf("%d merges are more than the %d supported", len(spec.Merges), maxVocab)
	case len(spec.Kinds) != n:
		return fmt.Errorf("%d tokens but %d kinds: every token needs one", n, len(spec.Kinds))
	}
	switch spec.Pre {
	// llama.cpp gives DeepSeek's distillations a name of their own, for Qwen2's expression.
	case "", "qwen2", "deepseek-r1-qwen":
	default:
		return fmt.Errorf("pre-tokenizer %q is not supported (qwen2 and deepseek-r1-qwen are)", spec.Pre)
	}
	for _, id := range spec.EOS {
		if id < 0 || int(id) >= n {
			return fmt.Errorf("end token %d is outside the vocabulary of %d", id, n)
		}
	}
	if spec.BOS < -1 || int(spec.BOS) >= n {
		return fmt.Errorf("bos token %d is outside the vocabulary of %d (-1 is none)", spec.BOS, n)
	}
	if spec.Pad < -1 || int(spec.Pad) >= n {
		return fmt.Errorf("pad token %d is outside the vocabulary of %d (-1 is none)", spec.Pad, n)
	}
	if spec.AddBOS && spec.BOS < 0 {
		return errors.New("a bos token is to be added but none is named")
	}
	return nil
}

// readTokens fills what is known by id and returns the ids of the tokens that merges can name.
func (t *Tokenizer) readTokens(spec *Spec) (map[string]int32, error) {
	ids := make(map[string]int32, len(spec.Tokens))
	t.starts = make([]int, 1, len(spec.Tokens)+1)
	for i, text := range spec.Tokens {
		id := int32(i)
		kind := spec.Kinds[i]
		if kind < Normal || kind > Byte {
			return nil, fmt.Errorf("token %d (%.40q) has unknown kind %d", id, text, kind)
		}
		if kind != Unused {
			if text == "" {
				return nil, fmt.Errorf("token %d is empty", id)
			}
			if first, dup := ids[text]; dup {
				return nil, fmt.Errorf("tokens %d and %d are both %.40q", first, id, text)
			}
			ids[text] = id
		}
		var err error
		if t.bytes, err = appendToken(t.bytes, text, kind); err != nil {
			return nil, fmt.Errorf("token %d: %w", id, err)
		}
		t.starts = append(t.starts, len(t.bytes))
		if kind == Control || kind == UserDefined {
			if err := t.added.insert(text, id, kind == Control); err != nil {
				return nil, fmt.Errorf("token %d: %w", id, err)
			}
		}
	}
	return ids, nil
}

// appendToken appends the bytes that a token stands for.
func appendToken(dst []byte, text string, kind Kind) ([]byte, error) {
	switch kind {
	case Normal:
		return appendAlphabet(dst, text), nil
	case Byte: // <0x0A>
		if len(text) == 6 && text[:3] == "<0x" && text[5] == '>' {
			if b, err := strconv.ParseUint(text[3:5], 16, 8); err == nil {
				return append(dst, byte(b)), nil
			}
		}
		return nil, fmt.Errorf("byte token %.40q is not written as <0x00>", text)
	case Unused:
		return dst, nil
	}
	return append(dst, text...), nil
}

// readBytes finds the token of every byte: with all 256, any text can be encoded.
func (t *Tokenizer) readBytes(ids map[string]int32) error {
	for b := range t.byteID {
		id, ok := ids[string(byteToRune[b])]
		if !ok || t.kinds[id] != Normal {
			return fmt.Errorf("byte 0x%02x has no token (%q): not a byte-level BPE vocabulary", b, string(byteToRune[b]))
		}
		t.byteID[b] = id
	}
	return nil
}

// VocabSize counts the ids of the vocabulary, padding included.
func (t *Tokenizer) VocabSize() int { return len(t.kinds) }

// Valid reports whether id is in the vocabulary, padding included.
func (t *Tokenizer) Valid(id int32) bool { return id >= 0 && int(id) < len(t.kinds) }

// Padding reports whether id fills up the vocabulary or lies outside of it: it stands for nothing and is never sampled.
func (t *Tokenizer) Padding(id int32) bool { return !t.Valid(id) || t.kinds[id] == Unused }

// IsControl reports whether id is a control token such as <|im_end|>, which is never shown.
func (t *Tokenizer) IsControl(id int32) bool { return t.Valid(id) && t.kinds[id] == Control }

// EOS returns the ids that end an answer. It must not be changed.
func (t *Tokenizer) EOS() []int32 { return t.eos }

// IsEOS reports whether id ends an answer.
func (t *Tokenizer) IsEOS(id int32) bool { return slices.Contains(t.eos, id) }

// BOS returns the id that begins a raw prompt, and whether the model wants it added.
func (t *Tokenizer) BOS() (id int32, add bool) { return t.bos, t.addBOS }

// Pad returns the id used for padding, -1 for none.
func (t *Tokenizer) Pad() int32 { return t.pad }

// TokenBytes returns the bytes that id stands for: a part of a text, not always whole UTF-8 characters, and the
// token's name where it is a control token. It is empty for padding and must not be changed.
func (t *Tokenizer) TokenBytes(id int32) []byte {
	if !t.Valid(id) {
		return nil
	}
	start, end := t.starts[id], t.starts[id+1]
	return t.bytes[start:end:end]
}
