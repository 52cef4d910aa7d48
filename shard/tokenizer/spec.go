package tokenizer

// Kind is what a vocabulary entry is, numbered as GGUF's token_type.
type Kind uint8

const (
	Normal      Kind = 1 // a byte-level BPE token
	Unknown     Kind = 2
	Control     Kind = 3 // <|im_end|>: never matched in user text, never shown
	UserDefined Kind = 4 // <tool_call>: matched inside plain text, shown
	Unused      Kind = 5 // padding: never sampled
	Byte        Kind = 6
)

// Spec is a tokenizer as a model file describes it, whatever the file's format.
// Its JSON form is what the coordinator hands to the router, so that the router needs no model file.
type Spec struct {
	Tokens []string    `json:"tokens"` // by id; Normal tokens in GPT-2's byte-to-unicode alphabet, the others as their plain text
	Kinds  []Kind      `json:"kinds"`  // by id; len(Kinds) == len(Tokens)
	Merges [][2]string `json:"merges"` // by rank
	Pre    string      `json:"pre"`    // pre-tokenizer: "qwen2" (also for an absent one), "deepseek-r1-qwen"
	// EOS are the ids that end an answer (<|im_end|> and <|endoftext|> in Qwen2), from the file's metadata.
	EOS []int32 `json:"eos"`
	// BOS is added before a raw completion prompt only where AddBOS says so; -1 for none.
	BOS    int32 `json:"bos"`
	AddBOS bool  `json:"add_bos"`
	// Pad is the id used for padding, -1 for none.
	Pad int32 `json:"pad"`
}

// TextBytes returns the bytes that id stands for in a text, nil where it is no part of any: control tokens and padding.
func (s *Spec) TextBytes(id int32) []byte {
	kind := s.Kinds[id]
	if kind == Control || kind == Unused || kind == Unknown {
		return nil
	}
	b, err := appendToken(nil, s.Tokens[id], kind)
	if err != nil {
		return nil
	}
	return b
}
