package jinja

// scope holds the variables of a template, of one round of a loop, or of one call of a macro. They are few: a search
// is faster than a map.
type scope struct {
	vars   []variable
	parent *scope
}

type variable struct {
	name  string
	value any
}

func (s *scope) child() *scope { return &scope{parent: s} }

func (s *scope) set(name string, v any) {
	for i := range s.vars {
		if s.vars[i].name == name {
			s.vars[i].value = v
			return
		}
	}
	s.vars = append(s.vars, variable{name, v})
}

func (s *scope) get(name string) any {
	for ; s != nil; s = s.parent {
		for i := range s.vars {
			if s.vars[i].name == name {
				return s.vars[i].value
			}
		}
	}
	if v, ok := globals[name]; ok {
		return v
	}
	return undefined{"\"" + name + "\""}
}
