package jinja

import (
	"fmt"
	"strings"
	"time"
)

var globals = map[string]any{
	"range":           function{"range", rangeFunc},
	"namespace":       function{"namespace", namespaceFunc},
	"dict":            function{"dict", dictFunc},
	"raise_exception": function{"raise_exception", raise},
	"strftime_now":    function{"strftime_now", strftimeNow},
}

func rangeFunc(r *run, a arguments) (any, error) {
	if len(a.pos) == 0 || len(a.pos) > 3 || len(a.names) > 0 {
		return nil, fmt.Errorf("range takes one to three integers")
	}
	n := [3]int64{0, 0, 1}
	for i, v := range a.pos {
		var ok bool
		if n[i], ok = integerOf(v); !ok {
			return nil, fmt.Errorf("range takes integers, not %s", kindOf(v))
		}
	}
	if len(a.pos) == 1 {
		n[0], n[1] = 0, n[0]
	}
	return r.counted(n[0], n[1], n[2])
}

// counted lists from, from+step, … below to, or above where step is negative.
func (r *run) counted(from, to, step int64) (any, error) {
	if step == 0 {
		return nil, fmt.Errorf("range's step cannot be 0")
	}
	l := &List{}
	for i := from; step > 0 && i < to || step < 0 && i > to; {
		if len(l.items) == maxItems {
			return nil, errItems
		}
		l.items = append(l.items, i)
		next := i + step
		if (next > i) != (step > 0) { // past the last integer
			break
		}
		i = next
	}
	return l, r.made(len(l.items))
}

func namespaceFunc(r *run, a arguments) (any, error) {
	d, err := dictFunc(r, a)
	if err != nil {
		return nil, err
	}
	return &namespace{d.(*Dict)}, nil
}

func dictFunc(r *run, a arguments) (any, error) {
	d := NewDict()
	for _, v := range a.pos {
		from, ok := v.(*Dict)
		if !ok {
			return nil, fmt.Errorf("dict and namespace take dicts and named values, not %s", kindOf(v))
		}
		for _, k := range from.keys {
			d.Set(k, from.values[k])
		}
	}
	for i, k := range a.names {
		d.Set(k, a.named[i])
	}
	return d, r.made(len(d.keys))
}

// raise is how templates refuse messages that they cannot render.
func raise(r *run, a arguments) (any, error) {
	rd := a.read(r, "raise_exception", "message")
	s, err := r.str(rd.required(0))
	if err = firstError(rd.err, err); err != nil {
		return nil, err
	}
	return nil, &Error{Line: r.line, Reason: s.text, Raised: true}
}

// directives are those of C's strftime, in the C locale, that have a Go layout.
var directives = map[byte]string{
	'Y': "2006", 'y': "06", 'm': "01", 'd': "02", 'e': "_2", 'H': "15", 'I': "03", 'M': "04", 'S': "05", 'p': "PM",
	'B': "January", 'b': "Jan", 'h': "Jan", 'A': "Monday", 'a': "Mon", 'j': "002", 'Z': "MST", 'z': "-0700",
	'F': "2006-01-02", 'T': "15:04:05", 'D': "01/02/06", 'R': "15:04", 'c': "Mon Jan _2 15:04:05 2006",
}

// unpadded are the directives with a "-" after the percent sign.
var unpadded = map[byte]string{'m': "1", 'd': "2", 'I': "3", 'M': "4", 'S': "5"}

func strftimeNow(r *run, a arguments) (any, error) {
	rd := a.read(r, "strftime_now", "format")
	rd.required(0)
	format := rd.str(0, nil)
	if rd.err != nil {
		return nil, rd.err
	}
	s, err := strftime(r.now, format.text)
	return format.whole(s), firstError(err, r.spend(len(s)))
}

func strftime(t time.Time, format string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			b.WriteByte(format[i])
			continue
		}
		i++
		layouts := directives
		if i < len(format) && format[i] == '-' {
			layouts = unpadded
			i++
		}
		if i == len(format) {
			return "", fmt.Errorf("strftime_now: the format ends in %%")
		}
		switch layout, ok := layouts[format[i]]; {
		case format[i] == '%':
			b.WriteByte('%')
		case ok:
			b.WriteString(t.Format(layout))
		default:
			return "", fmt.Errorf("strftime_now: %%%c is not supported", format[i])
		}
	}
	return b.String(), nil
}
