package checkpoint

import (
	"fmt"
	"strings"

	"github.com/stagecoach-llm/stagecoach/shard/tokenizer"
)

// The embedding has more rows than the tokenizer has tokens (Qwen2: 151,936 and 151,665 or fewer). Converters to
// GGUF fill the gap with "[PAD151936]"-like tokens, of the type unused today and user-defined in 2024; a Hugging
// Face folder leaves the ids out. Both become Unused entries here, which are never sampled or matched in text.

// padName is what converters call the token for an id that the tokenizer does not have.
func padName(id int) string { return fmt.Sprintf("[PAD%d]", id) }

// markPadding gives padding entries the kind Unused, and returns the first id of the padded tail (Config.RealVocab):
// every id from there on is Unused. Unused entries before it are gaps in the vocabulary; the sampler masks them by
// their kind.
func markPadding(spec *tokenizer.Spec) int {
	for id, text := range spec.Tokens {
		if strings.HasPrefix(text, "[PAD") && text == padName(id) {
			spec.Kinds[id] = tokenizer.Unused
		}
	}
	n := len(spec.Tokens)
	for n > 0 && spec.Kinds[n-1] == tokenizer.Unused {
		n--
	}
	return n
}
