package checkpoint

import (
	"encoding/json"
	"errors"

	"github.com/stagecoach-llm/stagecoach/shard/tokenizer"
)

// hfTokenizerConfig is what is read of tokenizer_config.json.
type hfTokenizerConfig struct {
	AddBOS   bool               `json:"add_bos_token"`
	BOS      hfTokenName        `json:"bos_token"`
	EOS      hfTokenName        `json:"eos_token"`
	Pad      hfTokenName        `json:"pad_token"`
	Added    map[string]hfAdded `json:"added_tokens_decoder"` // by id
	Template hfTemplateList     `json:"chat_template"`
}

// hfTokenName is a token's text: a string, an object with content, or null.
type hfTokenName string

func (n *hfTokenName) UnmarshalJSON(b []byte) error {
	var text string
	if json.Unmarshal(b, &text) == nil {
		*n = hfTokenName(text)
		return nil
	}
	var token hfAdded
	if json.Unmarshal(b, &token) != nil {
		return errors.New("a special token is neither text nor an added token")
	}
	*n = hfTokenName(token.Content)
	return nil
}

// hfTemplateList is one template, or a list of named ones.
type hfTemplateList []struct {
	Name string `json:"name"`
	Text string `json:"template"`
}

func (l *hfTemplateList) UnmarshalJSON(b []byte) error {
	type list hfTemplateList // without this method
	var text string
	if json.Unmarshal(b, &text) != nil {
		return json.Unmarshal(b, (*list)(l))
	}
	*l = nil
	if text != "" {
		*l = make(hfTemplateList, 1)
		(*l)[0].Name, (*l)[0].Text = "default", text
	}
	return nil
}

// specials fills end tokens, start token and padding. The end tokens of all files count: of a chat model's, one
// often names <|im_end|> and another <|endoftext|>.
func (t *hfTokenizerConfig) specials(spec *tokenizer.Spec, raw *hfConfig, gen *hfGeneration) {
	named := append(append([]int64{}, raw.EOS...), gen.EOS...)
	if id, ok := idOf(spec, t.EOS); ok {
		named = append(named, id)
	}
	spec.EOS = endTokens(spec, named)
	spec.BOS = specialID(spec, t.BOS, raw.BOS)
	spec.Pad = specialID(spec, t.Pad, gen.Pad)
	if spec.Pad < 0 {
		spec.Pad = specialID(spec, "", raw.Pad)
	}
	spec.AddBOS = t.AddBOS && t.BOS != "" && spec.BOS >= 0
}

// specialID gives the id of the token with the name, else the first of fallback, else -1.
func specialID(spec *tokenizer.Spec, name hfTokenName, fallback ids) int32 {
	if id, ok := idOf(spec, name); ok {
		return int32(id)
	}
	id, ok := fallback.first()
	return optionalID(id, ok, spec)
}

// idOf looks a special token up by its text.
func idOf(spec *tokenizer.Spec, name hfTokenName) (int64, bool) {
	for id, text := range spec.Tokens {
		if text == string(name) && name != "" && spec.Kinds[id] != tokenizer.Unused {
			return int64(id), true
		}
	}
	return 0, false
}
