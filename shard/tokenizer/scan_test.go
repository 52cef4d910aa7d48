package tokenizer

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// White space as the reference's engine has it: the Unicode property, where Go's \s is ASCII.
const ws = `\t-\r \x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}`

var (
	// Qwen2's expression without the look-ahead, which Go's engine lacks.
	pieces = regexp.MustCompile(`^(?:(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^` + ws + `\p{L}\p{N}]+[\r\n]*|[` + ws + `]*[\r\n]+|[` + ws + `]+)`)
	// What only the last two alternatives match.
	blanks = regexp.MustCompile(`^[` + ws + `]+$`)
)

// nextByRegexp is nextPiece by the expression.
func nextByRegexp(s string) int {
	piece := pieces.FindString(s)
	if blanks.MatchString(piece) && !strings.ContainsAny(piece[len(piece)-1:], "\r\n") && len(piece) < len(s) {
		_, last := utf8.DecodeLastRuneInString(piece)
		if last < len(piece) {
			return len(piece) - last // \s+(?!\S) gives back one
		}
	}
	return len(piece)
}

func TestScanner(t *testing.T) {
	cases := []struct {
		text string
		want []string
	}{
		{"it's IT'S we'Ll they'vE x'ſy 'q", []string{"it", "'s", " IT", "'S", " we", "'Ll", " they", "'vE", " x", "'ſ", "y", " '", "q"}},
		{"a  b", []string{"a", " ", " b"}},
		{"a   ", []string{"a", "   "}},
		{" \n \n  x", []string{" \n \n", " ", " x"}},
		{"\t\tx", []string{"\t", "\tx"}},
		{"12 345", []string{"1", "2", " ", "3", "4", "5"}},
		{"a!!\r\n\r\n b", []string{"a", "!!\r\n\r\n", " b"}},
		{" !x", []string{" !", "x"}},
		{"\u3000x\u00a0\u00a0y", []string{"\u3000x", "\u00a0", "\u00a0y"}},
		{"e\u0301\u0301", []string{"e", "\u0301\u0301"}},
		{"\n\n x", []string{"\n\n", " x"}},
		{"'r 'v 'l", []string{"'r", " '", "v", " '", "l"}},
	}
	for _, c := range cases {
		var got []string
		for s := c.text; s != ""; {
			n := nextPiece(s)
			got = append(got, s[:n])
			s = s[n:]
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
}

func FuzzScanner(f *testing.F) {
	for _, seed := range []string{"", "it's a\u00a0 test\r\n\r\n 12'LL", " \u2003\n\u2029x", "'ſ'ﬆ", "\x1c\x85 a", "!\n!\r x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for s := valid(text); s != ""; {
			got, want := nextPiece(s), nextByRegexp(s)
			if got != want {
				t.Fatalf("first piece of %q is %q, want %q", s, s[:got], s[:want])
			}
			s = s[got:]
		}
	})
}
