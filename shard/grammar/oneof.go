package grammar

import "slices"

// exclusive notes a oneOf, whose branches are looked at when everything has been read.
func (l *lowering) exclusive(s *schema, branches []*schema) {
	l.oneOfs = append(l.oneOfs, oneOf{s, branches})
}

type oneOf struct {
	in       *schema
	branches []*schema
}

const maxOneOf = 256

// checkOneOfs refuses branches that one value might satisfy together: one of them would then have to be avoided.
func (l *lowering) checkOneOfs() {
	for i := 0; i < len(l.oneOfs) && l.err == nil; i++ { // looking may read more
		o := l.oneOfs[i]
		if len(o.branches) > maxOneOf {
			l.fail(o.in, "oneOf", "%d branches, at most %d", len(o.branches), maxOneOf)
			return
		}
		flat := make([]*schema, len(o.branches))
		for k, b := range o.branches {
			flat[k] = l.flat(b, 0)
		}
		for k, a := range flat {
			for _, b := range flat[:k] {
				if l.err == nil && !l.disjoint(a, b) {
					l.fail(o.in, "oneOf", "branches %d and %d are not told apart by type or by the constants of a required property: use anyOf",
						slices.Index(flat, b), k)
				}
			}
		}
	}
}

// disjoint tells whether no value satisfies both, as far as types and constants show.
func (l *lowering) disjoint(a, b *schema) bool {
	if a.hasEnum && b.hasEnum {
		return len(common(a.enum, b.enum)) == 0 && !numeric(a.enum) && !numeric(b.enum)
	}
	if l.kinds(a)&l.kinds(b) == 0 {
		return true
	}
	if l.kinds(a)&l.kinds(b) != tObject {
		return false
	}
	for _, name := range a.required {
		if !slices.Contains(b.required, name) {
			continue
		}
		p, q := l.flatProperty(a, name), l.flatProperty(b, name)
		if p != nil && q != nil && (p.hasEnum && q.hasEnum && l.disjoint(p, q) || l.kinds(p)&l.kinds(q) == 0) {
			return true
		}
	}
	return false
}

// numeric: 1 and 1.0 are the same value.
func numeric(list []*value) bool {
	return slices.ContainsFunc(list, func(v *value) bool { return v.kind != '"' && v.kind != 'b' && v.kind != 'n' })
}

func (l *lowering) flatProperty(s *schema, name string) *schema {
	for _, p := range s.props {
		if p.name == name {
			return l.flat(p.schema, 0)
		}
	}
	return nil
}

// kinds are the types that a schema certainly does not go beyond.
func (l *lowering) kinds(s *schema) types {
	if !s.hasEnum {
		return s.types
	}
	var out types
	for _, v := range s.enum {
		out |= v.types()
	}
	return out & s.types
}

// types is the type of a value; every number may be whole.
func (v *value) types() types {
	switch v.kind {
	case 'n':
		return tNull
	case 'b':
		return tBoolean
	case '0':
		return tInteger | tNumber
	case '"':
		return tString
	case '[':
		return tArray
	}
	return tObject
}
