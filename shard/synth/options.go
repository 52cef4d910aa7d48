package synth

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stagecoach-llm/stagecoach/shard/checkpoint"
)

// Options say what to write. The zero value is a 0.5B model in Q8_0.
type Options struct {
	Size   string             // one of Sizes; "" is "0.5b"
	Config *checkpoint.Config // instead of Size; Vocab counts padding, RealVocab is ignored
	Type   string             // one of Types, in any case; "" is "q8_0"
	Seed   uint64

	// These replace the configuration's values where they are not 0.
	Layers  int
	Vocab   int // at least MinVocab
	Context int

	// Progress, if not nil, is called as the file grows, with bytes.
	Progress func(done, total int64)
}

// sizes are Qwen2.5's, and "tiny" for tests, whose rows are multiples of 256 so that every type fits.
var sizes = map[string]checkpoint.Config{
	"tiny": shape(4, 256, 4, 2, 768, 512, true),
	"0.5b": shape(24, 896, 14, 2, 4864, 151936, true),
	"1.5b": shape(28, 1536, 12, 2, 8960, 151936, true),
	"3b":   shape(36, 2048, 16, 2, 11008, 151936, true),
	"7b":   shape(28, 3584, 28, 4, 18944, 152064, false),
	"14b":  shape(48, 5120, 40, 8, 13824, 152064, false),
	"32b":  shape(64, 5120, 40, 8, 27648, 152064, false),
	"72b":  shape(80, 8192, 64, 8, 29568, 152064, false),
}

func shape(layers, hidden, heads, kvHeads, ffn, vocab int, tied bool) checkpoint.Config {
	return checkpoint.Config{
		Layers: layers, Hidden: hidden, Heads: heads, KVHeads: kvHeads, HeadDim: hidden / heads, FFN: ffn, Vocab: vocab,
		Context: 32768, Eps: 1e-6, RopeTheta: 1e6, Tied: tied,
	}
}

// Sizes lists the sizes, smallest first.
func Sizes() []string {
	return slices.SortedFunc(maps.Keys(sizes), func(a, b string) int {
		weights := func(s string) int { c := sizes[s]; return c.Layers * c.Hidden * c.FFN }
		return weights(a) - weights(b)
	})
}

// config resolves the options to a checked configuration.
func (o *Options) config() (checkpoint.Config, error) {
	size := strings.ToLower(o.Size)
	if size == "" {
		size = "0.5b"
	}
	c, ok := sizes[size]
	c.Name = "synthetic-qwen2-" + size
	if o.Config != nil {
		c, ok = *o.Config, true
	}
	if !ok {
		return c, fmt.Errorf("synth: size %q is unknown (known: %s)", o.Size, strings.Join(Sizes(), ", "))
	}
	override(&c.Layers, o.Layers)
	override(&c.Vocab, o.Vocab)
	override(&c.Context, o.Context)
	if err := c.Check(); err != nil {
		return c, fmt.Errorf("synth: %w", err)
	}
	if c.Vocab < MinVocab {
		return c, fmt.Errorf("synth: a vocabulary of %d is too small for the tokenizer, want at least %d", c.Vocab, MinVocab)
	}
	return c, nil
}

func override(to *int, n int) {
	if n != 0 {
		*to = n
	}
}
