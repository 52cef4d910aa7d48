package jinja

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
)

var errDeep = errors.New("a value is nested too deep")

// maxNesting bounds the nesting of values that are compared or printed.
const maxNesting = 300

// holds reports whether a op b.
func (r *run) holds(op string, a, b any) (bool, error) {
	switch op {
	case "==", "!=":
		eq, err := r.equal(a, b, 0)
		return eq == (op == "=="), err
	case "in", "not in":
		in, err := r.contains(b, a)
		return in == (op == "in"), err
	}
	c, err := r.order(a, b, 0)
	if err != nil {
		return false, err
	}
	switch op {
	case "<":
		return c < 0, nil
	case "<=":
		return c <= 0, nil
	case ">":
		return c > 0, nil
	}
	return c >= 0, nil
}

func (r *run) equal(a, b any, depth int) (bool, error) {
	if depth > maxNesting {
		return false, errDeep
	}
	if err := r.step(); err != nil {
		return false, err
	}
	if i, ok := integerOf(a); ok {
		if k, ok := integerOf(b); ok {
			return i == k, nil
		}
	}
	if f, ok := floatOf(a); ok {
		g, ok := floatOf(b)
		return ok && f == g, nil
	}
	switch a := a.(type) {
	case nil:
		return b == nil, nil
	case Str:
		t, ok := b.(Str)
		return ok && a.text == t.text, nil
	case bigInt:
		return any(a) == b, nil
	case *List:
		l, ok := b.(*List)
		if !ok || len(a.items) != len(l.items) {
			return false, nil
		}
		return r.equalItems(a.items, l.items, depth)
	case *Dict:
		d, ok := b.(*Dict)
		if !ok || len(a.keys) != len(d.keys) {
			return false, nil
		}
		return r.equalDicts(a, d, depth)
	case undefined:
		_, ok := b.(undefined)
		return ok, nil
	case *namespace, *macro, *loop:
		return a == b, nil
	}
	return false, nil // built-in functions are not compared
}

func (r *run) equalItems(a, b []any, depth int) (bool, error) {
	for i := range a {
		if ok, err := r.equal(a[i], b[i], depth+1); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

func (r *run) equalDicts(a, b *Dict, depth int) (bool, error) {
	for _, k := range a.keys {
		w, ok := b.values[k]
		if !ok {
			return false, nil
		}
		if ok, err := r.equal(a.values[k], w, depth+1); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

// contains reports whether x is in v.
func (r *run) contains(v, x any) (bool, error) {
	switch v := v.(type) {
	case undefined:
		return false, nil
	case Str:
		s, ok := x.(Str)
		if !ok {
			return false, fmt.Errorf("%s cannot be in a string", kindOf(x))
		}
		return strings.Contains(v.text, s.text), nil
	case *Dict:
		s, ok := x.(Str)
		_, in := v.values[s.text]
		return ok && in, nil
	case *List:
		for _, item := range v.items {
			if ok, err := r.equal(item, x, 0); ok || err != nil {
				return ok, err
			}
		}
		return false, nil
	}
	return false, fmt.Errorf("nothing can be in %s", kindOf(v))
}

// order compares numbers, strings and lists.
func (r *run) order(a, b any, depth int) (int, error) {
	if depth > maxNesting {
		return 0, errDeep
	}
	if err := r.step(); err != nil {
		return 0, err
	}
	if i, ok := integerOf(a); ok {
		if k, ok := integerOf(b); ok {
			return cmp.Compare(i, k), nil
		}
	}
	if f, ok := floatOf(a); ok {
		if g, ok := floatOf(b); ok {
			return cmp.Compare(f, g), nil
		}
	}
	if s, ok := a.(Str); ok {
		if t, ok := b.(Str); ok {
			return cmp.Compare(s.text, t.text), nil
		}
	}
	if l, ok := a.(*List); ok {
		if m, ok := b.(*List); ok {
			return r.orderItems(l.items, m.items, depth)
		}
	}
	return 0, fmt.Errorf("%s and %s have no order", kindOf(a), kindOf(b))
}

func (r *run) orderItems(a, b []any, depth int) (int, error) {
	for i := range min(len(a), len(b)) {
		if c, err := r.order(a[i], b[i], depth+1); c != 0 || err != nil {
			return c, err
		}
	}
	return cmp.Compare(len(a), len(b)), nil
}
