package jinja

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
)

// str is what {{ v }} prints.
func (r *run) str(v any) (Str, error) {
	switch v := v.(type) {
	case Str:
		return v, nil
	case undefined:
		return Str{}, nil
	}
	p := printer{run: r}
	p.value(v, 0)
	return Plain(p.b.String()), p.err
}

// printer writes values as Python's repr does.
type printer struct {
	run *run
	b   strings.Builder
	err error
}

func (p *printer) write(s string) {
	if p.err == nil {
		p.err = p.run.spend(len(s))
	}
	if p.err == nil {
		p.b.WriteString(s)
	}
}

func (p *printer) value(v any, depth int) {
	if depth > maxNesting && p.err == nil {
		p.err = errDeep
	}
	if p.err != nil {
		return
	}
	switch v := v.(type) {
	case nil:
		p.write("None")
	case bool:
		p.write(map[bool]string{true: "True", false: "False"}[v])
	case int64:
		p.write(strconv.FormatInt(v, 10))
	case bigInt:
		p.write(string(v))
	case float64:
		p.write(formatFloat(v))
	case Str:
		p.write(quote(v.text))
	case *List:
		p.write("[")
		for i, item := range v.items {
			if i > 0 {
				p.write(", ")
			}
			p.value(item, depth+1)
		}
		p.write("]")
	case *Dict:
		p.write("{")
		for i, k := range v.keys {
			if i > 0 {
				p.write(", ")
			}
			p.write(quote(k) + ": ")
			p.value(v.values[k], depth+1)
		}
		p.write("}")
	case undefined:
		p.write("Undefined")
	default:
		p.write("<" + kindOf(v) + ">")
	}
}

// quote is Python's repr of a string: single quotes, unless there are some and no double ones.
func quote(s string) string {
	q := '\''
	if strings.Contains(s, "'") && !strings.Contains(s, "\"") {
		q = '"'
	}
	var b strings.Builder
	b.WriteRune(q)
	for _, r := range s {
		switch at := strings.IndexRune("\\\n\r\t", r); {
		case at >= 0:
			b.WriteString([...]string{`\\`, `\n`, `\r`, `\t`}[at])
		case r == q:
			b.WriteString(`\` + string(q))
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r <= 0xff:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteRune(q)
	return b.String()
}

// formatFloat is Python's repr of a float: the shortest digits that read back the same.
func formatFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}
