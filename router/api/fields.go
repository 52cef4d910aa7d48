package api

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
)

// maxDepth bounds the nesting of a request; JSON schemas of tools are the deepest that people send.
const maxDepth = 100

// object reads the fields of a JSON object. The first thing that is wrong stays in err; readers then return the default.
type object struct {
	path   string // of the object within the request, "" or "messages[2]"
	fields map[string]json.RawMessage
	err    *Error
}

// parseObject reads a request's body.
func parseObject(data []byte) (*object, *Error) {
	if tooDeep(data) {
		return nil, invalid("", "The JSON body is nested more than %d deep.", maxDepth)
	}
	o := &object{}
	if err := json.Unmarshal(data, &o.fields); err != nil {
		return nil, invalid("", "The body is not a JSON object: %s.", err)
	}
	if o.fields == nil { // null
		return nil, invalid("", "The body is not a JSON object: it is null.")
	}
	return o, nil
}

// tooDeep looks before anything is parsed recursively.
func tooDeep(data []byte) bool {
	depth, inString := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

// at is the object in raw, which is called path.
func (o *object) at(path string, raw json.RawMessage) *object {
	sub := &object{path: path}
	if err := json.Unmarshal(raw, &sub.fields); err != nil || sub.fields == nil {
		sub.fail("", "expected an object, got %s", kindOf(raw))
	}
	return sub
}

func (o *object) name(field string) string {
	switch {
	case o.path == "":
		return field
	case field == "":
		return o.path
	}
	return o.path + "." + field
}

func (o *object) fail(field, format string, args ...any) {
	if o.err == nil {
		name := o.name(field)
		o.err = invalid(name, "Invalid value for '"+name+"': "+format+".", args...)
	}
}

// take passes on what is wrong in a part.
func (o *object) take(err *Error) {
	if o.err == nil {
		o.err = err
	}
}

// raw is a field that is there and not null.
func (o *object) raw(field string) (json.RawMessage, bool) {
	v, ok := o.fields[field]
	return v, ok && !isNull(v)
}

func (o *object) has(field string) bool {
	_, ok := o.raw(field)
	return ok
}

func isNull(v json.RawMessage) bool { return string(bytes.TrimSpace(v)) == "null" }

// kindOf names a JSON value's type for messages.
func kindOf(v json.RawMessage) string {
	v = bytes.TrimSpace(v)
	if len(v) == 0 {
		return "nothing"
	}
	switch v[0] {
	case '"':
		return "a string"
	case '{':
		return "an object"
	case '[':
		return "an array"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	}
	return "the number " + string(v[:min(len(v), 40)])
}

func (o *object) str(field string, otherwise string) string {
	v, ok := o.raw(field)
	if !ok {
		return otherwise
	}
	var s string
	if json.Unmarshal(v, &s) != nil {
		o.fail(field, "expected a string, got %s", kindOf(v))
		return otherwise
	}
	return s
}

func (o *object) boolean(field string, otherwise bool) bool {
	v, ok := o.raw(field)
	if !ok {
		return otherwise
	}
	var b bool
	if json.Unmarshal(v, &b) != nil {
		o.fail(field, "expected a boolean, got %s", kindOf(v))
		return otherwise
	}
	return b
}

// integer reads a whole number without going through a float where it is written as one.
func (o *object) integer(field string, lo, hi, otherwise int64) int64 {
	v, ok := o.raw(field)
	if !ok {
		return otherwise
	}
	n, ok := parseInt(v)
	if !ok {
		o.fail(field, "expected an integer, got %s", kindOf(v))
		return otherwise
	}
	if n < lo || n > hi {
		o.fail(field, "%d is outside %d..%d", n, lo, hi)
		return otherwise
	}
	return n
}

// parseInt also takes 10.0 and 1e3, as far as a float is exact.
func parseInt(v json.RawMessage) (int64, bool) {
	s := string(bytes.TrimSpace(v))
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, false
	}
	return int64(f), true
}

// number reads a float within lo..hi.
func (o *object) number(field string, lo, hi, otherwise float64) float64 {
	v, ok := o.raw(field)
	if !ok {
		return otherwise
	}
	var f float64
	if json.Unmarshal(v, &f) != nil {
		o.fail(field, "expected a number, got %s", kindOf(v))
		return otherwise
	}
	if f < lo || f > hi {
		o.fail(field, "%v is outside %v..%v", f, lo, hi)
		return otherwise
	}
	return f
}

// array reads the elements of a field.
func (o *object) array(field string) ([]json.RawMessage, bool) {
	v, ok := o.raw(field)
	if !ok {
		return nil, false
	}
	var list []json.RawMessage
	if json.Unmarshal(v, &list) != nil {
		o.fail(field, "expected an array, got %s", kindOf(v))
		return nil, false
	}
	return list, true
}

// oneOf reads a string that must be one of a few.
func (o *object) oneOf(field, otherwise string, values ...string) string {
	s := o.str(field, otherwise)
	if !slices.Contains(values, s) {
		o.fail(field, "%.60q is not one of %s", s, strings.Join(values, ", "))
		return otherwise
	}
	return s
}
