package jinja

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// filter is {{ v | filter(a) }}.
type filter func(r *run, v any, a arguments) (any, error)

var filters map[string]filter

// Filters call filters by name: the table is filled when the program starts.
func init() {
	filters = map[string]filter{
		"abs":        absFilter,
		"capitalize": onString(func(_ *run, s Str) (any, error) { return capitalize(s), nil }),
		"count":      length,
		"d":          defaultFilter,
		"default":    defaultFilter,
		"dictsort":   dictSort,
		"e":          escapeFilter,
		"escape":     escapeFilter,
		"first":      first,
		"float":      toFloat,
		"indent":     indentFilter,
		"int":        toInt,
		"items":      itemsFilter,
		"join":       joinFilter,
		"last":       last,
		"length":     length,
		"list":       toList,
		"lower":      onString(func(r *run, s Str) (any, error) { return s.mapRuns(strings.ToLower), nil }),
		"map":        mapFilter,
		"max":        extreme("max", 1),
		"min":        extreme("min", -1),
		"reject":     choose("reject", false, false),
		"rejectattr": choose("rejectattr", false, true),
		"replace":    replaceFilter,
		"reverse":    reverse,
		"round":      round,
		"safe":       onString(func(_ *run, s Str) (any, error) { return s, nil }),
		"select":     choose("select", true, false),
		"selectattr": choose("selectattr", true, true),
		"sort":       sortFilter,
		"string":     func(r *run, v any, _ arguments) (any, error) { return r.str(v) },
		"sum":        sum,
		"title":      onString(func(_ *run, s Str) (any, error) { return s.whole(title(s.text)), nil }),
		"tojson":     toJSON,
		"trim":       trim,
		"unique":     unique,
		"upper":      onString(func(_ *run, s Str) (any, error) { return s.mapRuns(strings.ToUpper), nil }),
	}
}

// onString makes a filter without arguments of a function of what v prints.
func onString(f func(r *run, s Str) (any, error)) filter {
	return func(r *run, v any, _ arguments) (any, error) {
		s, err := r.str(v)
		if err != nil {
			return nil, err
		}
		if err := r.spend(len(s.text)); err != nil {
			return nil, err
		}
		return f(r, s)
	}
}

func length(_ *run, v any, _ arguments) (any, error) {
	switch v := v.(type) {
	case undefined:
		return int64(0), nil
	case Str:
		return int64(utf8.RuneCountInString(v.text)), nil
	case *List:
		return int64(len(v.items)), nil
	case *Dict:
		return int64(len(v.keys)), nil
	}
	return nil, fmt.Errorf("%s has no length", kindOf(v))
}

func defaultFilter(r *run, v any, a arguments) (any, error) {
	rd := a.read(r, "default", "default_value", "boolean")
	_, missing := v.(undefined)
	if missing || truth(rd.any(1, false)) && !truth(v) {
		return rd.any(0, Str{}), rd.err
	}
	return v, rd.err
}

func trim(r *run, v any, a arguments) (any, error) {
	rd := a.read(r, "trim", "chars")
	s, err := r.str(v)
	return s.trim(rd.str(0, nil).text, true, true), firstError(rd.err, err)
}

func replaceFilter(r *run, v any, a arguments) (any, error) {
	s, err := r.str(v)
	if err != nil {
		return nil, err
	}
	return replaceMethod(r, s, a)
}

func joinFilter(r *run, v any, a arguments) (any, error) {
	rd := a.read(r, "join", "d", "attribute")
	items, err := r.items(v)
	if err = firstError(rd.err, err); err != nil {
		return nil, err
	}
	if attr, ok := rd.any(1, nil).(Str); ok {
		if items, err = r.attributes(items, attr.text, nil); err != nil {
			return nil, err
		}
	}
	sep, err := r.str(rd.any(0, Str{}))
	if err != nil {
		return nil, err
	}
	return r.joinItems(sep, items)
}

// attributes returns the attribute of each item, def where an item has none. Dots go down.
func (r *run) attributes(items []any, path string, def any) ([]any, error) {
	out := make([]any, len(items))
	for i, v := range items {
		for _, name := range strings.Split(path, ".") {
			var index any = Plain(name)
			if n, err := strconv.ParseInt(name, 10, 64); err == nil {
				index = n
			}
			var err error
			if v, err = item(v, index); err != nil {
				return nil, err
			}
		}
		if _, missing := v.(undefined); missing && def != nil {
			v = def
		}
		out[i] = v
	}
	return out, r.made(len(out))
}

func first(r *run, v any, _ arguments) (any, error) {
	items, err := r.items(v)
	if err != nil || len(items) == 0 {
		return undefined{"the first item of nothing"}, err
	}
	return items[0], nil
}

func last(r *run, v any, _ arguments) (any, error) {
	items, err := r.items(v)
	if err != nil || len(items) == 0 {
		return undefined{"the last item of nothing"}, err
	}
	return items[len(items)-1], nil
}

func toList(r *run, v any, _ arguments) (any, error) {
	items, err := r.items(v)
	return &List{items}, err
}

func itemsFilter(r *run, v any, _ arguments) (any, error) {
	switch d := v.(type) {
	case undefined:
		return &List{}, nil
	case *Dict:
		return pairs(d, d.keys), r.made(3 * len(d.keys))
	}
	return nil, fmt.Errorf("items needs a dict, not %s", kindOf(v))
}

func dictSort(r *run, v any, a arguments) (any, error) {
	d, ok := v.(*Dict)
	if !ok || len(a.pos)+len(a.names) > 0 {
		return nil, fmt.Errorf("dictsort needs a dict and takes no arguments here")
	}
	return pairs(d, sortedKeys(d)), r.made(3 * len(d.keys))
}

func sortedKeys(d *Dict) []string {
	keys := slices.Clone(d.keys)
	slices.Sort(keys)
	return keys
}

func reverse(r *run, v any, _ arguments) (any, error) {
	items, err := r.items(v)
	if err != nil {
		return nil, err
	}
	items = slices.Clone(items)
	slices.Reverse(items)
	if s, ok := v.(Str); ok {
		joined, err := r.joinItems(Str{}, items)
		return s.whole(joined.text), err
	}
	return &List{items}, r.made(len(items))
}

func unique(r *run, v any, _ arguments) (any, error) {
	items, err := r.items(v)
	if err != nil {
		return nil, err
	}
	var out []any
	for _, x := range items {
		seen, err := r.contains(&List{out}, x)
		if err != nil {
			return nil, err
		}
		if !seen {
			out = append(out, x)
		}
	}
	return &List{out}, r.made(len(out))
}

func sortFilter(r *run, v any, a arguments) (any, error) {
	rd := a.read(r, "sort", "reverse", "case_sensitive", "attribute")
	items, err := r.items(v)
	if err = firstError(rd.err, err); err != nil {
		return nil, err
	}
	keys := items
	if attr, ok := rd.any(2, nil).(Str); ok {
		if keys, err = r.attributes(items, attr.text, nil); err != nil {
			return nil, err
		}
	}
	order := make([]int, len(items))
	for i := range order {
		order[i] = i
	}
	down := truth(rd.any(0, false))
	slices.SortStableFunc(order, func(i, k int) int {
		c, e := r.order(foldCase(rd, keys[i]), foldCase(rd, keys[k]), 0)
		err = firstError(err, e)
		if down {
			return -c
		}
		return c
	})
	out := make([]any, len(items))
	for i, at := range order {
		out[i] = items[at]
	}
	return &List{out}, firstError(err, r.made(len(out)))
}

// foldCase is what sort compares: by default it ignores case.
func foldCase(rd *reader, v any) any {
	if s, ok := v.(Str); ok && !truth(rd.any(1, false)) {
		return Plain(strings.ToLower(s.text))
	}
	return v
}

func extreme(name string, want int) filter {
	return func(r *run, v any, _ arguments) (any, error) {
		items, err := r.items(v)
		if err != nil || len(items) == 0 {
			return undefined{"the " + name + " of nothing"}, err
		}
		best := items[0]
		for _, x := range items[1:] {
			c, err := r.order(x, best, 0)
			if err != nil {
				return nil, err
			}
			if c*want > 0 {
				best = x
			}
		}
		return best, nil
	}
}

func sum(r *run, v any, a arguments) (any, error) {
	rd := a.read(r, "sum", "attribute", "start")
	items, err := r.items(v)
	if err = firstError(rd.err, err); err != nil {
		return nil, err
	}
	if attr, ok := rd.any(0, nil).(Str); ok {
		if items, err = r.attributes(items, attr.text, nil); err != nil {
			return nil, err
		}
	}
	total := rd.any(1, int64(0))
	for _, x := range items {
		if total, err = r.operate("+", total, x); err != nil {
			return nil, err
		}
	}
	return total, nil
}

func absFilter(_ *run, v any, _ arguments) (any, error) {
	if f, ok := floatOf(v); !ok || f >= 0 {
		if !ok {
			return nil, fmt.Errorf("abs needs a number, not %s", kindOf(v))
		}
		return v, nil
	}
	return sign("-", v)
}

func round(r *run, v any, a arguments) (any, error) {
	rd := a.read(r, "round", "precision", "method")
	f, ok := floatOf(v)
	digits := rd.int(0, 0)
	if !ok || digits < 0 || digits > 15 || rd.values[1] != nil {
		return nil, firstError(rd.err, fmt.Errorf("round needs a number and a precision of 0 to 15"))
	}
	if _, ok := integerOf(v); ok {
		return v, rd.err
	}
	scale := math.Pow(10, float64(digits))
	return math.RoundToEven(f*scale) / scale, rd.err
}

func toInt(r *run, v any, a arguments) (any, error) {
	rd := a.read(r, "int", "default", "base")
	if i, ok := integerOf(v); ok {
		return i, rd.err
	}
	f, ok := v.(float64)
	if s, isStr := v.(Str); isStr {
		text := strings.ReplaceAll(strings.TrimSpace(s.text), "_", "")
		if i, err := strconv.ParseInt(text, int(min(max(rd.int(1, 10), 0), 36)), 64); err == nil {
			return i, rd.err
		}
		var err error
		f, err = strconv.ParseFloat(text, 64)
		ok = err == nil
	}
	if !ok || !(math.Abs(f) < 1<<63) {
		return rd.any(0, int64(0)), rd.err
	}
	return int64(f), rd.err
}

func toFloat(r *run, v any, a arguments) (any, error) {
	rd := a.read(r, "float", "default")
	if f, ok := floatOf(v); ok {
		return f, rd.err
	}
	if s, ok := v.(Str); ok {
		if f, err := strconv.ParseFloat(strings.TrimSpace(s.text), 64); err == nil {
			return f, rd.err
		}
	}
	return rd.any(0, 0.0), rd.err
}

var htmlEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "'", "&#39;", "\"", "&#34;")

func escapeFilter(r *run, v any, _ arguments) (any, error) {
	s, err := r.str(v)
	if err != nil {
		return nil, err
	}
	return s.mapRuns(htmlEscapes.Replace), r.spend(5 * len(s.text))
}

func indentFilter(r *run, v any, a arguments) (any, error) {
	rd := a.read(r, "indent", "width", "first", "blank")
	s, err := r.str(v)
	width, isStr := rd.any(0, int64(4)).(Str)
	if !isStr {
		width = Trusted(strings.Repeat(" ", int(min(max(rd.int(0, 4), 0), 100))))
	}
	if err = firstError(rd.err, err); err != nil {
		return nil, err
	}
	lines := joinStrs(s, Trusted("\n")).lines()
	if err := firstError(r.made(len(lines)), r.spend(len(s.text)+len(lines)*(1+len(width.text)))); err != nil {
		return nil, err
	}
	for i, line := range lines {
		if i == 0 && !truth(rd.any(1, false)) || i > 0 && line.text == "" && !truth(rd.any(2, false)) {
			continue
		}
		lines[i] = joinStrs(width, line)
	}
	return joinWith(Trusted("\n"), lines), nil
}

// maxIndent bounds tojson's indent.
const maxIndent = 64

func toJSON(r *run, v any, a arguments) (any, error) {
	rd := a.read(r, "tojson", "indent", "ensure_ascii", "separators", "sort_keys")
	style := jsonStyle{item: ", ", key: ": ", ascii: truth(rd.any(1, false)), sorted: truth(rd.any(3, false))}
	if rd.any(0, nil) != nil {
		n := rd.int(0, 0)
		if n < 1 || n > maxIndent {
			return nil, firstError(rd.err, fmt.Errorf("tojson's indent must be between 1 and %d", maxIndent))
		}
		style.indent, style.item = strings.Repeat(" ", int(n)), ","
	}
	if seps, ok := rd.any(2, nil).(*List); ok {
		if len(seps.items) != 2 {
			return nil, fmt.Errorf("tojson's separators are two strings")
		}
		item, _ := seps.items[0].(Str)
		key, _ := seps.items[1].(Str)
		style.item, style.key = item.text, key.text
	}
	if rd.err != nil {
		return nil, rd.err
	}
	s, err := r.json(v, style)
	return Plain(s), err
}
