package tokenizer

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestNewRejects(t *testing.T) {
	cases := []struct {
		name   string
		break_ func(*Spec)
		want   string
	}{
		{"empty", func(s *Spec) { s.Tokens, s.Kinds = nil, nil }, "vocabulary is empty"},
		{"kinds", func(s *Spec) { s.Kinds = s.Kinds[1:] }, "261 tokens but 260 kinds"},
		{"kind", func(s *Spec) { s.Kinds[3] = 9 }, "token 3 (\"ă\") has unknown kind 9"},
		{"kind 0", func(s *Spec) { s.Kinds[3] = 0 }, "unknown kind 0"},
		{"pre", func(s *Spec) { s.Pre = "llama-bpe" }, `pre-tokenizer "llama-bpe" is not supported`},
		{"eos", func(s *Spec) { s.EOS = []int32{261} }, "end token 261 is outside the vocabulary of 261"},
		{"eos negative", func(s *Spec) { s.EOS = []int32{-1} }, "end token -1"},
		{"bos", func(s *Spec) { s.BOS = 261 }, "bos token 261"},
		{"bos below", func(s *Spec) { s.BOS = -2 }, "bos token -2"},
		{"no bos to add", func(s *Spec) { s.AddBOS = true }, "bos token is to be added"},
		{"pad", func(s *Spec) { s.Pad = 1 << 30 }, "pad token 1073741824"},
		{"empty token", func(s *Spec) { s.Tokens[256] = "" }, "token 256 is empty"},
		{"empty control", func(s *Spec) { s.Tokens[257] = "" }, "token 257 is empty"},
		{"duplicate", func(s *Spec) { s.Tokens[256] = "A" }, `tokens 65 and 256 are both "A"`},
		{"no byte", func(s *Spec) { s.Tokens[65] = "AA" }, "byte 0x41 has no token"},
		{"byte is control", func(s *Spec) { s.Kinds[65] = Control }, "byte 0x41 has no token"},
		{"bad byte token", func(s *Spec) { s.Kinds[257] = Byte }, "is not written as <0x00>"},
		{"merge left", func(s *Spec) { s.Merges[0][0] = "zz" }, `"zz" is not in the vocabulary`},
		{"merge right", func(s *Spec) { s.Merges[0][1] = "zz" }, `"zz" is not in the vocabulary`},
		{"merge result", func(s *Spec) { s.Merges[0] = [2]string{"b", "c"} }, `merge 0 ("b" and "c"): "bc" is not in`},
		{"merge twice", func(s *Spec) { s.Merges = append(s.Merges, s.Merges[0]) }, `merges 0 and 1 are both "a" and "b"`},
		{"merge makes control", func(s *Spec) { s.Tokens[257] = "cd"; s.Merges[0] = [2]string{"c", "d"} }, `"cd" is not a normal token`},
		{"long added", func(s *Spec) { s.Tokens[257] = strings.Repeat("x", 257) }, "257 bytes, more than the 256"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			spec := smallSpec([2]string{"a", "b"})
			c.break_(spec)
			_, err := New(spec)
			if err == nil || !strings.HasPrefix(err.Error(), "tokenizer: ") || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v, want one with %q", err, c.want)
			}
		})
	}
	if _, err := New(nil); err == nil {
		t.Error("nil spec accepted")
	}
}

func TestIDs(t *testing.T) {
	tok := mustNew(t, smallSpec([2]string{"a", "b"}))
	const ab, start, end, tool, pad = 256, 257, 258, 259, 260
	if tok.VocabSize() != 261 || !slices.Equal(tok.EOS(), []int32{end}) || !tok.IsEOS(end) || tok.IsEOS(start) {
		t.Errorf("size %d, eos %v", tok.VocabSize(), tok.EOS())
	}
	for id, want := range map[int32]struct {
		text             string
		control, padding bool
	}{
		'a': {"a", false, false}, ab: {"ab", false, false}, start: {"<|im_start|>", true, false},
		tool: {"<tool_call>", false, false}, pad: {"", false, true}, -1: {"", false, true}, 261: {"", false, true},
		0x0a: {"\n", false, false}, 0xff: {"\xff", false, false},
	} {
		if got := string(tok.TokenBytes(id)); got != want.text {
			t.Errorf("bytes of %d are %q, want %q", id, got, want.text)
		}
		if tok.IsControl(id) != want.control || tok.Padding(id) != want.padding {
			t.Errorf("%d: control %v padding %v", id, tok.IsControl(id), tok.Padding(id))
		}
	}
	if p := tok.TokenBytes(ab); cap(p) != len(p) {
		t.Error("appending to a token's bytes would overwrite the next one's")
	}
}

func TestByteTokens(t *testing.T) {
	spec := smallSpec()
	spec.Tokens = append(spec.Tokens, "<0x41>")
	spec.Kinds = append(spec.Kinds, Byte)
	tok := mustNew(t, spec)
	if got := tok.Decode([]int32{int32(len(spec.Tokens) - 1)}); got != "A" {
		t.Errorf("byte token decodes to %q", got)
	}
}

func TestSpecialText(t *testing.T) {
	tok := mustNew(t, smallSpec())
	const start, end, tool = 256, 257, 258
	bytesOf := func(s string) (ids []int32) {
		for i := range len(s) {
			ids = append(ids, int32(s[i]))
		}
		return ids
	}
	cat := slices.Concat[[]int32]
	cases := []struct {
		name     string
		segments []Segment
		want     []int32
	}{
		{"trusted", []Segment{{"<|im_end|>", true}}, []int32{end}},
		{"not trusted", []Segment{{"<|im_end|>", false}}, bytesOf("<|im_end|>")},
		{"user defined", []Segment{{"x<tool_call>y", false}}, cat(bytesOf("x"), []int32{tool}, bytesOf("y"))},
		{"half and half", []Segment{{"<|im_", true}, {"end|>", false}}, bytesOf("<|im_end|>")},
		{"half and half, reversed", []Segment{{"<|im_", false}, {"end|>", true}}, bytesOf("<|im_end|>")},
		{"two trusted halves", []Segment{{"<|im_", true}, {"end|>", true}}, []int32{end}},
		{"trusted around nothing", []Segment{{"<|im_", true}, {"", false}, {"end|>", true}}, []int32{end}},
		{"trusted around text", []Segment{{"<|im_", true}, {"x", false}, {"end|>", true}}, bytesOf("<|im_xend|>")},
		{"turn", []Segment{{"<|im_start|>", true}, {"<|im_end|>", false}, {"<|im_end|>", true}}, cat([]int32{start}, bytesOf("<|im_end|>"), []int32{end})},
		{"user defined over a border", []Segment{{"<tool_", true}, {"call>", false}}, []int32{tool}},
		{"prefix", []Segment{{"<|im_end|<|im_end|>", true}}, cat(bytesOf("<|im_end|"), []int32{end})},
		{"none", nil, nil},
	}
	for _, c := range cases {
		if got := tok.EncodeSegments(c.segments); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestLongestAddedTokenWins(t *testing.T) {
	spec := smallSpec()
	spec.Tokens = append(spec.Tokens, "<tool_call>x", "<tool")
	spec.Kinds = append(spec.Kinds, Control, UserDefined)
	tok := mustNew(t, spec)
	if got := tok.EncodeSpecial("<tool_call>x"); !slices.Equal(got, []int32{260}) {
		t.Errorf("trusted: %v", got)
	}
	if got := tok.Encode("<tool_call>x"); !slices.Equal(got, []int32{258, 'x'}) {
		t.Errorf("not trusted: the longest token that counts must win, got %v", got)
	}
	if got := tok.Encode("<tool_cal"); !slices.Equal(got, []int32{261, '_', 'c', 'a', 'l'}) {
		t.Errorf("prefix: %v", got)
	}
}

// Both ways to merge give what merging pair by pair over the whole list gives.
func TestMergeWays(t *testing.T) {
	spec := smallSpec([2]string{"a", "a"}, [2]string{"a", "b"}, [2]string{"aa", "aa"}, [2]string{"b", "a"}, [2]string{"ab", "ab"},
		[2]string{"aaaa", "b"}, [2]string{"c", "ab"}, [2]string{"aa", "b"}, [2]string{"aab", "c"}, [2]string{"b", "b"})
	tok := mustNew(t, spec)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		piece := make([]byte, 2+rng.IntN(90))
		for i := range piece {
			piece[i] = "aaabbc"[rng.IntN(6)]
		}
		want := mergeNaively(tok, string(piece))
		for name, merge := range map[string]func(*merger){
			"short": func(m *merger) { m.mergeShort(tok.merges) },
			"long":  func(m *merger) { m.mergeLong(tok.merges) },
		} {
			var m merger
			m.start(tok, string(piece))
			merge(&m)
			if !slices.Equal(m.ids, want) {
				t.Fatalf("%s: %q gives %v, want %v", name, piece, m.ids, want)
			}
		}
	}
}

func mergeNaively(tok *Tokenizer, piece string) []int32 {
	var ids []int32
	for i := range len(piece) {
		ids = append(ids, tok.byteID[piece[i]])
	}
	for {
		best, at := uint64(noMerge), -1
		for i := range len(ids) - 1 {
			if v := tok.merges.find(ids[i], ids[i+1]); v < best {
				best, at = v, i
			}
		}
		if at < 0 {
			return ids
		}
		ids = slices.Replace(ids, at, at+2, int32(uint32(best)))
	}
}

func TestCacheIsBoundedAndHoldsNoText(t *testing.T) {
	tok := mustNew(t, smallSpec([2]string{"a", "b"}))
	text := []byte("abab")
	first := tok.Encode(string(text))
	first[0] = 99 // the caller owns what it got
	if got := tok.Encode("abab"); !slices.Equal(got, []int32{256, 256}) {
		t.Errorf("cached ids were changed: %v", got)
	}
	long := strings.Repeat("ab", cachePiece)
	tok.Encode(long)
	for i := range tok.cache.slots {
		if c := tok.cache.slots[i].Load(); c != nil && len(c.piece) > cachePiece {
			t.Errorf("a piece of %d bytes was kept", len(c.piece))
		}
	}
}

func TestSteadyStateAllocatesOnlyTheResult(t *testing.T) {
	tok := qwen2(t)
	text := strings.Repeat("The quick brown fox jumps over the lazy dog. 42\n", 8)
	tok.Encode(text)
	if n := testing.AllocsPerRun(50, func() { tok.Encode(text) }); n > 1 {
		t.Errorf("%.0f allocations", n)
	}
}
