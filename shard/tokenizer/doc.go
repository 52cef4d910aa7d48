// Package tokenizer turns text into Qwen2 token ids and back.
//
// It is byte-level BPE in four steps, each in its own file:
//
//	added.go   text is cut at added tokens (<tool_call>, and <|im_end|> where the text is trusted)
//	nfc.go     each part between them is brought to Unicode NFC
//	scan.go    the part is cut into pieces by the Qwen2 pre-tokenizer expression
//	bpe.go     each piece is merged from bytes to tokens, lowest merge rank first
//
// The ids agree with those of Hugging Face's tokenizers library for the same files.
//
// Trust is part of the interface. [Tokenizer.Encode] reads <|im_end|> as the ten characters that it is;
// [Tokenizer.EncodeSpecial] reads it as the token and is for text that the operator wrote;
// [Tokenizer.EncodeSegments] is for a rendered chat, where both occur in one prompt.
//
// A Tokenizer is immutable but for its piece cache, which is safe for concurrent use. A [Decoder] belongs to one
// goroutine.
//
// # Invalid UTF-8
//
// Text that is not valid UTF-8 is read as if every maximal invalid part were one U+FFFD (the Unicode standard's
// "substitution of maximal subparts", as WHATWG, Rust and Python do it). Decoded bytes are turned into text by the same
// rule. Use [Tokenizer.TokenBytes] or [Tokenizer.AppendBytes] where the bytes themselves are needed.
//
// # Caveats
//
// Character classes and NFC follow the Unicode version of the Go release and of golang.org/x/text; characters
// assigned later than that can be cut differently than by a newer reference.
//
// Encode then decode gives back the NFC form of the text, not always the text.
//
// Token ids are not stable under concatenation: Encode(a+b) is in general not Encode(a) followed by Encode(b).
package tokenizer
