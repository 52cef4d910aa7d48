package grammar

import (
	"maps"
	"slices"
)

// field is a declared property in the program.
type field struct {
	key      string // quoted
	rule     int32
	required bool
}

func (l *lowering) lowerObject(s *schema) int32 {
	if s.extra == nil && len(s.props) == 0 && len(s.required) == 0 {
		return l.anyObject()
	}
	extra := s.extra
	open := newSchema(s.path) // any value
	var fields []field
	required, declared := set(s.required), map[string]bool{}
	declare := func(name string, of *schema) {
		declared[name] = true
		fields = append(fields, field{quote(name), l.rule(of), required[name]})
	}
	for _, p := range s.props {
		declare(p.name, p.schema)
	}
	for _, name := range s.required {
		switch {
		case declared[name]:
		case extra != nil:
			declare(name, extra)
		default:
			declare(name, open)
		}
	}
	if extra == nil && len(s.props) == 0 {
		extra = open // required names, and whatever else
	}
	if extra == nil || extra.never() {
		return l.members(fields, l.dead(), l.dead())
	}
	return l.members(fields, l.freeKey(slices.Sorted(maps.Keys(declared))), l.rule(extra))
}

// members is an object: fields in order, then keys of the rule key with values of the rule extra.
//
//	{ first [, ...] }       A: nothing is written yet, B: something is
//	A(i) = key(i) B(i+1) | A(i+1) where i is optional | } where all from i on are
//	B(i) = , K(i) | } where all from i on are optional;  K(i) = key(i) B(i+1) | K(i+1) where i is optional
func (b *builder) members(fields []field, key, extra int32) int32 {
	closing := b.lit("}", b.ret())
	end := b.blank(closing)
	pair := func(next int32) int32 { return b.call(key, b.lit(":", b.space(b.call(extra, next)))) }
	after := b.rep(b.lit(",", b.blank(pair(b.ret()))), 0, infinite, end)
	keys := pair(after)
	optional := true // from here on
	for i := len(fields) - 1; i >= 0 && !b.full(); i-- {
		f := &fields[i]
		here := b.lit(f.key+":", b.space(b.call(f.rule, after)))
		optional = optional && !f.required
		if f.required {
			keys = here
		} else {
			keys = b.alt(here, keys)
		}
		after = b.lit(",", b.blank(keys))
		if optional {
			after = b.alt(after, end)
		}
	}
	first := keys
	if optional {
		first = b.alt(closing, keys)
	}
	return b.lit("{", b.blank(first))
}

// freeKey is a string that is none of the names.
func (l *lowering) freeKey(names []string) int32 {
	if len(names) == 0 {
		return l.lowerString(newSchema(""))
	}
	d := without(names)
	return l.lit(`"`, l.runes(d, l.lit(`"`, l.ret())))
}
