package jinja

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// FromJSON returns the value of a JSON text, whose strings are not trusted. Keys keep their order; of equal keys the last
// value counts. A dict remembers its text: it is what a template gets that concatenates the dict with a string.
func FromJSON(data []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	v, err := fromJSON(d, 0)
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("not JSON: more follows the value")
	}
	if dict, ok := v.(*Dict); ok {
		dict.source = string(data)
	}
	return v, nil
}

func fromJSON(d *json.Decoder, depth int) (any, error) {
	if depth > maxNesting {
		return nil, errDeep
	}
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case string:
		return Plain(t), nil
	case json.Number:
		return fromNumber(string(t))
	case json.Delim:
		if t == '{' {
			return fromObject(d, depth)
		}
		return fromArray(d, depth)
	}
	return t, nil // nil or bool
}

func fromNumber(s string) (any, error) {
	if !strings.ContainsAny(s, ".eE") {
		if i, err := strconv.ParseInt(s, 10, 64); err == nil {
			return i, nil
		}
		return bigInt(s), nil
	}
	return strconv.ParseFloat(s, 64)
}

func fromObject(d *json.Decoder, depth int) (any, error) {
	dict := NewDict()
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		v, err := fromJSON(d, depth+1)
		if err != nil {
			return nil, err
		}
		dict.Set(key.(string), v)
	}
	_, err := d.Token()
	return dict, err
}

func fromArray(d *json.Decoder, depth int) (any, error) {
	list := &List{}
	for d.More() {
		v, err := fromJSON(d, depth+1)
		if err != nil {
			return nil, err
		}
		list.items = append(list.items, v)
	}
	_, err := d.Token()
	return list, err
}

// jsonStyle is how tojson writes: json.dumps with ensure_ascii off.
type jsonStyle struct {
	item, key string // separators
	indent    string // of one level; "" writes one line
	sorted    bool
	ascii     bool
}

// json writes v as Python's json.dumps does.
func (r *run) json(v any, style jsonStyle) (string, error) {
	w := jsonWriter{printer{run: r}, style}
	w.value(v, 0)
	return w.b.String(), w.err
}

type jsonWriter struct {
	printer
	style jsonStyle
}

func (w *jsonWriter) value(v any, depth int) {
	if depth > maxNesting && w.err == nil {
		w.err = errDeep
	}
	if w.err != nil {
		return
	}
	switch v := v.(type) {
	case nil:
		w.write("null")
	case bool:
		w.write(strconv.FormatBool(v))
	case int64, bigInt, float64:
		w.printer.value(v, depth)
	case Str:
		w.write(jsonString(v.text, w.style.ascii))
	case *List:
		w.items("[", "]", len(v.items), depth, func(i int) { w.value(v.items[i], depth+1) })
	case *Dict:
		keys := v.keys
		if w.style.sorted {
			keys = sortedKeys(v)
		}
		w.items("{", "}", len(keys), depth, func(i int) {
			w.write(jsonString(keys[i], w.style.ascii) + w.style.key)
			w.value(v.values[keys[i]], depth+1)
		})
	case undefined:
		w.err = v.err()
	default:
		w.err = fmt.Errorf("%s has no JSON form", kindOf(v))
	}
}

func (w *jsonWriter) items(open, end string, n, depth int, item func(int)) {
	w.write(open)
	for i := range n {
		if i > 0 {
			w.write(w.style.item)
		}
		w.newline(depth + 1)
		item(i)
	}
	if n > 0 {
		w.newline(depth)
	}
	w.write(end)
}

func (w *jsonWriter) newline(depth int) {
	if w.style.indent != "" {
		w.write("\n" + strings.Repeat(w.style.indent, depth))
	}
}

var jsonEscapes = map[rune]string{
	'"': `\"`, '\\': `\\`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '\b': `\b`, '\f': `\f`,
}

// jsonString quotes s. Only what JSON demands is escaped, unless ascii: no HTML, no line separators.
func jsonString(s string, ascii bool) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch e, ok := jsonEscapes[r]; {
		case ok:
			b.WriteString(e)
		case r < 0x20 || ascii && r > 0x7e && r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		case ascii && r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
