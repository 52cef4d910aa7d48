package jinja

import (
	"fmt"
	"unicode/utf8"
)

// attribute is v.name: a method, else an item of that name.
func attribute(v any, name string) (any, error) {
	switch v := v.(type) {
	case undefined:
		return nil, v.err()
	case *namespace:
		if x, ok := v.vars.Get(name); ok {
			return x, nil
		}
	case *loop:
		return v.attr(name), nil
	case *Dict:
		if m := dictMethod(v, name); m != nil {
			return *m, nil
		}
		if x, ok := v.Get(name); ok {
			return x, nil
		}
	case Str:
		if m, ok := strMethods[name]; ok {
			return function{name, func(r *run, a arguments) (any, error) { return m(r, v, a) }}, nil
		}
	case *List:
		if m := listMethod(v, name); m != nil {
			return *m, nil
		}
	}
	return undefined{fmt.Sprintf("attribute %q of %s", name, kindOf(v))}, nil
}

// item is v[index]: an item, else an attribute of that name.
func item(v, index any) (any, error) {
	if u, ok := v.(undefined); ok {
		return nil, u.err()
	}
	if key, ok := index.(Str); ok {
		if d, ok := v.(*Dict); ok {
			if x, ok := d.Get(key.text); ok {
				return x, nil
			}
		}
		return attribute(v, key.text)
	}
	missing := undefined{"an item of " + kindOf(v)}
	i, ok := integerOf(index)
	if !ok {
		return missing, nil
	}
	switch v := v.(type) {
	case *List:
		if i, ok := position(i, len(v.items)); ok {
			return v.items[i], nil
		}
	case Str:
		if i, ok := position(i, utf8.RuneCountInString(v.text)); ok {
			return v.runes(i, i+1), nil
		}
	}
	return missing, nil
}

// position makes an index of a list of n from one that may count from the end.
func position(i int64, n int) (int, bool) {
	if i < 0 {
		i += int64(n)
	}
	return int(i), i >= 0 && i < int64(n)
}

// runes returns the characters from up to to, which must be in range.
func (s Str) runes(from, to int) Str {
	start := runeOffset(s.text, 0, from)
	return s.cut(start, runeOffset(s.text, start, to-from))
}

// runeOffset returns where the character n characters behind byte at begins.
func runeOffset(s string, at, n int) int {
	for ; n > 0; n-- {
		_, size := utf8.DecodeRuneInString(s[at:])
		at += size
	}
	return at
}

// slice is v[from:to:step], with Python's rules.
func (r *run) slice(v any, bounds [3]*int64) (any, error) {
	s, isStr := v.(Str)
	var n int
	switch v := v.(type) {
	case undefined:
		return nil, v.err()
	case *List:
		n = len(v.items)
	case Str:
		n = utf8.RuneCountInString(v.text)
	default:
		return nil, fmt.Errorf("%s cannot be sliced", kindOf(v))
	}
	step := int64(1)
	if bounds[2] != nil {
		step = *bounds[2]
	}
	if step == 0 {
		return nil, fmt.Errorf("a slice's step cannot be 0")
	}
	from, to := sliceRange(bounds, step, int64(n))
	if isStr && step == 1 {
		return s.runes(int(from), int(max(from, to))), r.spend(len(s.text))
	}
	items, err := r.items(v)
	if err != nil {
		return nil, err
	}
	var picked []any
	for i := from; step > 0 && i < to || step < 0 && i > to; i += step {
		picked = append(picked, items[i])
	}
	if !isStr {
		return &List{picked}, r.made(len(picked))
	}
	parts := make([]Str, len(picked))
	for i, p := range picked {
		parts[i] = p.(Str)
	}
	return joinStrs(parts...), r.spend(len(s.text))
}

// sliceRange resolves the bounds for a sequence of n (PySlice_AdjustIndices). A step is cut to what n can need, so
// that no addition overflows.
func sliceRange(bounds [3]*int64, step, n int64) (from, to int64) {
	low, high := int64(0), n
	if step < 0 {
		low, high = -1, n-1
	}
	clip := func(b *int64, def int64) int64 {
		if b == nil {
			return def
		}
		i := *b
		if i < 0 {
			i += n
		}
		return min(max(i, low), high)
	}
	if step > 0 {
		return clip(bounds[0], low), clip(bounds[1], high)
	}
	return clip(bounds[0], high), clip(bounds[1], low)
}
