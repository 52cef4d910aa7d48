package grammar

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzPattern: the automaton of a pattern finds what Go's regexp finds.
func FuzzPattern(f *testing.F) {
	for _, p := range []string{`^a+b$`, `x.y`, `^(foo|bar)*[^"]$`, `a|^b|c$`, `$^`, `^$|x`, `(?i)straße`, `\s\S`, `[[\]\s]`, `^\p{Greek}{2,3}`, `(a|ab)(c|bcd)(d*)$`, `()`} {
		for _, text := range []string{"", "aab", "xay", "foobar!", "b", "STRASSE", "STRAẞE", " x", "[", "αβγ", "abcd"} {
			f.Add(p, text)
		}
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if !utf8.ValidString(text) || strings.ContainsAny(text, "\r\u2028\u2029") { // of which only Go's dot takes some
			t.Skip()
		}
		d, err := compilePattern(pattern, new(int))
		if err != nil {
			t.Skip()
		}
		translated, err := fromECMA(pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := d.accepts(text), regexp.MustCompile(translated).MatchString(text); got != want {
			t.Errorf("%q in %q: %v, want %v", pattern, text, got, want)
		}
		n := utf8.RuneCountInString(text)
		if lo, hi := d.span(); d.accepts(text) && (n < lo || hi != infinite && n > hi) {
			t.Errorf("%q accepts %q and only lengths from %d to %d", pattern, text, lo, hi)
		}
		short, err := lengths(1, 3, new(int))
		if err != nil {
			t.Fatal(err)
		}
		both, err := intersect(d, short, new(int))
		if err != nil {
			t.Skip()
		}
		if got, want := both.accepts(text), d.accepts(text) && n >= 1 && n <= 3; got != want {
			t.Errorf("%q of 1 to 3 characters in %q: %v, want %v", pattern, text, got, want)
		}
		if got := without([]string{text, "x"}).accepts(text); got {
			t.Errorf("%q is accepted beside itself", text)
		}
	})
}
