package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// valid returns s with every maximal invalid part replaced by U+FFFD.
func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 8)
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && size <= 1 {
			size = max(1, prefixLen(s))
		}
		b.WriteRune(r)
		s = s[size:]
	}
	return b.String()
}

// appendValid appends p to dst as text, as valid does.
func appendValid(dst, p []byte) []byte {
	for len(p) > 0 {
		r, size := utf8.DecodeRune(p)
		if r == utf8.RuneError && size <= 1 {
			size = max(1, prefixLen(p))
		}
		dst = utf8.AppendRune(dst, r)
		p = p[size:]
	}
	return dst
}

// prefixLen returns how many bytes at the start of p begin, but do not finish, a well-formed character
// (Unicode standard, table 3-7); 0 where p starts with none.
func prefixLen[T string | []byte](p T) int {
	if len(p) == 0 {
		return 0
	}
	need, low, high := 0, byte(0x80), byte(0xbf)
	switch c := p[0]; {
	case c >= 0xc2 && c <= 0xdf:
		need = 2
	case c >= 0xe0 && c <= 0xef:
		need = 3
		if c == 0xe0 {
			low = 0xa0 // overlong
		} else if c == 0xed {
			high = 0x9f // surrogates
		}
	case c >= 0xf0 && c <= 0xf4:
		need = 4
		if c == 0xf0 {
			low = 0x90 // overlong
		} else if c == 0xf4 {
			high = 0x8f // beyond U+10FFFF
		}
	default:
		return 0
	}
	n := 1
	for n < len(p) && n < need && p[n] >= low && p[n] <= high {
		n++
		low, high = 0x80, 0xbf
	}
	if n == need {
		return 0
	}
	return n
}
