package jinja

import "fmt"

// subjects are the items of v, none where v is false: these filters take none for an empty list.
func (r *run) subjects(v any) ([]any, error) {
	if !truth(v) {
		return nil, nil
	}
	return r.items(v)
}

// mapFilter is map('filter', args…) or map(attribute='name', default=x).
func mapFilter(r *run, v any, a arguments) (any, error) {
	items, err := r.subjects(v)
	if err != nil {
		return nil, err
	}
	if len(a.pos) == 0 {
		rd := a.read(r, "map", "attribute", "default")
		path := rd.str(0, nil)
		rd.required(0)
		if rd.err != nil {
			return nil, rd.err
		}
		out, err := r.attributes(items, path.text, rd.any(1, nil))
		return &List{out}, err
	}
	f, err := lookup(filters, "filter", a.pos[0])
	if err != nil {
		return nil, err
	}
	rest := arguments{pos: a.pos[1:], names: a.names, named: a.named}
	out := make([]any, len(items))
	for i, item := range items {
		if err := r.step(); err != nil {
			return nil, err
		}
		if out[i], err = f(r, item, rest); err != nil {
			return nil, err
		}
	}
	return &List{out}, r.made(len(out))
}

// lookup finds a filter or test that is named by a value.
func lookup[T any](table map[string]T, what string, v any) (T, error) {
	var none T
	s, ok := v.(Str)
	if !ok {
		return none, fmt.Errorf("the name of a %s must be a string, not %s", what, kindOf(v))
	}
	f, ok := table[s.text]
	if !ok {
		return none, fmt.Errorf("%s %q is not known", what, s.text)
	}
	return f, nil
}

// choose is select, reject, selectattr and rejectattr: the items, or an attribute of which, pass a test. Without a test
// they must be true.
func choose(name string, want, attr bool) filter {
	return func(r *run, v any, a arguments) (any, error) {
		items, err := r.subjects(v)
		if err != nil {
			return nil, err
		}
		subjects, pos := items, a.pos
		if attr {
			if len(pos) == 0 {
				return nil, fmt.Errorf("%s needs the name of an attribute", name)
			}
			path, ok := pos[0].(Str)
			if !ok {
				return nil, fmt.Errorf("the attribute of %s must be a string, not %s", name, kindOf(pos[0]))
			}
			if subjects, err = r.attributes(items, path.text, nil); err != nil {
				return nil, err
			}
			pos = pos[1:]
		}
		passes := test(func(_ *run, v any, _ arguments) (bool, error) { return truth(v), nil })
		var rest arguments
		if len(pos) > 0 {
			if passes, err = lookup(tests, "test", pos[0]); err != nil {
				return nil, err
			}
			rest.pos = pos[1:]
		}
		return r.chosen(items, subjects, passes, rest, want)
	}
}

// chosen returns the items for whose subjects the test gives want.
func (r *run) chosen(items, subjects []any, passes test, a arguments, want bool) (any, error) {
	out := &List{}
	for i := range items {
		if err := r.step(); err != nil {
			return nil, err
		}
		ok, err := passes(r, subjects[i], a)
		if err != nil {
			return nil, err
		}
		if ok == want {
			out.items = append(out.items, items[i])
		}
	}
	return out, r.made(len(out.items))
}
