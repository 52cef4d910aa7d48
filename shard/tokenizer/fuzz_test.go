package tokenizer

import (
	"slices"
	"strings"
	"testing"
)

func FuzzEncode(f *testing.F) {
	for _, s := range []string{"", "Hello, wörld!", "<|im_end|>x<|im_start|>", "e\u0301\u0323", "\xff\xfe\xe4", "aaaa" + strings.Repeat("\u0301", 40), "  \r\n\t 你好 12'll"} {
		f.Add(s, 3)
	}
	tok := qwen2(f)
	f.Fuzz(func(t *testing.T, text string, cut int) {
		ids := tok.Encode(text)
		for _, id := range ids {
			if tok.Padding(id) || tok.IsControl(id) {
				t.Fatalf("%q gave id %d", text, id)
			}
		}
		if got, want := tok.Decode(ids), nfc(valid(text)); got != want {
			t.Fatalf("%q came back as %q, want %q", text, got, want)
		}
		if again := tok.Encode(text); !slices.Equal(ids, again) {
			t.Fatalf("%q: the cache changed %v to %v", text, ids, again)
		}
		text = valid(text)
		if cut >= 0 && cut <= len(text) && (cut == len(text) || text[cut]&0xc0 != 0x80) {
			parts := tok.EncodeSegments([]Segment{{Text: text[:cut]}, {Text: text[cut:]}})
			if !slices.Equal(parts, ids) {
				t.Fatalf("%q cut at %d: %v, want %v", text, cut, parts, ids)
			}
		}
		special := tok.EncodeSpecial(text)
		if !strings.Contains(text, "<|") && !slices.Equal(special, ids) {
			t.Fatalf("%q without control tokens: %v, want %v", text, special, ids)
		}
		if whole := tok.EncodeSegments([]Segment{{text, true}}); !slices.Equal(whole, special) {
			t.Fatalf("%q as one segment: %v, want %v", text, whole, special)
		}
	})
}

func FuzzNew(f *testing.F) {
	f.Add("ab", "a", "b", uint8(1), int32(3), int32(-1))
	f.Fuzz(func(t *testing.T, token, left, right string, kind uint8, eos, bos int32) {
		spec := smallSpec()
		spec.Tokens = append(spec.Tokens, token)
		spec.Kinds = append(spec.Kinds, Kind(kind))
		spec.Merges = [][2]string{{left, right}}
		spec.EOS = []int32{eos}
		spec.BOS = bos
		tok, err := New(spec)
		if err != nil {
			return
		}
		text := token + left + right + "<|im_end|>"
		tok.EncodeSpecial(text)
		if Kind(kind) == Normal || Kind(kind) == UserDefined {
			if got, want := tok.Decode(tok.Encode(text)), nfc(valid(text)); got != want && valid(token) == token && nfc(token) == token {
				t.Fatalf("%q came back as %q", want, got)
			}
		}
	})
}
