package jinja

import "slices"

// maxDepth bounds the nesting of statements and expressions, and with it the stack.
const maxDepth = 200

type parser struct {
	tokens []token
	at     int
	depth  int
	loops  int
}

func parse(src string) (*Template, error) {
	tokens, err := lex(src)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens}
	body, _, err := p.body("")
	if err != nil {
		return nil, err
	}
	t := &Template{body: body, words: make(map[string]bool)}
	for _, token := range tokens {
		if token.kind == name || token.kind == str {
			t.words[token.text] = true
		}
	}
	return t, nil
}

func (p *parser) peek() token { return p.tokens[p.at] }

// next returns the next token and moves over it, but never over the end of the file.
func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != endOfFile {
		p.at++
	}
	return t
}

func (p *parser) errorf(format string, args ...any) error {
	return errorAt(p.peek().line, format, args...)
}

// is reports whether the next token is the operator or name s.
func (p *parser) is(s string) bool {
	t := p.peek()
	return (t.kind == operator || t.kind == name) && t.text == s
}

func (p *parser) accept(s string) bool {
	if p.is(s) {
		p.at++
		return true
	}
	return false
}

func (p *parser) expect(s string) error {
	if !p.accept(s) {
		return p.errorf("expected %q, found %s", s, p.peek())
	}
	return nil
}

func (p *parser) expectKind(k kind, what string) (token, error) {
	if p.peek().kind != k {
		return token{}, p.errorf("expected %s, found %s", what, p.peek())
	}
	return p.next(), nil
}

func (t token) String() string {
	switch t.kind {
	case endOfFile:
		return "the end of the template"
	case text:
		return "text"
	case outBegin:
		return "{{"
	case outEnd:
		return "}}"
	case tagBegin:
		return "{%"
	case tagEnd:
		return "%}"
	case str:
		return "a string"
	}
	return "\"" + t.text + "\""
}

// enter counts one level of nesting; leave with p.depth--.
func (p *parser) enter() error {
	p.depth++
	if p.depth > maxDepth {
		return p.errorf("nested more than %d deep", maxDepth)
	}
	return nil
}

// body parses statements up to one of the tags in ends, whose name it moves over and returns. Without ends it is the
// whole template.
func (p *parser) body(open string, ends ...string) ([]node, string, error) {
	if err := p.enter(); err != nil {
		return nil, "", err
	}
	defer func() { p.depth-- }()
	line := p.peek().line
	var nodes []node
	for {
		t := p.next()
		switch t.kind {
		case endOfFile:
			if len(ends) > 0 {
				return nil, "", errorAt(line, "%s is never closed by %s", open, ends[len(ends)-1])
			}
			return nodes, "", nil
		case text:
			nodes = append(nodes, &textNode{t.text})
		case outBegin:
			x, err := p.tuple(true)
			if err != nil {
				return nil, "", err
			}
			if _, err := p.expectKind(outEnd, "}}"); err != nil {
				return nil, "", err
			}
			nodes = append(nodes, &outNode{t.line, x})
		case tagBegin:
			tag, err := p.expectKind(name, "the name of a tag")
			if err != nil {
				return nil, "", err
			}
			if slices.Contains(ends, tag.text) {
				return nodes, tag.text, nil
			}
			n, err := p.statement(tag)
			if err != nil {
				return nil, "", err
			}
			nodes = append(nodes, n)
		}
	}
}

// closed parses a body up to the single tag end, and that tag.
func (p *parser) closed(open, end string) ([]node, error) {
	if err := p.endTag(); err != nil {
		return nil, err
	}
	body, _, err := p.body(open, end)
	if err != nil {
		return nil, err
	}
	return body, p.endTag()
}

func (p *parser) endTag() error {
	_, err := p.expectKind(tagEnd, "%}")
	return err
}
