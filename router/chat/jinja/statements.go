package jinja

import "errors"

// statement parses what follows the name of a tag, up to the end of the statement.
func (p *parser) statement(tag token) (node, error) {
	switch tag.text {
	case "if":
		return p.ifStatement(tag.line)
	case "for":
		return p.forStatement(tag.line)
	case "set":
		return p.setStatement(tag.line)
	case "macro":
		return p.macroStatement(tag.line)
	case "filter":
		return p.filterStatement(tag.line)
	case "break", "continue":
		if p.loops == 0 {
			return nil, errorAt(tag.line, "%s outside of a loop", tag.text)
		}
		return &jumpNode{map[string]error{"break": errBreak, "continue": errContinue}[tag.text]}, p.endTag()
	case "generation": // marks what a training loss counts
		body, err := p.closed("generation", "endgeneration")
		return &block{body}, err
	}
	return nil, errorAt(tag.line, "tag %q is unknown or out of place", tag.text)
}

var (
	errBreak    = errors.New("break outside of a loop")
	errContinue = errors.New("continue outside of a loop")
)

func (p *parser) ifStatement(line int) (node, error) {
	n := &ifNode{line: line}
	for end := "elif"; end == "elif"; {
		cond, err := p.tuple(true)
		if err != nil {
			return nil, err
		}
		if err := p.endTag(); err != nil {
			return nil, err
		}
		var body []node
		if body, end, err = p.body("if", "elif", "else", "endif"); err != nil {
			return nil, err
		}
		n.conds, n.then = append(n.conds, cond), append(n.then, body)
		if end == "else" {
			body, err := p.closed("else", "endif")
			n.then = append(n.then, body)
			return n, err
		}
	}
	return n, p.endTag()
}

func (p *parser) forStatement(line int) (node, error) {
	n := &forNode{line: line}
	var err error
	if n.targets, err = p.names(); err != nil {
		return nil, err
	}
	if err := p.expect("in"); err != nil {
		return nil, err
	}
	if n.list, err = p.tuple(false); err != nil {
		return nil, err
	}
	if p.accept("if") {
		if n.filter, err = p.expression(); err != nil {
			return nil, err
		}
	}
	if p.is("recursive") {
		return nil, p.errorf("recursive loops are not supported")
	}
	if err := p.endTag(); err != nil {
		return nil, err
	}
	p.loops++
	var end string
	n.body, end, err = p.body("for", "else", "endfor")
	p.loops--
	if err != nil {
		return nil, err
	}
	if end == "else" {
		n.orElse, err = p.closed("else", "endfor")
		return n, err
	}
	return n, p.endTag()
}

// names parses one or more names, in parentheses or not.
func (p *parser) names() ([]string, error) {
	paren := p.accept("(")
	var names []string
	for {
		t, err := p.expectKind(name, "a name")
		if err != nil {
			return nil, err
		}
		names = append(names, t.text)
		if !p.accept(",") {
			break
		}
	}
	if paren {
		return names, p.expect(")")
	}
	return names, nil
}

func (p *parser) setStatement(line int) (node, error) {
	var targets []target
	for {
		t, err := p.target()
		if err != nil {
			return nil, err
		}
		targets = append(targets, t)
		if !p.accept(",") {
			break
		}
	}
	if p.accept("=") {
		value, err := p.tuple(true)
		if err != nil {
			return nil, err
		}
		return &setNode{line, targets, value}, p.endTag()
	}
	if len(targets) > 1 {
		return nil, p.errorf("expected \"=\", found %s", p.peek())
	}
	filters, err := p.filters()
	if err != nil {
		return nil, err
	}
	body, err := p.closed("set", "endset")
	return &setBlock{line, targets[0], filters, body}, err
}

func (p *parser) target() (target, error) {
	t, err := p.expectKind(name, "a name")
	if err != nil {
		return target{}, err
	}
	if keywords[t.text] {
		return target{}, errorAt(t.line, "%q cannot be set", t.text)
	}
	if !p.accept(".") {
		return target{name: t.text}, nil
	}
	attr, err := p.expectKind(name, "a name")
	return target{t.text, attr.text}, err
}

// filters parses "| filter | filter(args)", possibly nothing. What they filter is filled in when they run.
func (p *parser) filters() ([]*filterExpr, error) {
	var all []*filterExpr
	for p.accept("|") {
		f, err := p.filter(nil)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

func (p *parser) filterStatement(line int) (node, error) {
	first, err := p.filter(nil)
	if err != nil {
		return nil, err
	}
	more, err := p.filters()
	if err != nil {
		return nil, err
	}
	body, err := p.closed("filter", "endfilter")
	return &filterBlock{line, append([]*filterExpr{first}, more...), body}, err
}

func (p *parser) macroStatement(line int) (node, error) {
	t, err := p.expectKind(name, "the macro's name")
	if err != nil {
		return nil, err
	}
	n := &macroNode{line: line, name: t.text}
	if err := p.expect("("); err != nil {
		return nil, err
	}
	for !p.is(")") {
		param, err := p.expectKind(name, "a parameter")
		if err != nil {
			return nil, err
		}
		n.params = append(n.params, param.text)
		if p.accept("=") {
			x, err := p.expression()
			if err != nil {
				return nil, err
			}
			n.defaults = append(n.defaults, x)
		} else if len(n.defaults) > 0 {
			return nil, errorAt(param.line, "parameter %q needs a default, as the one before it has one", param.text)
		}
		if !p.accept(",") {
			break
		}
	}
	if err := p.expect(")"); err != nil {
		return nil, err
	}
	loops := p.loops
	p.loops = 0
	n.body, err = p.closed("macro", "endmacro")
	p.loops = loops
	return n, err
}
