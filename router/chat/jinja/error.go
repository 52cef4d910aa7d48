package jinja

import "fmt"

// Error is what is wrong with a template, or with what it was given.
type Error struct {
	Line   int    // of the template, from 1
	Reason string // what is wrong
	Raised bool   // the template itself refused its input, by raise_exception(Reason)
}

func (e *Error) Error() string {
	if e.Raised {
		return fmt.Sprintf("chat template, line %d: refused: %s", e.Line, e.Reason)
	}
	return fmt.Sprintf("chat template, line %d: %s", e.Line, e.Reason)
}

func errorAt(line int, format string, args ...any) *Error {
	return &Error{Line: line, Reason: fmt.Sprintf(format, args...)}
}
