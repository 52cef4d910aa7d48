package jinja

import "strconv"

// keywords are the names that cannot be variables.
var keywords = map[string]bool{
	"true": true, "false": true, "none": true, "True": true, "False": true, "None": true,
	"and": true, "or": true, "not": true, "in": true, "is": true, "if": true, "else": true, "elif": true,
}

// tuple parses an expression, or several with commas between them: a list. cond says whether "a if b" is one expression.
func (p *parser) tuple(cond bool) (expr, error) {
	one := p.expression
	if !cond {
		one = p.or
	}
	first, err := one()
	if err != nil || !p.is(",") {
		return first, err
	}
	items := []expr{first}
	for p.accept(",") && !p.ends() {
		x, err := one()
		if err != nil {
			return nil, err
		}
		items = append(items, x)
	}
	return &listLit{items}, nil
}

// ends reports whether no further item of a list can follow.
func (p *parser) ends() bool {
	k := p.peek().kind
	return k == tagEnd || k == outEnd || k == endOfFile || p.is(")") || p.is("=")
}

// expression parses "a if b else c", or just a.
func (p *parser) expression() (expr, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	x, err := p.or()
	for err == nil && p.accept("if") {
		c := &condExpr{then: x}
		if c.cond, err = p.or(); err != nil {
			return nil, err
		}
		if p.accept("else") {
			c.orElse, err = p.expression()
		}
		x = c
	}
	return x, err
}

func (p *parser) or() (expr, error)  { return p.logic("or", p.and) }
func (p *parser) and() (expr, error) { return p.logic("and", p.not) }

func (p *parser) logic(op string, operand func() (expr, error)) (expr, error) {
	a, err := operand()
	for n := 0; err == nil && p.accept(op); n++ {
		if n == maxDepth {
			return nil, p.errorf("more than %d operators in a row", maxDepth)
		}
		var b expr
		b, err = operand()
		a = &logic{op == "and", a, b}
	}
	return a, err
}

func (p *parser) not() (expr, error) {
	if !p.accept("not") {
		return p.comparison()
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	x, err := p.not()
	return &notExpr{x}, err
}

func (p *parser) comparison() (expr, error) {
	first, err := p.sum()
	if err != nil {
		return nil, err
	}
	c := &compare{first: first}
	for {
		op := p.comparator()
		if op == "" {
			break
		}
		x, err := p.sum()
		if err != nil {
			return nil, err
		}
		c.ops, c.rest = append(c.ops, op), append(c.rest, x)
	}
	if len(c.ops) == 0 {
		return first, nil
	}
	return c, nil
}

// comparator moves over a comparison's operator and returns it; "" where there is none.
func (p *parser) comparator() string {
	for _, op := range [...]string{"==", "!=", "<=", ">=", "<", ">", "in"} {
		if p.accept(op) {
			return op
		}
	}
	if after := min(p.at+1, len(p.tokens)-1); p.is("not") && p.tokens[after].kind == name && p.tokens[after].text == "in" {
		p.at += 2
		return "not in"
	}
	return ""
}

func (p *parser) sum() (expr, error)     { return p.binary(p.concat, "+", "-") }
func (p *parser) concat() (expr, error)  { return p.binary(p.product, "~") }
func (p *parser) product() (expr, error) { return p.binary(p.power, "*", "/", "//", "%") }
func (p *parser) power() (expr, error) {
	return p.binary(func() (expr, error) { return p.unary(true) }, "**")
}

// binary parses operands with left-associative operators between them.
func (p *parser) binary(operand func() (expr, error), ops ...string) (expr, error) {
	a, err := operand()
	if err != nil {
		return nil, err
	}
	for n := 0; ; n++ {
		op := ""
		for _, o := range ops {
			if p.peek().kind == operator && p.accept(o) {
				op = o
				break
			}
		}
		if op == "" {
			return a, nil
		}
		if n == maxDepth {
			return nil, p.errorf("more than %d operators in a row", maxDepth)
		}
		b, err := operand()
		if err != nil {
			return nil, err
		}
		a = &binary{op, a, b}
	}
}

// unary parses a signed operand; filters bind weaker than the sign.
func (p *parser) unary(filters bool) (expr, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	var x expr
	var err error
	switch {
	case p.accept("-"):
		x, err = p.unary(false)
		x = &unary{"-", x}
	case p.accept("+"):
		x, err = p.unary(false)
		x = &unary{"+", x}
	default:
		if x, err = p.primary(); err == nil {
			x, err = p.postfix(x)
		}
	}
	if err != nil || !filters {
		return x, err
	}
	return p.filterOrTest(x)
}

var constants = map[string]any{"true": true, "True": true, "false": false, "False": false, "none": nil, "None": nil}

func (p *parser) primary() (expr, error) {
	t := p.peek()
	switch t.kind {
	case name:
		if v, ok := constants[t.text]; ok {
			p.at++
			return &literal{v}, nil
		}
		if keywords[t.text] {
			break
		}
		p.at++
		return &nameRef{t.text}, nil
	case str:
		p.at++
		for p.peek().kind == str { // strings side by side are one
			t.text += p.next().text
		}
		return &literal{Trusted(t.text)}, nil
	case integer:
		p.at++
		i, err := strconv.ParseInt(t.text, 10, 64)
		if err != nil {
			return nil, errorAt(t.line, "the number %s is too large", t.text)
		}
		return &literal{i}, nil
	case float:
		p.at++
		f, err := strconv.ParseFloat(t.text, 64)
		if err != nil {
			return nil, errorAt(t.line, "the number %s is too large", t.text)
		}
		return &literal{f}, nil
	case operator:
		switch t.text {
		case "(":
			p.at++
			return p.paren()
		case "[":
			p.at++
			items, err := p.items("]")
			return &listLit{items}, err
		case "{":
			p.at++
			return p.dict()
		}
	}
	return nil, p.errorf("expected an expression, found %s", t)
}

// paren parses what follows "(": a value, or a tuple, which is a list here.
func (p *parser) paren() (expr, error) {
	if p.accept(")") {
		return &listLit{}, nil
	}
	x, err := p.tuple(true)
	if err != nil {
		return nil, err
	}
	return x, p.expect(")")
}

// items parses expressions with commas between them up to end, which it moves over.
func (p *parser) items(end string) ([]expr, error) {
	var items []expr
	for !p.is(end) {
		x, err := p.expression()
		if err != nil {
			return nil, err
		}
		items = append(items, x)
		if !p.accept(",") {
			break
		}
	}
	return items, p.expect(end)
}

func (p *parser) dict() (expr, error) {
	d := &dictLit{}
	for !p.is("}") {
		key, err := p.expression()
		if err != nil {
			return nil, err
		}
		if err := p.expect(":"); err != nil {
			return nil, err
		}
		value, err := p.expression()
		if err != nil {
			return nil, err
		}
		d.keys, d.values = append(d.keys, key), append(d.values, value)
		if !p.accept(",") {
			break
		}
	}
	return d, p.expect("}")
}

// postfix parses attributes, items and calls.
func (p *parser) postfix(x expr) (expr, error) {
	for n := 0; ; n++ {
		if n > maxDepth {
			return nil, p.errorf("more than %d attributes in a row", maxDepth)
		}
		var err error
		switch {
		case p.accept("."):
			x, err = p.attribute(x)
		case p.accept("["):
			x, err = p.subscript(x)
		case p.accept("("):
			var a args
			a, err = p.arguments()
			x = &call{x, a}
		default:
			return x, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

func (p *parser) attribute(x expr) (expr, error) {
	t := p.next()
	switch t.kind {
	case name:
		return &attrOf{x, t.text}, nil
	case integer:
		i, err := strconv.ParseInt(t.text, 10, 64)
		if err != nil {
			return nil, errorAt(t.line, "the number %s is too large", t.text)
		}
		return &itemOf{x, &literal{i}}, nil
	}
	return nil, errorAt(t.line, "expected an attribute, found %s", t)
}

// subscript parses what follows "[": an index or a slice.
func (p *parser) subscript(x expr) (expr, error) {
	var parts [3]expr
	colons := 0
	for !p.is("]") {
		if p.accept(":") {
			if colons++; colons > 2 {
				return nil, p.errorf("a slice has at most two colons")
			}
			continue
		}
		if parts[colons] != nil {
			break
		}
		var err error
		if parts[colons], err = p.expression(); err != nil {
			return nil, err
		}
	}
	if err := p.expect("]"); err != nil {
		return nil, err
	}
	if colons > 0 {
		return &slice{x, parts[0], parts[1], parts[2]}, nil
	}
	if parts[0] == nil {
		return nil, p.errorf("an index is missing")
	}
	return &itemOf{x, parts[0]}, nil
}

// arguments parses what follows the "(" of a call.
func (p *parser) arguments() (args, error) {
	var a args
	for !p.is(")") {
		after := p.tokens[min(p.at+1, len(p.tokens)-1)]
		if p.peek().kind == name && after.kind == operator && after.text == "=" {
			a.names = append(a.names, p.next().text)
			p.at++
			x, err := p.expression()
			if err != nil {
				return a, err
			}
			a.named = append(a.named, x)
		} else {
			if len(a.names) > 0 {
				return a, p.errorf("an argument without a name follows one with a name")
			}
			x, err := p.expression()
			if err != nil {
				return a, err
			}
			a.pos = append(a.pos, x)
		}
		if !p.accept(",") {
			break
		}
	}
	return a, p.expect(")")
}

// filterOrTest parses the filters, tests and calls behind an operand.
func (p *parser) filterOrTest(x expr) (expr, error) {
	for n := 0; ; n++ {
		if n > maxDepth {
			return nil, p.errorf("more than %d filters in a row", maxDepth)
		}
		var err error
		switch {
		case p.accept("|"):
			x, err = p.filter(x)
		case p.accept("is"):
			x, err = p.test(x)
		case p.accept("("):
			var a args
			a, err = p.arguments()
			x = &call{x, a}
		default:
			return x, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

func (p *parser) filter(x expr) (*filterExpr, error) {
	t, err := p.expectKind(name, "the name of a filter")
	if err != nil {
		return nil, err
	}
	f, ok := filters[t.text]
	if !ok {
		return nil, errorAt(t.line, "filter %q is not known", t.text)
	}
	fe := &filterExpr{line: t.line, x: x, name: t.text, f: f}
	if p.accept("(") {
		fe.args, err = p.arguments()
	}
	return fe, err
}

func (p *parser) test(x expr) (expr, error) {
	te := &testExpr{x: x, not: p.accept("not")}
	t, err := p.expectKind(name, "the name of a test")
	if err != nil {
		return nil, err
	}
	te.line = t.line
	var ok bool
	if te.test, ok = tests[t.text]; !ok {
		return nil, errorAt(t.line, "test %q is not known", t.text)
	}
	if p.accept("(") {
		te.args, err = p.arguments()
		return te, err
	}
	if p.operandFollows() { // "is divisibleby 3"
		arg, err := p.primary()
		if err != nil {
			return nil, err
		}
		if arg, err = p.postfix(arg); err != nil {
			return nil, err
		}
		te.args.pos = []expr{arg}
	}
	return te, nil
}

func (p *parser) operandFollows() bool {
	t := p.peek()
	switch t.kind {
	case str, integer, float:
		return true
	case name:
		_, constant := constants[t.text]
		return constant || !keywords[t.text]
	}
	return p.is("[") || p.is("{")
}
