package jinja

import (
	"errors"
	"time"
)

// Template is a parsed template. It is immutable and safe for concurrent use.
type Template struct {
	body  []node
	words map[string]bool
}

// Parse reads a template. The error is an *Error with the line.
func Parse(source string) (*Template, error) { return parse(source) }

// Mentions reports whether the template has word as a name, an attribute or a string in its code.
func (t *Template) Mentions(word string) bool { return t.words[word] }

// Part is a part of the output.
type Part struct {
	Text    string
	Trusted bool // written by the template, not by users
}

// Bounds of one rendering.
const (
	maxSteps = 1 << 20   // statements and expressions evaluated
	maxBytes = 256 << 20 // bytes of all strings made on the way
	maxCalls = 50        // macros that call one another
	maxItems = 1 << 18   // items of one list that the template makes
)

// Render renders the template with vars, whose values are values of the language (see [NewList]), at the given time,
// which strftime_now tells. The error is an *Error with the line.
func (t *Template) Render(vars map[string]any, now time.Time) ([]Part, error) {
	r := &run{scope: &scope{}, line: 1, now: now}
	for name, v := range vars {
		r.scope.set(name, v)
	}
	if err := r.nodes(t.body); err != nil {
		return nil, r.locate(err)
	}
	return r.out.parts(), nil
}

// locate adds the line to an error.
func (r *run) locate(err error) error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return errorAt(r.line, "%v", err)
}
