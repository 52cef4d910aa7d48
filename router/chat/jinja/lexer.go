package jinja

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

type kind uint8

const (
	endOfFile kind = iota
	text           // outside of all tags
	outBegin       // {{
	outEnd         // }}
	tagBegin       // {%
	tagEnd         // %}
	name
	str
	integer
	float
	operator
)

type token struct {
	kind kind
	text string // a string's is decoded
	line int
}

// lexer cuts a template into tokens. Whitespace control happens here: what it takes away is never a token.
type lexer struct {
	src    string
	at     int
	line   int
	fresh  bool // at starts a line, as far as lstrip_blocks goes
	tokens []token
}

// lex returns the tokens of a template, with trim_blocks and lstrip_blocks.
func lex(src string) ([]token, error) {
	src = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(src)
	src = strings.TrimSuffix(src, "\n")
	l := &lexer{src: src, line: 1, fresh: true}
	for l.at < len(l.src) {
		if err := l.next(); err != nil {
			return nil, err
		}
	}
	l.emit(endOfFile, "")
	return l.tokens, nil
}

func (l *lexer) emit(k kind, s string) { l.tokens = append(l.tokens, token{k, s, l.line}) }

// advance moves over n bytes.
func (l *lexer) advance(n int) {
	l.line += strings.Count(l.src[l.at:l.at+n], "\n")
	l.at += n
}

func (l *lexer) rest() string { return l.src[l.at:] }

// next lexes the text up to the next tag, and the tag.
func (l *lexer) next() error {
	n := nextTag(l.rest())
	if n < 0 {
		l.emit(text, l.rest())
		l.advance(len(l.rest()))
		return nil
	}
	marker, sign := l.src[l.at+n:l.at+n+2], byte(0)
	if i := l.at + n + 2; i < len(l.src) && (l.src[i] == '-' || l.src[i] == '+') {
		sign = l.src[i]
	}
	if before := l.before(l.rest()[:n], marker, sign); before != "" {
		l.emit(text, before)
	}
	l.advance(n + 2)
	if sign != 0 {
		l.advance(1)
	}
	switch marker {
	case "{#":
		return l.comment()
	case "{{":
		l.emit(outBegin, "")
		return l.inside("}}", outEnd)
	}
	if l.raw() {
		return l.rawText()
	}
	l.emit(tagBegin, "")
	return l.inside("%}", tagEnd)
}

// nextTag returns where the next tag of any kind begins, -1 for none.
func nextTag(s string) int {
	for i := 0; i+1 < len(s); i++ {
		if s[i] == '{' && (s[i+1] == '{' || s[i+1] == '%' || s[i+1] == '#') {
			return i
		}
	}
	return -1
}

// before is what is left of the text before a tag: {%- takes all white space, {% that of its own line.
func (l *lexer) before(s, marker string, sign byte) string {
	if sign == '-' {
		return strings.TrimRightFunc(s, unicode.IsSpace)
	}
	if sign == '+' || marker == "{{" {
		return s
	}
	start := strings.LastIndexByte(s, '\n') + 1
	if (start > 0 || l.fresh) && strings.TrimSpace(s[start:]) == "" {
		return s[:start]
	}
	return s
}

// after moves over the white space behind a tag: -%} takes all, %} one newline, +%} and }} none.
func (l *lexer) after(sign byte, output bool) {
	start := l.at
	switch {
	case sign == '-':
		l.advance(len(l.rest()) - len(strings.TrimLeftFunc(l.rest(), unicode.IsSpace)))
	case sign == 0 && !output && strings.HasPrefix(l.rest(), "\n"):
		l.advance(1)
	}
	l.fresh = l.at > start && l.src[l.at-1] == '\n'
}

func (l *lexer) comment() error {
	n := strings.Index(l.rest(), "#}")
	if n < 0 {
		return errorAt(l.line, "the comment {# is never closed")
	}
	sign := byte(0)
	if n > 0 && (l.rest()[n-1] == '-' || l.rest()[n-1] == '+') {
		sign = l.rest()[n-1]
	}
	l.advance(n + 2)
	l.after(sign, false)
	return nil
}

// raw moves over the rest of a raw tag, if the tag is one.
func (l *lexer) raw() bool {
	s, ok := strings.CutPrefix(strings.TrimLeft(l.rest(), " \t\n"), "raw")
	if !ok {
		return false
	}
	s = strings.TrimLeft(s, " \t\n")
	sign := byte(0)
	if strings.HasPrefix(s, "-") {
		sign, s = '-', s[1:]
	}
	if s, ok = strings.CutPrefix(s, "%}"); !ok {
		return false
	}
	l.advance(len(l.rest()) - len(s))
	l.after(sign, true)
	return true
}

// rawText emits everything up to the endraw tag.
func (l *lexer) rawText() error {
	rest := l.rest()
	for from := 0; ; {
		n := strings.Index(rest[from:], "{%")
		if n < 0 {
			return errorAt(l.line, "raw is never closed by endraw")
		}
		n += from
		from = n + 2
		s, begin := cutSign(rest[from:])
		s, ok := strings.CutPrefix(strings.TrimLeft(s, " \t\n"), "endraw")
		if !ok {
			continue
		}
		s, end := cutSign(strings.TrimLeft(s, " \t\n"))
		if s, ok = strings.CutPrefix(s, "%}"); !ok {
			continue
		}
		if before := l.before(rest[:n], "{%", begin); before != "" {
			l.emit(text, before)
		}
		l.advance(len(rest) - len(s))
		l.after(end, false)
		return nil
	}
}

func cutSign(s string) (rest string, sign byte) {
	if s != "" && (s[0] == '-' || s[0] == '+') {
		return s[1:], s[0]
	}
	return s, 0
}

// inside lexes the tokens of a tag up to its end.
func (l *lexer) inside(end string, k kind) error {
	line, depth := l.line, 0
	for l.at < len(l.src) {
		s := l.rest()
		if depth == 0 {
			if tail, sign := cutSign(s); strings.HasPrefix(s, end) || sign != 0 && strings.HasPrefix(tail, end) {
				if strings.HasPrefix(s, end) {
					sign, tail = 0, s
				}
				l.advance(len(s) - len(tail) + len(end))
				l.emit(k, "")
				l.after(sign, k == outEnd)
				return nil
			}
		}
		r, size := utf8.DecodeRuneInString(s)
		if unicode.IsSpace(r) {
			l.advance(size)
			continue
		}
		n, err := l.word(s)
		if err != nil {
			return err
		}
		switch s[:n] {
		case "(", "[", "{":
			depth++
		case ")", "]", "}":
			depth--
		}
		l.advance(n)
	}
	return errorAt(line, "the tag is never closed by %s", end)
}

// word emits the token that s starts with and returns its length.
func (l *lexer) word(s string) (int, error) {
	r, _ := utf8.DecodeRuneInString(s)
	switch {
	case r == '\'' || r == '"':
		value, n, ok := unquote(s)
		if !ok {
			return 0, errorAt(l.line, "a string is never closed by %c", r)
		}
		l.emit(str, value)
		return n, nil
	case r >= '0' && r <= '9':
		n, k := number(s)
		l.emit(k, strings.ReplaceAll(s[:n], "_", ""))
		return n, nil
	case r == '_' || unicode.IsLetter(r):
		n := strings.IndexFunc(s, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		if n < 0 {
			n = len(s)
		}
		l.emit(name, s[:n])
		return n, nil
	}
	for _, op := range [...]string{"**", "//", "==", "!=", "<=", ">="} {
		if strings.HasPrefix(s, op) {
			l.emit(operator, op)
			return 2, nil
		}
	}
	if strings.ContainsRune("+-*/%~()[]{},:.|=<>", r) {
		l.emit(operator, s[:1])
		return 1, nil
	}
	return 0, errorAt(l.line, "unexpected character %q", r)
}

// number returns the length and kind of the number that s starts with.
func number(s string) (int, kind) {
	n := digits(s)
	k := integer
	if n+1 < len(s) && s[n] == '.' && s[n+1] >= '0' && s[n+1] <= '9' {
		n += 1 + digits(s[n+1:])
		k = float
	}
	if n < len(s) && (s[n] == 'e' || s[n] == 'E') {
		m := n + 1
		if m < len(s) && (s[m] == '+' || s[m] == '-') {
			m++
		}
		if d := digits(s[m:]); d > 0 {
			n, k = m+d, float
		}
	}
	return n, k
}

func digits(s string) int {
	n := 0
	for n < len(s) && (s[n] >= '0' && s[n] <= '9' || s[n] == '_') {
		n++
	}
	return n
}
