package grammar

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Limits of what merging may make of a schema.
const (
	maxMerges = 5_000
	maxParts  = 64 // nested $ref and allOf
)

// refer resolves a $ref within the document.
func (l *lowering) refer(s *schema, v *value) *schema {
	if v.kind != '"' || !strings.HasPrefix(v.text, "#") {
		l.fail(s, "$ref", "only references within the schema (#/…) are supported")
		return nil
	}
	path, err := url.PathUnescape(v.text[1:])
	if err != nil {
		path = v.text[1:]
	}
	at := l.top
	for _, step := range strings.Split(path, "/")[1:] {
		l.spend(s, 1+len(at.members)/8)
		if at = at.step(strings.ReplaceAll(strings.ReplaceAll(step, "~1", "/"), "~0", "~")); at == nil {
			break
		}
	}
	if at == nil || path != "" && path[0] != '/' {
		l.fail(s, "$ref", "%.80q leads nowhere", v.text)
		return nil
	}
	return l.read(at, path)
}

// step follows one part of a JSON pointer.
func (v *value) step(name string) *value {
	if v.kind == '[' {
		if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < len(v.items) {
			return v.items[i]
		}
		return nil
	}
	return v.get(name)
}

// both is a schema that says what all parts say. The same parts give the same schema, so that recursion ends.
func (l *lowering) both(path string, parts ...*schema) *schema {
	var distinct []*schema
	for _, p := range parts {
		p = l.resolve(p)
		if !slices.Contains(distinct, p) {
			distinct = append(distinct, p)
		}
	}
	if len(distinct) == 1 {
		return distinct[0]
	}
	var key strings.Builder
	for _, p := range distinct {
		fmt.Fprintf(&key, "%d ", l.number(p))
	}
	if s, ok := l.merged[key.String()]; ok {
		return s
	}
	if len(l.merged) >= maxMerges {
		l.take(fail(path, "", "the schema is too large: allOf, anyOf and $ref combine to more than %d subschemas", maxMerges))
	}
	s := newSchema(path)
	s.parts = distinct
	l.merged[key.String()] = s
	return s
}

// resolve follows a schema that is nothing but a reference.
func (l *lowering) resolve(s *schema) *schema {
	for n := 0; s.plain() && len(s.parts) == 1 && len(s.groups) == 0; n++ {
		if n > maxParts {
			l.fail(s, "$ref", "it refers to itself, or too deep")
			return s
		}
		s = s.parts[0]
	}
	return s
}

// number names a schema within this lowering.
func (l *lowering) number(s *schema) int {
	n, ok := l.numbers[s]
	if !ok {
		n = len(l.numbers)
		l.numbers[s] = n
	}
	return n
}

// flat is s with its parts merged in.
func (l *lowering) flat(s *schema, depth int) *schema {
	if len(s.parts) == 0 {
		return s
	}
	if f, ok := l.flats[s]; ok {
		return f
	}
	if depth > maxParts {
		l.fail(s, "$ref", "it refers to itself, or too deep")
	}
	own := *s
	own.parts = nil
	out := &own
	for _, p := range s.parts {
		if l.err != nil {
			return out
		}
		out = l.merge(out, l.flat(p, depth+1))
	}
	l.flats[s] = out
	return out
}

// merge is what both say.
func (l *lowering) merge(a, b *schema) *schema {
	l.spend(a, a.size()+b.size())
	out := *a
	out.types = a.types & b.types
	out.object, out.array, out.str, out.num = a.object || b.object, a.array || b.array, a.str || b.str, a.num || b.num
	out.groups = slices.Clone(a.groups)
	for _, g := range b.groups {
		if !slices.ContainsFunc(a.groups, func(o []*schema) bool { return &o[0] == &g[0] }) {
			out.groups = append(out.groups, g)
		}
	}
	if b.enum != nil {
		l.only(&out, b.enum)
	}
	l.mergeObjects(&out, a, b)
	l.mergeArrays(&out, a, b)
	out.minLen, out.maxLen = max(a.minLen, b.minLen), least(a.maxLen, b.maxLen)
	out.patterns = distinct(a.patterns, b.patterns)
	out.formats = distinct(a.formats, b.formats)
	out.lo, out.hi = a.lo.tighter(b.lo, 1), a.hi.tighter(b.hi, -1)
	out.decimals = least(a.decimals, b.decimals)
	switch {
	case out.multiple == 0:
		out.multiple = b.multiple
	case b.multiple != 0 && b.multiple != out.multiple:
		l.fail(&out, "multipleOf", "two of them together are not supported")
	}
	return &out
}

// size is how many steps it takes to merge s.
func (s *schema) size() int {
	n := 8 + 8*len(s.props) + 8*len(s.required) + 4*len(s.prefix) + 4*len(s.groups) + len(s.patterns) + len(s.formats)
	for _, p := range s.props {
		n += len(p.name) / bytesPerStep
	}
	for _, name := range s.required {
		n += len(name) / bytesPerStep
	}
	return n
}

// set is the members of a list.
func set(list []string) map[string]bool {
	out := make(map[string]bool, len(list))
	for _, s := range list {
		out[s] = true
	}
	return out
}

// distinct is what is in a or b, once.
func distinct(a, b []string) []string {
	out, has := slices.Clone(a), set(a)
	for _, s := range b {
		if !has[s] {
			out, has[s] = append(out, s), true
		}
	}
	return out
}

// least is the lower of two upper counts.
func least(a, b int) int {
	if a == infinite || b != infinite && b < a {
		return b
	}
	return a
}

func (l *lowering) mergeObjects(out, a, b *schema) {
	out.props, out.required = nil, distinct(a.required, b.required)
	inA, inB := byName(a.props), byName(b.props)
	for _, p := range a.props {
		out.props = append(out.props, property{p.name, l.propertyOf(b, inB, p)})
	}
	for _, p := range b.props {
		if inA[p.name] == nil {
			out.props = append(out.props, property{p.name, l.propertyOf(a, inA, p)})
		}
	}
	switch {
	case a.extra == nil:
		out.extra = b.extra
	case b.extra != nil:
		out.extra = l.both(a.extra.path, a.extra, b.extra)
	}
}

func byName(props []property) map[string]*schema {
	out := make(map[string]*schema, len(props))
	for _, p := range props {
		out[p.name] = p.schema
	}
	return out
}

// propertyOf is what a property's schema and another schema of the object, whose properties are named, say about it.
func (l *lowering) propertyOf(o *schema, named map[string]*schema, p property) *schema {
	if q := named[p.name]; q != nil {
		return l.both(p.schema.path, p.schema, q)
	}
	if o.extra != nil {
		return l.both(p.schema.path, p.schema, o.extra)
	}
	return p.schema
}

func (l *lowering) mergeArrays(out, a, b *schema) {
	out.minItems, out.maxItems = max(a.minItems, b.minItems), least(a.maxItems, b.maxItems)
	out.prefix = nil
	for i := range max(len(a.prefix), len(b.prefix)) {
		var both []*schema
		for _, s := range []*schema{a, b} {
			if i < len(s.prefix) {
				both = append(both, s.prefix[i])
			} else if s.items != nil {
				both = append(both, s.items)
			}
		}
		out.prefix = append(out.prefix, l.both(a.path, both...))
	}
	switch {
	case a.items == nil:
		out.items = b.items
	case b.items != nil:
		out.items = l.both(a.items.path, a.items, b.items)
	}
}
