package grammar

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
