package jinja

import (
	"slices"
	"sort"
	"strings"
)

// Str is a string that knows which of its bytes are trusted. The zero value is empty. It is immutable.
type Str struct {
	text string
	safe []span // trusted bytes: ascending, apart, not empty
}

type span struct{ start, end int }

// Trusted returns a string that the template, or whoever set the template up, vouches for.
func Trusted(s string) Str {
	if s == "" {
		return Str{}
	}
	return Str{s, []span{{0, len(s)}}}
}

// Plain returns a string of users.
func Plain(s string) Str { return Str{text: s} }

// String returns the text, whoever wrote it.
func (s Str) String() string { return s.text }

// joinStrs concatenates.
func joinStrs(parts ...Str) Str {
	if len(parts) == 1 {
		return parts[0]
	}
	var b strings.Builder
	var safe []span
	for _, p := range parts {
		at := b.Len()
		b.WriteString(p.text)
		for _, sp := range p.safe {
			safe = addSpan(safe, sp.start+at, sp.end+at)
		}
	}
	return Str{b.String(), safe}
}

// addSpan appends a span behind those of safe, or lengthens the last.
func addSpan(safe []span, start, end int) []span {
	if n := len(safe); n > 0 && safe[n-1].end == start {
		safe[n-1].end = end
		return safe
	}
	return append(safe, span{start, end})
}

// cut returns the bytes from start to end.
func (s Str) cut(start, end int) Str {
	out := Str{text: s.text[start:end]}
	first := sort.Search(len(s.safe), func(i int) bool { return s.safe[i].end > start })
	for _, sp := range s.safe[first:] {
		if sp.start >= end {
			break
		}
		out.safe = append(out.safe, span{max(sp.start, start) - start, min(sp.end, end) - start})
	}
	return out
}

// part returns sub, which must be a substring of the text that begins at byte start.
func (s Str) part(start int, sub string) Str { return s.cut(start, start+len(sub)) }

// each calls f for every run of bytes that is all trusted or all not.
func (s Str) each(f func(text string, trusted bool)) {
	at := 0
	for _, sp := range s.safe {
		if at < sp.start {
			f(s.text[at:sp.start], false)
		}
		f(s.text[sp.start:sp.end], true)
		at = sp.end
	}
	if at < len(s.text) {
		f(s.text[at:], false)
	}
}

// mapRuns applies f to every run.
func (s Str) mapRuns(f func(string) string) Str {
	var parts []Str
	s.each(func(text string, trusted bool) {
		if trusted {
			parts = append(parts, Trusted(f(text)))
		} else {
			parts = append(parts, Plain(f(text)))
		}
	})
	return joinStrs(parts...)
}

// allTrusted reports whether no byte comes from users.
func (s Str) allTrusted() bool {
	return s.text == "" || len(s.safe) == 1 && s.safe[0] == span{0, len(s.text)}
}

// whole returns text, trusted if all of s is: for operations that mix the bytes of s.
func (s Str) whole(text string) Str {
	if s.allTrusted() {
		return Trusted(text)
	}
	return Plain(text)
}

// trim removes what is in chars, white space where chars is "", at the left, the right, or both.
func (s Str) trim(chars string, left, right bool) Str {
	t := s.text
	start := 0
	if left {
		t = trimLeft(t, chars)
		start = len(s.text) - len(t)
	}
	if right {
		t = trimRight(t, chars)
	}
	return s.part(start, t)
}

func trimLeft(t, chars string) string {
	if chars == "" {
		return strings.TrimLeftFunc(t, isSpace)
	}
	return strings.TrimLeft(t, chars)
}

func trimRight(t, chars string) string {
	if chars == "" {
		return strings.TrimRightFunc(t, isSpace)
	}
	return strings.TrimRight(t, chars)
}

// isSpace is Python's str.isspace for one character.
func isSpace(r rune) bool {
	switch {
	case r >= '\t' && r <= '\r', r >= 0x1c && r <= ' ', r == 0x85, r == 0xa0, r == 0x1680, r >= 0x2000 && r <= 0x200a:
		return true
	}
	return r == 0x2028 || r == 0x2029 || r == 0x202f || r == 0x205f || r == 0x3000
}

// split cuts at sep, at most limit times where limit >= 0.
func (s Str) split(sep string, limit int) []Str {
	var parts []Str
	at := 0
	for limit != 0 {
		n := strings.Index(s.text[at:], sep)
		if n < 0 {
			break
		}
		parts = append(parts, s.cut(at, at+n))
		at += n + len(sep)
		limit--
	}
	return append(parts, s.cut(at, len(s.text)))
}

// splitRight is split from the right.
func (s Str) splitRight(sep string, limit int) []Str {
	var parts []Str
	end := len(s.text)
	for limit != 0 {
		n := strings.LastIndex(s.text[:end], sep)
		if n < 0 {
			break
		}
		parts = append(parts, s.cut(n+len(sep), end))
		end = n
		limit--
	}
	parts = append(parts, s.cut(0, end))
	slices.Reverse(parts)
	return parts
}

// fields cuts at runs of white space, at most limit times where limit >= 0.
func (s Str) fields(limit int) []Str {
	var parts []Str
	for at := 0; ; limit-- {
		at = len(s.text) - len(strings.TrimLeftFunc(s.text[at:], isSpace))
		if at == len(s.text) {
			return parts
		}
		n := strings.IndexFunc(s.text[at:], isSpace)
		if n < 0 || limit == 0 {
			return append(parts, s.cut(at, len(s.text)))
		}
		parts = append(parts, s.cut(at, at+n))
		at += n
	}
}

// lines cuts at line ends. Behind the last there is no further line.
func (s Str) lines() []Str {
	var lines []Str
	for at := 0; at < len(s.text); {
		n := strings.IndexAny(s.text[at:], "\r\n")
		if n < 0 {
			return append(lines, s.cut(at, len(s.text)))
		}
		lines = append(lines, s.cut(at, at+n))
		if strings.HasPrefix(s.text[at+n:], "\r\n") {
			n++
		}
		at += n + 1
	}
	return lines
}

// replace replaces old, at most limit times where limit >= 0.
func (s Str) replace(old, with Str, limit int) Str {
	if old.text == "" {
		return s.whole(strings.Replace(s.text, "", with.text, limit))
	}
	return joinWith(with, s.split(old.text, limit))
}

// joinWith concatenates with sep between the parts.
func joinWith(sep Str, parts []Str) Str {
	all := make([]Str, 0, 2*len(parts))
	for i, p := range parts {
		if i > 0 {
			all = append(all, sep)
		}
		all = append(all, p)
	}
	return joinStrs(all...)
}
