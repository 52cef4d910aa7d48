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
		branches := make([]branch, len(o.branches))
		for k, b := range o.branches {
			branches[k] = l.branch(b)
		}
		if must := l.tellApart(o.in, branches); l.err == nil {
			l.demand(o, must)
		}
	}
}

// branch is a branch of a oneOf with its parts merged in.
type branch struct {
	*schema
	named map[string]*schema
}

func (l *lowering) branch(s *schema) branch {
	s = l.flat(s, 0)
	l.spend(s, len(s.props))
	return branch{s, byName(s.props)}
}

// tellApart finds for each branch the properties that distinguish it from others.
func (l *lowering) tellApart(in *schema, branches []branch) []map[string]bool {
	must := make([]map[string]bool, len(branches))
	for k, a := range branches {
		must[k] = map[string]bool{}
		for j, b := range branches[:k] {
			name, ok := l.apart(a, b)
			if !ok {
				l.fail(in, "oneOf", "branches %d and %d are not told apart by type or by a property's constants: use anyOf", j, k)
			}
			if l.err != nil {
				return must
			}
			if name != "" {
				must[j][name], must[k][name] = true, true
			}
		}
	}
	return must
}

// demand makes properties of a oneOf's branches required.
func (l *lowering) demand(o oneOf, must []map[string]bool) {
	for i, names := range must {
		if len(names) > 0 {
			s := newSchema(o.branches[i].path)
			s.object, s.required = true, slices.Sorted(maps.Keys(names))
			o.branches[i] = l.both(s.path, o.branches[i], s)
		}
	}
}

// apart tells whether no value satisfies both, as far as types and constants show; where a property does, it is named and must be there.
func (l *lowering) apart(a, b branch) (property string, ok bool) {
	l.spend(a.schema, 1)
	switch shared := a.kinds() & b.kinds(); {
	case shared == 0 || l.differ(a.schema, b.schema):
		return "", true
	case shared != tObject:
		return "", false
	}
	for _, p := range a.props {
		l.spend(a.schema, 2)
		q := b.named[p.name]
		if q == nil {
			continue
		}
		of, q := l.flat(p.schema, 0), l.flat(q, 0)
		if l.differ(of, q) || of.kinds()&q.kinds() == 0 {
			return p.name, true
		}
	}
	return "", false
}

// kinds are the types that a schema certainly does not go beyond.
func (s *schema) kinds() types {
	if s.enum == nil {
		return s.types
	}
	return s.enum.types & s.types
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
