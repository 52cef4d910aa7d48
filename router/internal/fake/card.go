package fake

import (
	"github.com/stagecoach-llm/stagecoach/shard/checkpoint"
	"github.com/stagecoach-llm/stagecoach/shard/tokenizer"
)

// Ids of Card's vocabulary: the 256 bytes come first, each its own token.
const (
	EndOfText = 256
	ImStart   = 257
	ImEnd     = 258
	Vocab     = 259 // real ids; padding follows
)

// Context is the card's longest sequence in tokens.
const Context = 4096

// Card is a model whose tokens are bytes, with ChatML's control tokens and some padding.
func Card() *checkpoint.Card {
	c := &checkpoint.Card{ID: "fake0123456789abcdef", Config: checkpoint.Config{
		Name: "fake", Layers: 4, Hidden: 64, Heads: 4, KVHeads: 2, HeadDim: 16, FFN: 128, Vocab: Vocab + 5, RealVocab: Vocab, Context: Context,
	}}
	spec := &c.Tokenizer
	for b := range 256 {
		spec.Tokens = append(spec.Tokens, string(alphabet(byte(b))))
		spec.Kinds = append(spec.Kinds, tokenizer.Normal)
	}
	for _, s := range []string{"<|endoftext|>", "<|im_start|>", "<|im_end|>"} {
		spec.Tokens = append(spec.Tokens, s)
		spec.Kinds = append(spec.Kinds, tokenizer.Control)
	}
	for range 5 {
		spec.Tokens = append(spec.Tokens, "")
		spec.Kinds = append(spec.Kinds, tokenizer.Unused)
	}
	spec.Pre, spec.EOS, spec.BOS, spec.Pad = "qwen2", []int32{ImEnd, EndOfText}, -1, EndOfText
	return c
}

// alphabet is GPT-2's character for a byte: itself where it prints, else the next one from U+0100 on.
func alphabet(b byte) rune {
	prints := func(b int) bool { return b >= '!' && b <= '~' || b >= 0xa1 && b <= 0xac || b >= 0xae }
	if prints(int(b)) {
		return rune(b)
	}
	next := rune(0x100)
	for i := range int(b) {
		if !prints(i) {
			next++
		}
	}
	return next
}

// Tokens is text as ids of the card, with the end token.
func Tokens(text string) []int32 {
	out := make([]int32, 0, len(text)+1)
	for i := range len(text) {
		out = append(out, int32(text[i]))
	}
	return append(out, ImEnd)
}
