package checkpoint

import "github.com/stagecoach-llm/stagecoach/shard/tokenizer"

// Card is everything about a model but its weights. The coordinator reads it from the file and hands it
// to the router as JSON.
type Card struct {
	// ID is a hash (hex) of configuration, tokenizer, templates, tensor table (names, types, shapes, sizes) and a few
	// hundred bytes of the weights: shards of one pipeline must agree on it.
	ID        string            `json:"id"`
	Config    Config            `json:"config"`
	Tokenizer tokenizer.Spec    `json:"tokenizer"`
	Template  string            `json:"template"`            // default chat template (Jinja), "" if the file has none
	Templates map[string]string `json:"templates,omitempty"` // named templates ("tool_use", …)
	Defaults  Defaults          `json:"defaults"`
	// Sizes in bytes as the file holds them, for placement.
	LayerBytes []int64 `json:"layer_bytes"` // per layer
	EmbedBytes int64   `json:"embed_bytes"` // token embedding
	HeadBytes  int64   `json:"head_bytes"`  // output norm and head; a tied head counts here again
}

// Padded tells by id, for all Config.Vocab ids, which are padding: rows of the embedding that no token stands for.
// They are never sampled. It is derived from the tokenizer, so it survives JSON.
func (c *Card) Padded() []bool {
	padded := make([]bool, c.Config.Vocab)
	for id := range padded {
		padded[id] = id >= len(c.Tokenizer.Kinds) || c.Tokenizer.Kinds[id] == tokenizer.Unused
	}
	return padded
}
