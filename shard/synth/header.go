package synth

import (
	"fmt"

	"github.com/stagecoach-llm/stagecoach/shard/checkpoint"
	"github.com/stagecoach-llm/stagecoach/shard/gguf"
)

// entry is a metadata key and its value.
type entry struct {
	key   string
	value any
}

// newFile lays out the file: metadata and tensor table.
func newFile(c *checkpoint.Config, m *mix) (*gguf.Writer, error) {
	w := gguf.NewWriter()
	for _, e := range metadata(c, m) {
		if err := w.Set(e.key, e.value); err != nil {
			return nil, fmt.Errorf("synth: %w", err)
		}
	}
	for _, s := range c.Shapes() {
		dims := []int64{int64(s.Cols), int64(s.Rows)}
		if s.Vector {
			dims = dims[:1]
		}
		if err := w.Add(s.Name, m.tensor(s, layerOf(s.Name)), dims...); err != nil {
			return nil, fmt.Errorf("synth: %w", err)
		}
	}
	return w, nil
}

// layerOf reads N from "blk.N."; -1 for other names.
func layerOf(name string) int {
	n := -1
	fmt.Sscanf(name, "blk.%d.", &n) // a name without it leaves -1
	return n
}

func metadata(c *checkpoint.Config, m *mix) []entry {
	e := []entry{
		{"general.architecture", "qwen2"},
		{"general.type", "model"},
		{"general.name", c.Name},
		{"general.file_type", m.number},
		{"qwen2.block_count", uint32(c.Layers)},
		{"qwen2.context_length", uint32(c.Context)},
		{"qwen2.embedding_length", uint32(c.Hidden)},
		{"qwen2.feed_forward_length", uint32(c.FFN)},
		{"qwen2.attention.head_count", uint32(c.Heads)},
		{"qwen2.attention.head_count_kv", uint32(c.KVHeads)},
		{"qwen2.attention.layer_norm_rms_epsilon", c.Eps},
		{"qwen2.rope.freq_base", float32(c.RopeTheta)},
	}
	if c.HeadDim*c.Heads != c.Hidden {
		e = append(e, entry{"qwen2.attention.key_length", uint32(c.HeadDim)},
			entry{"qwen2.attention.value_length", uint32(c.HeadDim)})
	}
	if m.quantised() {
		e = append(e, entry{"general.quantization_version", uint32(2)})
	}
	return append(append(e, yarn(c.Yarn)...), tokenizerEntries(newVocabulary(c.Vocab))...)
}

// yarn leaves the attention factor to the reader, which computes YaRN's own.
func yarn(y *checkpoint.Yarn) []entry {
	if y == nil {
		return nil
	}
	return []entry{
		{"qwen2.rope.scaling.type", "yarn"},
		{"qwen2.rope.scaling.factor", float32(y.Factor)},
		{"qwen2.rope.scaling.original_context_length", uint32(y.OriginalContext)},
		{"qwen2.rope.scaling.yarn_beta_fast", float32(y.BetaFast)},
		{"qwen2.rope.scaling.yarn_beta_slow", float32(y.BetaSlow)},
	}
}

func tokenizerEntries(v *vocabulary) []entry {
	id := func(name string) uint32 { return uint32(v.control[name]) }
	return []entry{
		{"tokenizer.ggml.model", "gpt2"},
		{"tokenizer.ggml.pre", "qwen2"},
		{"tokenizer.ggml.tokens", v.tokens},
		{"tokenizer.ggml.token_type", v.kinds},
		{"tokenizer.ggml.merges", merges},
		{"tokenizer.ggml.eos_token_id", id("<|im_end|>")},
		{"tokenizer.ggml.bos_token_id", id("<|endoftext|>")},
		{"tokenizer.ggml.padding_token_id", id("<|endoftext|>")},
		{"tokenizer.ggml.add_bos_token", false},
		{"tokenizer.chat_template", chatML},
	}
}
