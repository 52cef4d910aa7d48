package jinja

import (
	"fmt"
	"strings"
)

// test is {{ v is test(a) }}.
type test func(r *run, v any, a arguments) (bool, error)

var tests = map[string]test{
	"defined":     kindTest(func(v any) bool { _, ok := v.(undefined); return !ok }),
	"undefined":   kindTest(func(v any) bool { _, ok := v.(undefined); return ok }),
	"none":        kindTest(func(v any) bool { return v == nil }),
	"boolean":     kindTest(func(v any) bool { _, ok := v.(bool); return ok }),
	"true":        kindTest(func(v any) bool { return v == true }),
	"false":       kindTest(func(v any) bool { return v == false }),
	"integer":     kindTest(isInteger),
	"float":       kindTest(func(v any) bool { _, ok := v.(float64); return ok }),
	"number":      kindTest(func(v any) bool { _, ok := floatOf(v); _, big := v.(bigInt); return ok || big }),
	"string":      kindTest(func(v any) bool { _, ok := v.(Str); return ok }),
	"mapping":     kindTest(func(v any) bool { _, ok := v.(*Dict); return ok }),
	"sequence":    kindTest(isIterable),
	"iterable":    kindTest(isIterable),
	"callable":    kindTest(isCallable),
	"odd":         remainder("odd", 2, 1),
	"even":        remainder("even", 2, 0),
	"divisibleby": divisibleBy,
	"lower":       caseTest(strings.ToLower),
	"upper":       caseTest(strings.ToUpper),
	"sameas":      comparison("=="),
	"in": func(r *run, v any, a arguments) (bool, error) {
		rd := a.read(r, "in", "list")
		list := rd.required(0)
		if rd.err != nil {
			return false, rd.err
		}
		return r.contains(list, v)
	},
	"eq": comparison("=="), "equalto": comparison("=="), "==": comparison("=="),
	"ne": comparison("!="), "!=": comparison("!="),
	"lt": comparison("<"), "lessthan": comparison("<"), "<": comparison("<"),
	"le": comparison("<="), "<=": comparison("<="),
	"gt": comparison(">"), "greaterthan": comparison(">"), ">": comparison(">"),
	"ge": comparison(">="), ">=": comparison(">="),
}

func kindTest(is func(any) bool) test {
	return func(_ *run, v any, _ arguments) (bool, error) { return is(v), nil }
}

func isInteger(v any) bool {
	switch v.(type) {
	case int64, bigInt:
		return true
	}
	return false
}

func isIterable(v any) bool {
	switch v.(type) {
	case Str, *List, *Dict, undefined: // what is undefined can be gone through: it is empty
		return true
	}
	return false
}

func isCallable(v any) bool {
	switch v.(type) {
	case function, *macro:
		return true
	}
	return false
}

func comparison(op string) test {
	return func(r *run, v any, a arguments) (bool, error) {
		rd := a.read(r, "the test", "other")
		other := rd.required(0)
		if rd.err != nil {
			return false, rd.err
		}
		return r.holds(op, v, other)
	}
}

func remainder(name string, by, want int64) test {
	return func(_ *run, v any, _ arguments) (bool, error) {
		i, ok := integerOf(v)
		if !ok {
			return false, fmt.Errorf("%s needs an integer, not %s", name, kindOf(v))
		}
		return (i%by+by)%by == want, nil
	}
}

func divisibleBy(r *run, v any, a arguments) (bool, error) {
	rd := a.read(r, "divisibleby", "num")
	by := rd.int(0, 0)
	i, ok := integerOf(v)
	if !ok || by == 0 {
		return false, firstError(rd.err, fmt.Errorf("divisibleby needs two integers, the second not 0"))
	}
	return by == -1 || i%by == 0, rd.err
}

func caseTest(f func(string) string) test {
	return func(r *run, v any, _ arguments) (bool, error) {
		s, err := r.str(v)
		return s.text != "" && f(s.text) == s.text, err
	}
}
