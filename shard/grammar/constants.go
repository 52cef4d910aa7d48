package grammar

import (
	"slices"
	"unicode/utf8"
)

// constants are the values of an enum. They are shared, and never change.
type constants struct {
	values []*value
	texts  []string        // canonical
	keys   []string        // numbers that are equal have one
	has    map[string]bool // the keys
	types  types
	bytes  int  // of texts
	vague  bool // values may be equal whose keys differ
}

func newConstants(values []*value) *constants {
	c := &constants{has: make(map[string]bool, len(values))}
	for _, v := range values {
		text := v.canonical()
		key, exact := v.key(text)
		c.add(v, text, key)
		c.vague = c.vague || !exact
	}
	return c
}

func (c *constants) add(v *value, text, key string) {
	c.values, c.texts, c.keys = append(c.values, v), append(c.texts, text), append(c.keys, key)
	c.has[key] = true
	c.types |= v.types()
	c.bytes += len(text)
}

// key is the same for equal values that are exact: of arrays, objects and numbers of immoderate size equal ones may have another. text is v's
// canonical one.
func (v *value) key(text string) (key string, exact bool) {
	if v.kind == '0' {
		if d, ok := parseDecimal(v.text); ok {
			return d.String(), true
		}
	}
	return text, v.kind == '"' || v.kind == 'b' || v.kind == 'n'
}

// common is what both have.
func (l *lowering) common(s *schema, a, b *constants) *constants {
	if a == b {
		return a
	}
	l.spend(s, 5*len(a.values))
	out := &constants{has: map[string]bool{}, vague: a.vague || b.vague}
	for i, v := range a.values {
		if b.has[a.keys[i]] {
			out.add(v, a.texts[i], a.keys[i])
		}
	}
	return out
}

// differ tells whether the constants of two schemas have no value in common.
func (l *lowering) differ(s, t *schema) bool {
	a, b := s.enum, t.enum
	if a == nil || b == nil || a.vague || b.vague {
		return false
	}
	if len(a.values) > len(b.values) {
		a, b = b, a
	}
	for i, key := range a.keys {
		if b.has[key] {
			l.spend(s, 2*i)
			return false
		}
	}
	l.spend(s, 2*len(a.keys))
	return true
}

// lowerEnum writes the values as they are, those that the type and what else is said of strings and numbers leave.
func (l *lowering) lowerEnum(s *schema) int32 {
	l.spend(s, len(s.enum.values)+s.enum.bytes/bytesPerStep)
	languages, err := l.languages(s)
	if err != nil {
		l.take(err)
		return l.dead()
	}
	var texts []string
	dropped := false
	for i, v := range s.enum.values {
		switch {
		case !s.allows(v):
		case v.kind == '{' && s.object || v.kind == '[' && s.array:
			l.fail(s, "enum", "keywords about objects and arrays may not stand beside it")
		case v.kind == '"' && !l.admitsText(s, languages, v.text), v.kind == '0' && s.num && !s.admitsNumber(v.text):
			dropped = true
		default:
			texts = append(texts, s.enum.texts[i])
		}
	}
	if dropped && len(texts) == 0 {
		l.fail(s, "enum", "the keywords beside it leave none of its values")
	}
	slices.Sort(texts)
	return l.words(slices.Compact(texts))
}

// allows tells whether a value has one of the types.
func (s *schema) allows(v *value) bool {
	if v.kind != '0' || s.types&tNumber != 0 {
		return v.types()&s.types != 0
	}
	d, ok := parseDecimal(v.text)
	_, whole := d.integer()
	return s.types&tInteger != 0 && ok && whole
}

// admitsText tells whether a string has an allowed length and is of each language.
func (l *lowering) admitsText(s *schema, languages []*runeDFA, text string) bool {
	if n := utf8.RuneCountInString(text); n < s.minLen || s.maxLen != infinite && n > s.maxLen {
		return false
	}
	for _, d := range languages {
		if l.spend(s, len(text)); !d.accepts(text) {
			return false
		}
	}
	return true
}

// admitsNumber tells whether a number is within the bounds, and a multiple.
func (s *schema) admitsNumber(text string) bool {
	d, ok := parseDecimal(text)
	if !ok || s.lo.excludes(d, 1) || s.hi.excludes(d, -1) || s.decimals != infinite && len(d.fraction) > s.decimals {
		return false
	}
	n, whole := d.integer()
	return s.multiple == 0 || whole && n%s.multiple == 0
}

// excludes tells whether d is beyond b; side is 1 for a minimum and -1 for a maximum.
func (b bound) excludes(d decimal, side int) bool {
	c := side * d.compare(b.at)
	return b.set && (c < 0 || c == 0 && b.exclusive)
}
