package jinja

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// strMethod is a method of strings.
type strMethod func(r *run, s Str, a arguments) (any, error)

var strMethods map[string]strMethod

// A method can print values, printing needs methods' values: the table is filled when the program starts.
func init() {
	strMethods = map[string]strMethod{
		"strip":        trimMethod("strip", true, true),
		"lstrip":       trimMethod("lstrip", true, false),
		"rstrip":       trimMethod("rstrip", false, true),
		"split":        splitMethod("split", Str.split),
		"rsplit":       splitMethod("rsplit", Str.splitRight),
		"splitlines":   splitLines,
		"upper":        mapMethod(strings.ToUpper),
		"lower":        mapMethod(strings.ToLower),
		"capitalize":   func(_ *run, s Str, _ arguments) (any, error) { return capitalize(s), nil },
		"title":        func(_ *run, s Str, _ arguments) (any, error) { return s.whole(title(s.text)), nil },
		"startswith":   affixMethod("startswith", strings.HasPrefix),
		"endswith":     affixMethod("endswith", strings.HasSuffix),
		"removeprefix": cutMethod("removeprefix"),
		"removesuffix": cutMethod("removesuffix"),
		"replace":      replaceMethod,
		"join":         func(r *run, s Str, a arguments) (any, error) { return r.joinMethod(s, a) },
		"find":         findMethod("find", strings.Index),
		"rfind":        findMethod("rfind", strings.LastIndex),
		"count":        countMethod,
		"isdigit":      classMethod(unicode.IsDigit),
		"isalpha":      classMethod(unicode.IsLetter),
		"isspace":      classMethod(isSpace),
	}
}

func trimMethod(name string, left, right bool) strMethod {
	return func(r *run, s Str, a arguments) (any, error) {
		rd := a.read(r, name, "chars")
		return s.trim(rd.str(0, nil).text, left, right), rd.err
	}
}

func mapMethod(f func(string) string) strMethod {
	return func(r *run, s Str, _ arguments) (any, error) { return s.mapRuns(f), r.spend(len(s.text)) }
}

func affixMethod(name string, has func(s, affix string) bool) strMethod {
	return func(r *run, s Str, a arguments) (any, error) {
		rd := a.read(r, name, "affix")
		if l, ok := rd.required(0).(*List); ok {
			return slices.ContainsFunc(l.items, func(v any) bool {
				t, ok := v.(Str)
				return ok && has(s.text, t.text)
			}), rd.err
		}
		return has(s.text, rd.str(0, nil).text), rd.err
	}
}

func cutMethod(name string) strMethod {
	return func(r *run, s Str, a arguments) (any, error) {
		rd := a.read(r, name, "affix")
		affix := rd.str(0, nil).text
		if name == "removeprefix" {
			return s.cut(len(s.text)-len(strings.TrimPrefix(s.text, affix)), len(s.text)), rd.err
		}
		return s.cut(0, len(strings.TrimSuffix(s.text, affix))), rd.err
	}
}

func splitMethod(name string, split func(s Str, sep string, limit int) []Str) strMethod {
	return func(r *run, s Str, a arguments) (any, error) {
		rd := a.read(r, name, "sep", "maxsplit")
		sep, limit := rd.str(0, nil).text, int(rd.int(1, -1))
		if rd.err != nil {
			return nil, rd.err
		}
		if rd.any(0, nil) != nil {
			if sep == "" {
				return nil, fmt.Errorf("%s needs a separator that is not empty", name)
			}
			if err := r.made(strings.Count(s.text, sep)); err != nil {
				return nil, err
			}
			return strList(split(s, sep, limit)), r.spend(len(s.text))
		}
		if name == "rsplit" && limit >= 0 {
			return nil, fmt.Errorf("rsplit with maxsplit needs a separator here")
		}
		if err := r.made(len(s.text) / 2); err != nil {
			return nil, err
		}
		return strList(s.fields(limit)), r.spend(len(s.text))
	}
}

func splitLines(r *run, s Str, _ arguments) (any, error) {
	lines := s.lines()
	if err := r.made(len(lines)); err != nil {
		return nil, err
	}
	return strList(lines), r.spend(len(s.text))
}

func strList(parts []Str) *List {
	items := make([]any, len(parts))
	for i, p := range parts {
		items[i] = p
	}
	return &List{items}
}

func capitalize(s Str) Str {
	_, size := utf8.DecodeRuneInString(s.text)
	return joinStrs(s.cut(0, size).mapRuns(strings.ToUpper), s.cut(size, len(s.text)).mapRuns(strings.ToLower))
}

func title(s string) string {
	inWord := false
	return strings.Map(func(r rune) rune {
		was := inWord
		if inWord = unicode.IsLetter(r); was {
			return unicode.ToLower(r)
		}
		return unicode.ToTitle(r)
	}, s)
}

func replaceMethod(r *run, s Str, a arguments) (any, error) {
	rd := a.read(r, "replace", "old", "new", "count")
	rd.required(0)
	rd.required(1)
	old, with, limit := rd.str(0, nil), rd.str(1, nil), int(rd.int(2, -1))
	if rd.err != nil {
		return nil, rd.err
	}
	found := strings.Count(s.text, old.text)
	if err := r.made(found); err != nil {
		return nil, err
	}
	if err := r.spend(len(s.text) + min(found*len(with.text), maxBytes+1)); err != nil {
		return nil, err
	}
	return s.replace(old, with, limit), nil
}

func (r *run) joinMethod(sep Str, a arguments) (any, error) {
	rd := a.read(r, "join", "list")
	items, err := r.items(rd.required(0))
	if rd.err != nil || err != nil {
		return nil, firstError(rd.err, err)
	}
	return r.joinItems(sep, items)
}

// joinItems concatenates what the items print, with sep between them.
func (r *run) joinItems(sep Str, items []any) (Str, error) {
	parts := make([]Str, len(items))
	n := 0
	for i, item := range items {
		var err error
		if parts[i], err = r.str(item); err != nil {
			return Str{}, err
		}
		n += len(parts[i].text) + len(sep.text)
	}
	if err := r.spend(n); err != nil {
		return Str{}, err
	}
	return joinWith(sep, parts), nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func findMethod(name string, index func(s, sub string) int) strMethod {
	return func(r *run, s Str, a arguments) (any, error) {
		rd := a.read(r, name, "sub")
		rd.required(0)
		n := index(s.text, rd.str(0, nil).text)
		if n > 0 {
			n = utf8.RuneCountInString(s.text[:n])
		}
		return int64(n), rd.err
	}
}

func countMethod(r *run, s Str, a arguments) (any, error) {
	rd := a.read(r, "count", "sub")
	rd.required(0)
	return int64(strings.Count(s.text, rd.str(0, nil).text)), rd.err
}

func classMethod(is func(rune) bool) strMethod {
	return func(_ *run, s Str, _ arguments) (any, error) {
		return s.text != "" && strings.IndexFunc(s.text, func(r rune) bool { return !is(r) }) < 0, nil
	}
}

// dictMethod returns d's method of that name, or nil.
func dictMethod(d *Dict, name string) *function {
	f := &function{name: name}
	switch name {
	case "items":
		f.call = func(r *run, _ arguments) (any, error) { return pairs(d, d.keys), r.made(3 * len(d.keys)) }
	case "keys":
		f.call = func(r *run, _ arguments) (any, error) {
			items, err := r.items(d)
			return &List{items}, err
		}
	case "values":
		f.call = func(r *run, _ arguments) (any, error) {
			l := &List{}
			for _, k := range d.keys {
				l.items = append(l.items, d.values[k])
			}
			return l, r.made(len(l.items))
		}
	case "get":
		f.call = func(r *run, a arguments) (any, error) {
			rd := a.read(r, "get", "key", "default")
			k, ok := rd.required(0).(Str)
			if v, found := d.values[k.text]; ok && found {
				return v, rd.err
			}
			return rd.any(1, nil), rd.err
		}
	default:
		return nil
	}
	return f
}

// pairs lists the given keys of d with their values.
func pairs(d *Dict, keys []string) *List {
	l := &List{}
	for _, k := range keys {
		l.items = append(l.items, NewList(Plain(k), d.values[k]))
	}
	return l
}

func listMethod(l *List, name string) *function {
	switch name {
	case "index":
		return &function{name, func(r *run, a arguments) (any, error) {
			rd := a.read(r, "index", "value")
			x := rd.required(0)
			for i, item := range l.items {
				if ok, err := r.equal(item, x, 0); ok || err != nil {
					return int64(i), firstError(rd.err, err)
				}
			}
			return nil, firstError(rd.err, fmt.Errorf("the value is not in the list"))
		}}
	case "count":
		return &function{name, func(r *run, a arguments) (any, error) {
			rd := a.read(r, "count", "value")
			x, n := rd.required(0), int64(0)
			for _, item := range l.items {
				ok, err := r.equal(item, x, 0)
				if err != nil {
					return nil, err
				}
				if ok {
					n++
				}
			}
			return n, rd.err
		}}
	case "append", "extend", "insert", "pop", "remove", "sort", "reverse", "clear":
		return &function{name, func(*run, arguments) (any, error) {
			return nil, fmt.Errorf("a list cannot be changed (%s): use set with list + [item]", name)
		}}
	}
	return nil
}
