package grammar

import (
	"fmt"
	"strings"
)

// spaces are the white space of ECMAScript, as the inside of a character class; Go's \s has only the first five.
const spaces = `\t\n\f\r \v\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}`

// fromECMA writes a pattern of JSON Schema, which is ECMAScript's, in Go's syntax. An error names what has another meaning there.
func fromECMA(pattern string) (string, error) {
	var b strings.Builder
	class := false // within [ ]
	for i := 0; i < len(pattern); i++ {
		c := pattern[i]
		switch {
		case c == '\\' && i+1 < len(pattern):
			n, err := writeEscape(&b, pattern[i:], class)
			if err != nil {
				return "", err
			}
			i += n - 1
		case c == '[' && class: // a character like any other
			b.WriteString(`\[`)
		case c == '[':
			if rest := strings.TrimPrefix(pattern[i+1:], "^"); strings.HasPrefix(rest, "]") {
				return "", fmt.Errorf("the character class at %d is empty", i)
			}
			class = true
			b.WriteByte(c)
		case c == ']' && class:
			class = false
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), nil
}

// writeEscape writes the escape that text begins with and returns its length.
func writeEscape(b *strings.Builder, text string, class bool) (int, error) {
	switch c := text[1]; {
	case c == 'u' && isHex(text[2:], 4):
		if hex := strings.ToLower(text[2:6]); hex >= "d800" && hex < "e000" {
			return 0, fmt.Errorf("\\u%s is half a character", hex)
		}
		b.WriteString(`\x{` + text[2:6] + `}`)
		return 6, nil
	case c == 's' && class:
		b.WriteString(spaces)
	case c == 's':
		b.WriteString("[" + spaces + "]")
	case c == 'S' && !class:
		b.WriteString("[^" + spaces + "]")
	case c == 'S' || strings.IndexByte("AaCEQz", c) >= 0:
		return 0, fmt.Errorf("\\%c is not supported here", c)
	default:
		b.WriteString(text[:2])
	}
	return 2, nil
}

// isHex tells whether text begins with n hexadecimal digits.
func isHex(text string, n int) bool {
	if len(text) < n {
		return false
	}
	for _, c := range []byte(text[:n]) {
		if !('0' <= c && c <= '9' || 'a' <= c|' ' && c|' ' <= 'f') {
			return false
		}
	}
	return true
}
