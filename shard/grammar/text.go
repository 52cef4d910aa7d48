package grammar

import "unicode/utf8"

// charRule is one character of a string, written in any of the ways that JSON has.
func (b *builder) charRule() int32 {
	ret := b.ret()
	edges := append(b.utf8(utf8.RuneSelf, utf8.MaxRune, ret), edge{' ', '!', ret}, edge{'#', '[', ret}, edge{']', 0x7f, ret})
	escape := []edge{{'u', 'u', b.codeUnits(ret)}}
	for _, c := range []byte(`"\/bfnrt`) {
		escape = append(escape, edge{c, c, ret})
	}
	return b.bytes(append(edges, edge{'\\', '\\', b.bytes(escape...)})...)
}

// codeUnits is four hexadecimal digits, or a surrogate pair with \u between its halves.
func (b *builder) codeUnits(next int32) int32 {
	digit := func(next int32) int32 { return b.bytes(hexDigits(0, 15, next)...) }
	one := digit(next)
	two := digit(one)
	three := digit(two)
	low := b.lit(`\u`, b.bytes(hexDigits(13, 13, b.bytes(hexDigits(12, 15, two)...))...))
	high := digit(digit(low))
	d := b.bytes(append(hexDigits(0, 7, two), hexDigits(8, 11, high)...)...)
	return b.bytes(append(append(hexDigits(0, 12, three), hexDigits(13, 13, d)...), hexDigits(14, 15, three)...)...)
}

// hexDigits are the edges of the digits from lo to hi, in both cases.
func hexDigits(lo, hi byte, next int32) (out []edge) {
	if lo <= 9 {
		out = append(out, edge{'0' + lo, '0' + min(hi, 9), next})
	}
	if hi >= 10 {
		from := max(lo, 10) - 10
		out = append(out, edge{'a' + from, 'a' + hi - 10, next}, edge{'A' + from, 'A' + hi - 10, next})
	}
	return out
}

// lowerString is a string in quotes.
func (l *lowering) lowerString(s *schema) int32 {
	if s.maxLen != infinite && s.minLen > s.maxLen {
		return l.dead()
	}
	closing := l.lit(`"`, l.ret())
	if len(s.patterns) == 0 && len(s.formats) == 0 {
		return l.lit(`"`, l.rep(l.char, s.minLen, s.maxLen, closing))
	}
	d, err := l.language(s)
	if err != nil {
		l.take(err)
		return l.dead()
	}
	return l.lit(`"`, l.runes(d, closing))
}

// languages are the automata of a string's patterns and formats.
func (l *lowering) languages(s *schema) (all []*runeDFA, err error) {
	for _, p := range s.patterns {
		d, err := l.pattern(p)
		if err != nil {
			return nil, fail(s.path, "pattern", "%s", err)
		}
		all = append(all, d)
	}
	for _, f := range s.formats {
		compile, ok := formats[f]
		if !ok {
			return nil, fail(s.path, "format", "%.40q is not supported", f)
		}
		d, err := compile()
		if err != nil {
			return nil, fail(s.path, "format", "%s", err)
		}
		all = append(all, d)
	}
	return all, nil
}

// language is the automaton of all that is said about a string with a pattern or format.
func (l *lowering) language(s *schema) (*runeDFA, error) {
	all, err := l.languages(s)
	if err != nil {
		return nil, err
	}
	out := all[0]
	for _, d := range all[1:] {
		if out, err = intersect(out, d, &l.work); err != nil {
			return nil, fail(s.path, "pattern", "%s", err)
		}
	}
	return l.within(s, out)
}

// within is the strings of d whose length is allowed.
func (l *lowering) within(s *schema, d *runeDFA) (*runeDFA, error) {
	lo, hi := s.minLen, s.maxLen
	if lo == 0 && hi == infinite {
		return d, nil
	}
	l.spend(s, 4*d.edges())
	shortest, longest := d.span()
	if shortest >= lo {
		lo = 0
	}
	if longest != infinite && longest <= hi {
		hi = infinite
	}
	if lo == 0 && hi == infinite {
		return d, nil
	}
	of, err := lengths(lo, hi, &l.work)
	if err == nil {
		d, err = intersect(d, of, &l.work)
	}
	if err != nil {
		return nil, fail(s.path, "maxLength", "with the pattern or format beside it, %s", err)
	}
	return d, nil
}

// pattern compiles a pattern once.
func (l *lowering) pattern(p string) (*runeDFA, error) {
	if d, ok := l.compiled[p]; ok {
		return d, nil
	}
	d, err := compilePattern(p, &l.work)
	if err == nil {
		l.compiled[p] = d
	}
	return d, err
}

// runes writes what d accepts in canonical JSON.
func (b *builder) runes(d *runeDFA, next int32) int32 {
	at := make([]int32, len(d.states))
	for i := range at {
		at[i] = b.add(inst{op: opAlt})
	}
	for i := range d.states {
		var edges []edge
		for _, e := range d.states[i].edges {
			edges = append(edges, b.charEdges(e.lo, e.hi, at[e.to])...)
		}
		targets := []int32{b.bytes(edges...)}
		if d.states[i].accept {
			targets = append(targets, next)
		}
		if b.full() {
			return next
		}
		b.fill(at[i], targets...)
	}
	return at[0]
}

// charEdges are the first bytes of the characters lo to hi as they stand in a JSON string, escaped only where they must be.
func (b *builder) charEdges(lo, hi rune, next int32) (out []edge) {
	for _, part := range [][2]rune{{' ', '!'}, {'#', '['}, {']', 0x7f}} {
		if from, to := max(lo, part[0]), min(hi, part[1]); from <= to {
			out = append(out, edge{byte(from), byte(to), next})
		}
	}
	if hi >= utf8.RuneSelf {
		out = append(out, b.utf8(max(lo, utf8.RuneSelf), hi, next)...)
	}
	if escape := b.escapes(lo, hi, next); len(escape) > 0 {
		out = append(out, edge{'\\', '\\', b.bytes(escape...)})
	}
	return out
}

// escapes are what follows a backslash for the characters lo to hi that need one.
func (b *builder) escapes(lo, hi rune, next int32) (out []edge) {
	for i, c := range "\"\\\b\f\n\r\t" {
		if lo <= c && c <= hi {
			short := "\"\\bfnrt"[i]
			out = append(out, edge{short, short, next})
		}
	}
	for _, row := range []rune{0, 16} {
		if from, to := max(lo, row), min(hi, row+15); from <= to {
			last := b.bytes(hexDigits(byte(from-row), byte(to-row), next)...)
			out = append(out, edge{'u', 'u', b.lit("00"+string('0'+row/16), last)})
		}
	}
	return out
}

// utf8 are the first bytes of the characters lo to hi, which are not ASCII; halves of surrogate pairs are left out.
func (b *builder) utf8(lo, hi rune, next int32) (out []edge) {
	const surrogates, behind = 0xd800, 0xe000
	if lo < surrogates && hi >= surrogates {
		return append(b.utf8(lo, surrogates-1, next), b.utf8(surrogates, hi, next)...)
	}
	if lo >= surrogates && lo < behind {
		lo = behind
	}
	for _, last := range []rune{0x7ff, 0xffff} {
		if lo <= last && hi > last {
			return append(b.utf8(lo, last, next), b.utf8(last+1, hi, next)...)
		}
	}
	if lo > hi {
		return nil
	}
	return b.sameLength(lo, hi, next)
}

// sameLength splits a range until its bytes vary independently.
func (b *builder) sameLength(lo, hi rune, next int32) []edge {
	for bits := 6; bits < 6*utf8.RuneLen(lo); bits += 6 {
		low := rune(1)<<bits - 1
		if lo&^low == hi&^low {
			continue
		}
		if lo&low != 0 {
			return append(b.sameLength(lo, lo|low, next), b.sameLength(lo|low+1, hi, next)...)
		}
		if hi&low != low {
			return append(b.sameLength(lo, hi&^low-1, next), b.sameLength(hi&^low, hi, next)...)
		}
	}
	var from, to [utf8.UTFMax]byte
	n := utf8.EncodeRune(from[:], lo)
	utf8.EncodeRune(to[:], hi)
	for i := n - 1; i > 0; i-- {
		next = b.shared(edge{from[i], to[i], next})
	}
	return []edge{{from[0], to[0], next}}
}
