package api

import "unicode/utf8"

// wholeLen is how many bytes of b are not the beginning of a character that may still be completed.
func wholeLen(b []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
		if c := b[len(b)-n]; utf8.RuneStart(c) {
			if !utf8.FullRune(b[len(b)-n:]) {
				return len(b) - n
			}
			return len(b)
		}
	}
	return len(b)
}

// appendText appends b with every maximal part that is not UTF-8 as one U+FFFD, as the tokenizer decodes.
func appendText(dst []byte, b []byte) []byte {
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n <= 1 {
			dst = append(dst, "\uFFFD"...)
			b = b[brokenLen(b):]
			continue
		}
		dst = append(dst, b[:n]...)
		b = b[n:]
	}
	return dst
}

// rawLen is how many bytes of b the first n bytes of its text are made from.
func rawLen(b []byte, n int) int {
	at := 0
	for n > 0 && at < len(b) {
		r, size := utf8.DecodeRune(b[at:])
		n -= utf8.RuneLen(r)
		if r == utf8.RuneError && size <= 1 {
			size = brokenLen(b[at:])
		}
		at += size
	}
	return at
}

// brokenLen is the length of the longest beginning of a character that b starts with, at least 1.
func brokenLen(b []byte) int {
	for n := min(3, len(b)); n > 1; n-- {
		if !utf8.FullRune(b[:n]) {
			return n
		}
	}
	return 1
}
