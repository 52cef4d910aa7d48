package grammar

// lowering turns one schema document into rules.
type lowering struct {
	*builder
	top  *value
	root *schema
	err  error

	schemas map[*value]*schema
	merged  map[string]*schema
	numbers map[*schema]int
	flats   map[*schema]*schema
	rules   map[*schema]int32
	oneOfs  []oneOf
}

func newLowering(b *builder, data []byte) (*lowering, error) {
	top, err := parseValue(data)
	if err != nil {
		return nil, fail("", "", "%s", err)
	}
	l := &lowering{builder: b, top: top, schemas: map[*value]*schema{}, merged: map[string]*schema{}, numbers: map[*schema]int{},
		flats: map[*schema]*schema{}, rules: map[*schema]int32{}}
	l.root = l.read(top, "")
	l.checkOneOfs()
	return l, l.err
}

// spend counts n steps and fails when there are too many.
func (l *lowering) spend(s *schema, n int) {
	if l.work += n; l.work > maxWork {
		l.fail(s, "", "the schema is too complex: its parts combine in too many ways")
	}
}

func (l *lowering) fail(s *schema, keyword, format string, args ...any) {
	l.take(fail(s.path, keyword, format, args...))
}

// take keeps the first error.
func (l *lowering) take(err error) {
	if l.err == nil {
		l.err = err
	}
}

// rule is the rule of a schema. What refers to itself finds the rule that is being made.
func (l *lowering) rule(s *schema) int32 {
	s = l.resolve(s)
	if pc, ok := l.rules[s]; ok {
		return pc
	}
	if l.err != nil || l.full() {
		return l.dead()
	}
	pc := l.add(inst{op: opAlt})
	l.rules[s] = pc
	if targets := l.lower(l.flat(s, 0)); !l.full() {
		l.fill(pc, targets...)
	}
	return pc
}

// lower is the alternatives of a schema without parts.
func (l *lowering) lower(s *schema) []int32 {
	if l.err != nil {
		return nil
	}
	if len(s.groups) > 0 {
		return l.lowerGroup(s)
	}
	if s.never() {
		return nil
	}
	if s.enum != nil {
		return []int32{l.lowerEnum(s)}
	}
	if s.plain() {
		return []int32{l.anyValue()}
	}
	var out []int32
	for _, part := range []struct {
		types types
		build func(*schema) int32
	}{
		{tObject, l.lowerObject}, {tArray, l.lowerArray}, {tString, l.lowerString}, {tInteger | tNumber, l.lowerNumber},
		{tBoolean, l.lowerBoolean}, {tNull, l.lowerNull},
	} {
		if s.implied()&part.types != 0 {
			out = append(out, part.build(s))
		}
	}
	return out
}

// implied are the types of a schema that has constraints; those that these are about where it names none.
func (s *schema) implied() types {
	if s.types != tAll {
		return s.types
	}
	var out types
	if s.object {
		out |= tObject
	}
	if s.array {
		out |= tArray
	}
	if s.str {
		out |= tString
	}
	if s.num {
		out |= tInteger | tNumber
	}
	return out
}

// lowerGroup distributes one anyOf over what is said beside it.
func (l *lowering) lowerGroup(s *schema) []int32 {
	group := s.groups[0]
	rest := *s
	rest.groups = s.groups[1:]
	alone := rest.plain() && len(rest.groups) == 0
	var out []int32
	has := map[int32]bool{}
	for _, branch := range group {
		if l.err != nil {
			return nil
		}
		to := branch
		if !alone {
			to = l.both(s.path, &rest, branch)
		}
		if pc := l.rule(to); !has[pc] {
			out, has[pc] = append(out, pc), true
		}
	}
	return out
}

func (l *lowering) lowerBoolean(*schema) int32 {
	return l.builtin("boolean", func() int32 { return l.alt(l.lit("true", l.ret()), l.lit("false", l.ret())) })
}

func (l *lowering) lowerNull(*schema) int32 {
	return l.builtin("null", func() int32 { return l.lit("null", l.ret()) })
}

// words accepts one of texts, which are sorted and distinct.
func (b *builder) words(texts []string) int32 {
	var edges []edge
	end := false
	for len(texts) > 0 && !b.full() {
		if texts[0] == "" {
			end, texts = true, texts[1:]
			continue
		}
		c := texts[0][0]
		n := 1
		for n < len(texts) && texts[n][0] == c {
			n++
		}
		edges = append(edges, edge{c, c, b.word(texts[:n])})
		texts = texts[n:]
	}
	switch {
	case len(edges) == 0 && end:
		return b.ret()
	case end:
		return b.alt(b.ret(), b.bytes(edges...))
	}
	return b.bytes(edges...)
}

// word accepts the rests of texts behind their first byte, which they share.
func (b *builder) word(texts []string) int32 {
	if len(texts) == 1 {
		return b.lit(texts[0][1:], b.ret())
	}
	rests := make([]string, len(texts))
	for i, t := range texts {
		rests[i] = t[1:]
	}
	return b.words(rests)
}

// anyValue is a JSON value of any kind, nested at most maxAny deep.
func (l *lowering) anyValue() int32 {
	return l.builtin("any", func() int32 {
		pc := l.add(inst{op: opAlt})
		l.builtins["any"] = pc
		s := newSchema("")
		deep := []int32{l.anyObject(), l.lowerArray(s)}
		var targets []int32
		for _, d := range deep {
			targets = append(targets, l.add(inst{op: opCall, a: d, b: l.ret(), deeper: true}))
		}
		targets = append(targets, l.lowerString(s), l.lowerNumber(s), l.lowerBoolean(s), l.lowerNull(s))
		if !l.full() {
			l.fill(pc, targets...)
		}
		return pc
	})
}

func (l *lowering) anyObject() int32 {
	return l.builtin("object", func() int32 { return l.members(nil, l.freeKey(nil), l.anyValue()) })
}
