package jinja

import (
	"fmt"
	"slices"
)

// arguments are the values that a call passes.
type arguments struct {
	pos   []any
	names []string
	named []any
}

func (r *run) arguments(a args) (arguments, error) {
	out := arguments{names: a.names}
	for _, x := range a.pos {
		v, err := r.eval(x)
		if err != nil {
			return out, err
		}
		out.pos = append(out.pos, v)
	}
	for _, x := range a.named {
		v, err := r.eval(x)
		if err != nil {
			return out, err
		}
		out.named = append(out.named, v)
	}
	return out, nil
}

// bind returns the value of each parameter, nil where none is passed.
func (a arguments) bind(r *run, f string, params []string) ([]*any, error) {
	if len(a.pos) > len(params) {
		return nil, fmt.Errorf("%s takes %d arguments, not %d", f, len(params), len(a.pos))
	}
	values := make([]*any, len(params))
	for i := range a.pos {
		values[i] = &a.pos[i]
	}
	for i, n := range a.names {
		at := slices.Index(params, n)
		if at < 0 {
			return nil, fmt.Errorf("%s takes no argument %q", f, n)
		}
		if values[at] != nil {
			return nil, fmt.Errorf("%s is given argument %q twice", f, n)
		}
		values[at] = &a.named[i]
	}
	return values, r.made(len(params))
}

// reader takes arguments by name, with defaults. The first error sticks.
type reader struct {
	f      string
	params []string
	values []*any
	err    error
}

func (a arguments) read(r *run, f string, params ...string) *reader {
	values, err := a.bind(r, f, params)
	if err != nil {
		values = make([]*any, len(params))
	}
	return &reader{f, params, values, err}
}

func (rd *reader) any(i int, def any) any {
	if v := rd.values[i]; v != nil {
		return *v
	}
	return def
}

// required is any without a default.
func (rd *reader) required(i int) any {
	if rd.values[i] == nil {
		rd.fail(fmt.Errorf("%s needs argument %q", rd.f, rd.params[i]))
		return nil
	}
	return *rd.values[i]
}

func (rd *reader) str(i int, def any) Str {
	v := rd.any(i, def)
	s, ok := v.(Str)
	if !ok && v != nil {
		rd.wrong(i, v, "a string")
	}
	return s
}

func (rd *reader) int(i int, def int64) int64 {
	v := rd.any(i, def)
	n, ok := integerOf(v)
	if !ok {
		rd.wrong(i, v, "an integer")
	}
	return n
}

func (rd *reader) wrong(i int, v any, want string) {
	rd.fail(fmt.Errorf("argument %q of %s must be %s, not %s", rd.params[i], rd.f, want, kindOf(v)))
}

func (rd *reader) fail(err error) {
	if rd.err == nil {
		rd.err = err
	}
}
