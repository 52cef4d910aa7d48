package grammar

import (
	"maps"
	"slices"
)

// exclusive notes a oneOf, whose branches are looked at when everything has been read.
func (l *lowering) exclusive(s *schema, branches []*schema) {
	l.oneOfs = append(l.oneOfs, oneOf{s, branches})
}

type oneOf struct {
	in       *schema
	branches []*schema
}

const maxOneOf = 256

// checkOneOfs refuses branches that one value might satisfy together: one of them would then have to be avoided. A property whose constants
// tell branches apart must be there.
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
		must := make([]map[string]bool, len(flat))
		for k, a := range flat {
			must[k] = map[string]bool{}
			for j, b := range flat[:k] {
				name, ok := l.apart(a, b)
				if l.err == nil && !ok {
					l.fail(o.in, "oneOf", "branches %d and %d are not told apart by type or by a property's constants: use anyOf", j, k)
				}
				must[j][name], must[k][name] = true, true
			}
		}
		l.demand(o, must)
	}
}

// demand makes properties of a oneOf's branches required. "" is none.
func (l *lowering) demand(o oneOf, must []map[string]bool) {
	for i, names := range must {
		delete(names, "")
		if len(names) > 0 {
			s := newSchema(o.branches[i].path)
			s.object, s.required = true, slices.Sorted(maps.Keys(names))
			o.branches[i] = l.both(s.path, o.branches[i], s)
		}
	}
}

// apart tells whether no value satisfies both, as far as types and constants show; where a property does, it is named and must be there.
func (l *lowering) apart(a, b *schema) (property string, ok bool) {
	switch shared := l.kinds(a) & l.kinds(b); {
	case shared == 0 || distinctConstants(a, b):
		return "", true
	case shared != tObject:
		return "", false
	}
	for _, p := range a.props {
		q := l.flatProperty(b, p.name)
		if q == nil {
			continue
		}
		if of := l.flat(p.schema, 0); distinctConstants(of, q) || l.kinds(of)&l.kinds(q) == 0 {
			return p.name, true
		}
	}
	return "", false
}

func distinctConstants(a, b *schema) bool {
	return a.hasEnum && b.hasEnum && len(common(a.enum, b.enum)) == 0 && !numeric(a.enum) && !numeric(b.enum)
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
