package jinja

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// unquote decodes the string literal that s starts with, as Python does. n is its length in s.
func unquote(s string) (value string, n int, ok bool) {
	var b strings.Builder
	for i := 1; i < len(s); {
		switch c := s[i]; c {
		case s[0]:
			return b.String(), i + 1, true
		case '\\':
			i += escape(&b, s[i:])
		default:
			b.WriteByte(c)
			i++
		}
	}
	return "", 0, false
}

var escapes = map[byte]byte{
	'n': '\n', 't': '\t', 'r': '\r', '\\': '\\', '\'': '\'', '"': '"', 'a': '\a', 'b': '\b', 'f': '\f', 'v': '\v',
}

// escape writes what the escape sequence at the start of s stands for, and returns its length. An unknown one stands
// for itself.
func escape(b *strings.Builder, s string) int {
	if len(s) < 2 {
		return len(s)
	}
	if c, ok := escapes[s[1]]; ok {
		b.WriteByte(c)
		return 2
	}
	width := map[byte]int{'x': 2, 'u': 4, 'U': 8}[s[1]]
	if width > 0 && len(s) >= 2+width {
		if r, err := strconv.ParseUint(s[2:2+width], 16, 32); err == nil && r <= utf8.MaxRune {
			b.WriteRune(rune(r))
			return 2 + width
		}
	}
	if s[1] == '\n' {
		return 2
	}
	if n := octal(s[1:]); n > 0 {
		r, _ := strconv.ParseUint(s[1:1+n], 8, 32)
		b.WriteRune(rune(r))
		return 1 + n
	}
	b.WriteByte('\\')
	return 1
}

// octal counts the octal digits at the start of s, at most 3.
func octal(s string) int {
	n := 0
	for n < len(s) && n < 3 && s[n] >= '0' && s[n] <= '7' {
		n++
	}
	return n
}
