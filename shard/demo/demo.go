// Package demo holds the model that Stagecoach serves when it is given no other, so that the first command
// answers without a download.
//
// It is a really trained model of the Qwen2 architecture with every part in which a bug could hide: biases on
// query, key and value that the answers depend on, 4 query heads over 2 key-value heads, rotary positions with
// theta 1e6, SwiGLU and a tied head. It has 12 layers, so that it can be split over up to 12 shards, a width of
// 256, a byte-level BPE of 2,556 tokens with the ChatML special tokens and single-digit numbers, 4 padding ids
// that must never be sampled, and a context of 2,048 tokens. Matrices are Q8_0, norms and biases F32.
//
// It is for demonstration and tests. It greets, explains this cluster, adds up to 20, tells jokes and stories,
// follows a conversation and a few system prompts, and says a few words in six more languages; to nearly
// everything else it answers that it does not know. Of sums and differences up to 20 it gets 99 in 100 right; it
// counts to most numbers up to 25 that are given as digits, less surely between two numbers or to one in words. The
// folder train says how it is made.
//
// testdata/pins.json holds greedy answers that any correct engine gives token by token, computed in float64 on
// the dequantised weights: a list of {messages, prompt_ids, greedy_ids, text, min_gap}. greedy_ids end with
// <|im_end|>, which text leaves out; min_gap is the smallest distance between the best logit and the second
// before any of greedy_ids, over the ids that are not padding. testdata/mutations.json names, for each mistake
// an engine may make, the pins that it breaks and the index in greedy_ids of the first id that changes.
package demo

import _ "embed"

//go:embed model.gguf
var model []byte

// Model returns the model as a whole GGUF v3 file of less than 8 MiB. The bytes are shared and must not be
// changed; they start at no particular alignment.
func Model() []byte { return model }
