package checkpoint

import (
	"slices"

	"github.com/stagecoach-llm/stagecoach/shard/tokenizer"
)

// endNames are the tokens that end an answer wherever the vocabulary has them as control tokens: a base model's
// metadata names one of the two, a chat model's the other.
var endNames = []string{"<|im_end|>", "<|endoftext|>"}

// endTokens gives the ids that end an answer, ascending: those the file names, and endNames. Ids outside the
// vocabulary are left out.
func endTokens(spec *tokenizer.Spec, named []int64) []int32 {
	ids := []int32{}
	for _, id := range named {
		if id >= 0 && id < int64(len(spec.Tokens)) {
			ids = append(ids, int32(id))
		}
	}
	for id, text := range spec.Tokens {
		if spec.Kinds[id] == tokenizer.Control && slices.Contains(endNames, text) {
			ids = append(ids, int32(id))
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// optionalID turns an id from a file into a Spec's: -1 where it is absent or outside the vocabulary.
func optionalID(id int64, ok bool, spec *tokenizer.Spec) int32 {
	if !ok || id < 0 || id >= int64(len(spec.Tokens)) {
		return -1
	}
	return int32(id)
}
