package tokenizer

import (
	"unicode"
	"unicode/utf8"
)

// The pre-tokenizer cuts text into pieces that BPE never merges across. Qwen2's expression is
//
//	(?i:'s|'t|'re|'ve|'m|'ll|'d)
//	|[^\r\n\p{L}\p{N}]?\p{L}+
//	|\p{N}
//	| ?[^\s\p{L}\p{N}]+[\r\n]*
//	|\s*[\r\n]+
//	|\s+(?!\S)
//	|\s+
//
// The alternatives are tried in this order at every position and together match every character, so one pass over the text
// with a look at the next character or two replaces a backtracking engine. The dot on the i of (?i:): case folding makes
// U+017F (long s) an s.

// class is what the expression distinguishes.
type class uint8

const (
	other   class = iota // [^\s\p{L}\p{N}]
	letter               // \p{L}
	number               // \p{N}
	space                // \s but the next
	newline              // [\r\n]
)

var asciiClass = func() (table [utf8.RuneSelf]class) {
	for r := range table {
		table[r] = classify(rune(r))
	}
	return table
}()

func classify(r rune) class {
	switch {
	case r == '\r' || r == '\n':
		return newline
	case unicode.IsLetter(r):
		return letter
	case unicode.IsNumber(r):
		return number
	case unicode.Is(unicode.White_Space, r):
		return space
	}
	return other
}

// classAt returns the class and size of the character at s[i], which must exist.
func classAt(s string, i int) (class, int) {
	if s[i] < utf8.RuneSelf {
		return asciiClass[s[i]], 1
	}
	r, size := utf8.DecodeRuneInString(s[i:])
	return classify(r), size
}

// runOf returns where the run of characters of class c that starts at s[i] ends.
func runOf(s string, i int, c class) int {
	for i < len(s) {
		k, size := classAt(s, i)
		if k != c {
			break
		}
		i += size
	}
	return i
}

// nextPiece returns the length of the first piece of s, which must not be empty and must be valid UTF-8.
func nextPiece(s string) int {
	if n := contraction(s); n > 0 {
		return n
	}
	c, size := classAt(s, 0)
	switch c {
	case letter:
		return runOf(s, size, letter)
	case number:
		return size
	}
	if c != newline && size < len(s) {
		next, nextSize := classAt(s, size)
		if next == letter {
			return runOf(s, size+nextSize, letter)
		}
		if s[0] == ' ' && next == other {
			return symbols(s, size+nextSize)
		}
	}
	if c == other {
		return symbols(s, size)
	}
	return spaces(s)
}

// symbols ends `[^\s\p{L}\p{N}]+[\r\n]*`, of which s[:i] is already matched.
func symbols(s string, i int) int {
	return runOf(s, runOf(s, i, other), newline)
}

// spaces matches the last three alternatives on s, which starts with white space.
func spaces(s string) int {
	var end, lastNewline, last int // after the run, after its last newline, before its last character
	for end < len(s) {
		c, size := classAt(s, end)
		if c != space && c != newline {
			break
		}
		last = end
		end += size
		if c == newline {
			lastNewline = end
		}
	}
	switch {
	case lastNewline > 0:
		return lastNewline
	case end == len(s) || last == 0:
		return end
	}
	return last // leave one for the word that follows
}

// contraction matches the first alternative; 0 where s does not start with it.
func contraction(s string) int {
	if len(s) < 2 || s[0] != '\'' {
		return 0
	}
	switch s[1] | 0x20 {
	case 's', 't', 'm', 'd':
		return 2
	case 'r', 'v':
		if len(s) > 2 && s[2]|0x20 == 'e' {
			return 3
		}
	case 'l':
		if len(s) > 2 && s[2]|0x20 == 'l' {
			return 3
		}
	}
	const longS = "\u017f"
	if len(s) > 2 && s[1:3] == longS {
		return 3
	}
	return 0
}
