package jinja

import (
	"fmt"
	"math"
	"strings"
)

// integerOf returns v as an integer; booleans are 0 and 1, as in Python.
func integerOf(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

func floatOf(v any) (float64, bool) {
	if f, ok := v.(float64); ok {
		return f, true
	}
	i, ok := integerOf(v)
	return float64(i), ok
}

func sign(op string, v any) (any, error) {
	if f, ok := v.(float64); ok {
		if op == "-" {
			f = -f
		}
		return f, nil
	}
	i, ok := integerOf(v)
	if !ok {
		return nil, fmt.Errorf("%s has no sign", kindOf(v))
	}
	if op == "-" {
		if i == math.MinInt64 {
			return nil, errOverflow
		}
		i = -i
	}
	return i, nil
}

// operate computes a op b.
func (r *run) operate(op string, a, b any) (any, error) {
	for _, v := range [...]any{a, b} {
		if u, ok := v.(undefined); ok && op != "~" {
			return nil, u.err()
		}
	}
	if op == "~" {
		return r.concat(a, b)
	}
	if i, ok := integerOf(a); ok {
		if k, ok := integerOf(b); ok {
			return integers(op, i, k)
		}
	}
	if f, ok := floatOf(a); ok {
		if g, ok := floatOf(b); ok {
			return floats(op, f, g)
		}
	}
	switch op {
	case "+":
		return r.add(a, b)
	case "*":
		return r.repeat(a, b)
	}
	return nil, fmt.Errorf("%s %s %s is not possible", kindOf(a), op, kindOf(b))
}

func (r *run) concat(a, b any) (any, error) {
	s, err := r.str(a)
	if err != nil {
		return nil, err
	}
	t, err := r.str(b)
	if err != nil {
		return nil, err
	}
	return r.join(s, t)
}

func (r *run) join(parts ...Str) (Str, error) {
	n := 0
	for _, p := range parts {
		n += len(p.text)
	}
	if err := r.spend(n); err != nil {
		return Str{}, err
	}
	return joinStrs(parts...), nil
}

func (r *run) add(a, b any) (any, error) {
	if s, ok := a.(Str); ok {
		if t, ok := b.(Str); ok {
			return r.join(s, t)
		}
	}
	if l, ok := a.(*List); ok {
		if m, ok := b.(*List); ok {
			items := append(append(make([]any, 0, len(l.items)+len(m.items)), l.items...), m.items...)
			return &List{items}, r.made(len(items))
		}
	}
	// Templates differ in whether a call's arguments are a dict or its JSON. Where a dict meets a string, JSON is meant.
	_, left := a.(Str)
	_, right := b.(Str)
	if d, ok := a.(*Dict); ok && right {
		return r.addJSON(d, b, false)
	}
	if d, ok := b.(*Dict); ok && left {
		return r.addJSON(d, a, true)
	}
	return nil, fmt.Errorf("%s + %s is not possible", kindOf(a), kindOf(b))
}

func (r *run) addJSON(d *Dict, s any, before bool) (any, error) {
	j := d.source
	if j == "" {
		var err error
		if j, err = r.json(d, jsonStyle{item: ", ", key: ": "}); err != nil {
			return nil, err
		}
	}
	if before {
		return r.join(s.(Str), Plain(j))
	}
	return r.join(Plain(j), s.(Str))
}

func (r *run) repeat(a, b any) (any, error) {
	if _, ok := integerOf(a); ok {
		a, b = b, a
	}
	n, ok := integerOf(b)
	if !ok {
		return nil, fmt.Errorf("%s * %s is not possible", kindOf(a), kindOf(b))
	}
	n = max(n, 0)
	switch a := a.(type) {
	case Str:
		if n > int64(maxBytes/max(1, len(a.text))) {
			return nil, errBytes
		}
		if a.allTrusted() || len(a.safe) == 0 {
			s := a.whole(strings.Repeat(a.text, int(n)))
			return s, r.spend(len(s.text))
		}
		if n > maxItems {
			return nil, errItems
		}
		parts := make([]Str, n)
		for i := range parts {
			parts[i] = a
		}
		return r.join(parts...)
	case *List:
		if n > int64(maxItems/max(1, len(a.items))) {
			return nil, errItems
		}
		var items []any
		for range n {
			items = append(items, a.items...)
		}
		return &List{items}, r.made(len(items))
	}
	return nil, fmt.Errorf("%s * an integer is not possible", kindOf(a))
}

var (
	errOverflow = fmt.Errorf("an integer is larger than 64 bits")
	errZero     = fmt.Errorf("division by zero")
)

func integers(op string, a, b int64) (any, error) {
	switch op {
	case "+":
		if c := a + b; (c > a) == (b > 0) {
			return c, nil
		}
		return nil, errOverflow
	case "-":
		if c := a - b; (c < a) == (b > 0) {
			return c, nil
		}
		return nil, errOverflow
	case "*":
		return multiply(a, b)
	case "/":
		if b == 0 {
			return nil, errZero
		}
		return float64(a) / float64(b), nil
	case "//", "%":
		return floorDivide(op, a, b)
	}
	return power(a, b)
}

func multiply(a, b int64) (any, error) {
	if a == 0 || b == 0 {
		return int64(0), nil
	}
	c := a * b
	if c/b != a || a == -1 && b == math.MinInt64 || b == -1 && a == math.MinInt64 {
		return nil, errOverflow
	}
	return c, nil
}

// floorDivide rounds towards minus infinity, and the remainder has the divisor's sign, as in Python.
func floorDivide(op string, a, b int64) (any, error) {
	if b == 0 {
		return nil, errZero
	}
	if b == -1 { // the quotient of the smallest integer would overflow
		if op == "%" {
			return int64(0), nil
		}
		return sign("-", a)
	}
	q, m := a/b, a%b
	if m != 0 && (m < 0) != (b < 0) {
		q, m = q-1, m+b
	}
	if op == "%" {
		return m, nil
	}
	return q, nil
}

func power(a, b int64) (any, error) {
	if b < 0 {
		return math.Pow(float64(a), float64(b)), nil
	}
	if b > 64 && (a > 1 || a < -1) {
		return nil, errOverflow
	}
	if b > 64 { // 0, 1 or -1
		b = 64 + b%2
	}
	c := any(int64(1))
	for range b {
		var err error
		if c, err = multiply(c.(int64), a); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func floats(op string, a, b float64) (any, error) {
	if b == 0 && (op == "/" || op == "//" || op == "%") {
		return nil, errZero
	}
	switch op {
	case "+":
		return a + b, nil
	case "-":
		return a - b, nil
	case "*":
		return a * b, nil
	case "/":
		return a / b, nil
	case "//":
		return math.Floor(a / b), nil
	case "%":
		m := math.Mod(a, b)
		if m != 0 && (m < 0) != (b < 0) {
			m += b
		}
		return m, nil
	}
	return math.Pow(a, b), nil
}
