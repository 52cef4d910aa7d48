package grammar

import (
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode/utf8"
)

// parseSteps is how many steps it takes to parse a pattern. Properties of characters are long lists; where cases are folded, the characters of
// a range are looked at one by one.
func parseSteps(pattern string) int {
	n := 10*len(pattern) + 2500*(strings.Count(pattern, `\p`)+strings.Count(pattern, `\P`))
	if !strings.Contains(pattern, "(?") {
		return n
	}
	for i := range len(pattern) {
		if pattern[i] == '-' {
			n += int(firstRune(pattern[i+1:]))
		}
	}
	return n
}

// firstRune is the first character of text, which may be written in hexadecimal.
func firstRune(text string) rune {
	if hex, ok := strings.CutPrefix(text, `\x{`); ok {
		hex, _, _ = strings.Cut(hex, "}")
		n, err := strconv.ParseUint(hex, 16, 32)
		if err != nil || n > utf8.MaxRune {
			return 0 // which no pattern has
		}
		return rune(n)
	}
	r, _ := utf8.DecodeRuneInString(text)
	return r
}

// instructions is how many instructions a regular expression has at most, up to maxWork.
func instructions(re *syntax.Regexp) int {
	n := 1 + len(re.Rune)
	if re.Op == syntax.OpCharClass {
		n = 1
	}
	for _, sub := range re.Sub {
		n += instructions(sub)
	}
	if re.Op == syntax.OpRepeat {
		n *= max(1, re.Min, re.Max)
	}
	return min(n+1, maxWork)
}
