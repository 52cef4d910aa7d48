package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/stagecoach-llm/stagecoach/shard/tokenizer"
)

// hfTokenizer is what is read of tokenizer.json.
type hfTokenizer struct {
	Added      []hfAdded     `json:"added_tokens"`
	Normalizer *hfNormalizer `json:"normalizer"`
	Pre        *hfPre        `json:"pre_tokenizer"`
	Model      hfBPE         `json:"model"`
}

// hfAdded is a token beside the BPE vocabulary. "normalized" means nothing here: added tokens are matched as written.
type hfAdded struct {
	ID         int64  `json:"id"`
	Content    string `json:"content"`
	Special    bool   `json:"special"`
	SingleWord bool   `json:"single_word"`
	LStrip     bool   `json:"lstrip"`
	RStrip     bool   `json:"rstrip"`
}

type hfBPE struct {
	Type         string           `json:"type"`
	Vocab        map[string]int64 `json:"vocab"`
	Merges       hfMerges         `json:"merges"`
	Prefix       string           `json:"continuing_subword_prefix"`
	Suffix       string           `json:"end_of_word_suffix"`
	ByteFallback bool             `json:"byte_fallback"`
	IgnoreMerges bool             `json:"ignore_merges"`
}

// hfMerges are pairs, written as "left right" until 2024 and as ["left", "right"] since.
type hfMerges [][2]string

func (m *hfMerges) UnmarshalJSON(b []byte) error {
	var lines []string
	if json.Unmarshal(b, &lines) == nil {
		pairs, err := splitMerges(lines)
		*m = pairs
		return err
	}
	var pairs [][]string
	if json.Unmarshal(b, &pairs) != nil {
		return errors.New("merges are neither strings nor pairs of strings")
	}
	*m = make(hfMerges, len(pairs))
	for i, p := range pairs {
		if len(p) != 2 || p[0] == "" || p[1] == "" {
			return fmt.Errorf("merge %d is %.80q, want two tokens", i, p)
		}
		(*m)[i] = [2]string{p[0], p[1]}
	}
	return nil
}

// spec builds the tokenizer for vocab ids; ids without a token become padding.
func (t *hfTokenizer) spec(cfg *hfTokenizerConfig, vocab int) (*tokenizer.Spec, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	s := &tokenizer.Spec{
		Tokens: make([]string, vocab), Kinds: make([]tokenizer.Kind, vocab),
		Merges: t.Model.Merges, Pre: "qwen2",
	}
	for text, id := range t.Model.Vocab {
		if err := setToken(s, id, text, tokenizer.Normal); err != nil {
			return nil, err
		}
	}
	added, err := t.added(cfg)
	if err != nil {
		return nil, err
	}
	for _, a := range added {
		if err := setToken(s, a.ID, a.Content, a.kind()); err != nil {
			return nil, err
		}
	}
	for id, kind := range s.Kinds {
		if kind == 0 {
			s.Tokens[id], s.Kinds[id] = padName(id), tokenizer.Unused
		}
	}
	return s, nil
}

// setToken gives id its token. An added token may repeat one of the vocabulary, whose kind it changes.
func setToken(s *tokenizer.Spec, id int64, text string, kind tokenizer.Kind) error {
	switch {
	case text == "":
		return fmt.Errorf("token %d is empty", id)
	case id < 0 || id >= int64(len(s.Tokens)):
		return fmt.Errorf("token %s has the id %d, but vocab_size is %d", quoteOdd(text), id, len(s.Tokens))
	case s.Kinds[id] != 0 && s.Tokens[id] != text:
		return fmt.Errorf("token %d is both %s and %s", id, quoteOdd(s.Tokens[id]), quoteOdd(text))
	}
	s.Tokens[id], s.Kinds[id] = text, kind
	return nil
}

// added joins the added tokens of both files by id; a token of tokenizer.json wins.
func (t *hfTokenizer) added(cfg *hfTokenizerConfig) ([]hfAdded, error) {
	byID := map[int64]hfAdded{}
	for text, a := range cfg.Added {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("tokenizer_config.json: added_tokens_decoder has the key %s, want an id", quoteOdd(text))
		}
		a.ID = id
		byID[id] = a
	}
	for _, a := range t.Added {
		byID[a.ID] = a
	}
	out := make([]hfAdded, 0, len(byID))
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		a := byID[id]
		if a.SingleWord || a.LStrip || a.RStrip {
			return nil, fmt.Errorf("added token %s strips or needs word boundaries, which is not served", quoteOdd(a.Content))
		}
		out = append(out, a)
	}
	return out, nil
}

// kind tells control tokens from those that users may write. Some that are control tokens by their name are not
// marked special (<|fim_prefix|> in Qwen2.5); llama.cpp's converter goes by the name, too.
func (a *hfAdded) kind() tokenizer.Kind {
	named := strings.HasPrefix(a.Content, "<|") && strings.HasSuffix(a.Content, "|>") ||
		strings.HasPrefix(a.Content, "<｜") && strings.HasSuffix(a.Content, "｜>")
	if a.Special || named {
		return tokenizer.Control
	}
	return tokenizer.UserDefined
}

// check refuses everything but Qwen2's byte-level BPE.
func (t *hfTokenizer) check() error {
	m := &t.Model
	switch {
	case m.Type != "" && m.Type != "BPE":
		return fmt.Errorf("a tokenizer of the type %s is not served, want BPE", quoteOdd(m.Type))
	case len(m.Vocab) == 0 || len(m.Merges) == 0:
		return errors.New("model.vocab or model.merges is missing or empty")
	case m.Prefix != "" || m.Suffix != "" || m.ByteFallback || m.IgnoreMerges:
		return errors.New("a BPE with subword prefix or suffix, byte fallback or ignored merges is not served")
	case !t.Normalizer.served():
		return errors.New("a normalizer other than NFC is not served")
	}
	return t.Pre.check()
}

// hfNormalizer is NFC, or a sequence of normalizers.
type hfNormalizer struct {
	Type  string         `json:"type"`
	Parts []hfNormalizer `json:"normalizers"`
}

// served tells whether it is NFC or nothing: that text is normalised all the same changes ids of decomposed
// characters only.
func (n *hfNormalizer) served() bool {
	if n == nil || n.Type == "NFC" {
		return true
	}
	return n.Type == "Sequence" && !slices.ContainsFunc(n.Parts, func(p hfNormalizer) bool { return !p.served() })
}

// qwen2Split is Qwen2's pre-tokenizer expression.
const qwen2Split = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|` +
	`\s*[\r\n]+|\s+(?!\S)|\s+`

// hfPre is a pre-tokenizer: a sequence, a split or the byte level.
type hfPre struct {
	Type      string  `json:"type"`
	Parts     []hfPre `json:"pretokenizers"`
	AddPrefix bool    `json:"add_prefix_space"`
	UseRegex  *bool   `json:"use_regex"` // true where absent
	Behavior  string  `json:"behavior"`
	Invert    bool    `json:"invert"`
	Pattern   struct {
		Regex string `json:"Regex"`
	} `json:"pattern"`
}

// check wants Qwen2's split followed by the byte level.
func (p *hfPre) check() error {
	if p == nil || p.Type != "Sequence" || len(p.Parts) != 2 {
		return errors.New("pre_tokenizer is not Qwen2's sequence of Split and ByteLevel")
	}
	split, level := &p.Parts[0], &p.Parts[1]
	switch {
	case split.Type != "Split" || split.Pattern.Regex != qwen2Split || split.Behavior != "Isolated" || split.Invert:
		return fmt.Errorf("pre_tokenizer splits by %s, which is not Qwen2's expression", quoteOdd(split.Pattern.Regex))
	case level.Type != "ByteLevel" || level.AddPrefix || level.UseRegex == nil || *level.UseRegex:
		return errors.New("pre_tokenizer's second step is not Qwen2's ByteLevel (no prefix space, no expression)")
	}
	return nil
}
