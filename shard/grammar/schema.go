package grammar

import (
	"math"
	"strconv"
	"strings"
)

// types is a set of JSON types.
type types uint8

const (
	tNull types = 1 << iota
	tBoolean
	tInteger // whole numbers
	tNumber  // the others; "number" is both
	tString
	tArray
	tObject
	tAll = 1<<iota - 1
)

var typeNames = map[string]types{
	"null": tNull, "boolean": tBoolean, "integer": tInteger, "number": tInteger | tNumber, "string": tString, "array": tArray,
	"object": tObject,
}

// schema is what the keywords of one subschema say. Everything in it holds at once.
type schema struct {
	path  string
	types types // tAll where it does not say

	enum *constants // nil where it does not say

	object, array, str, num bool // there are keywords about it
	props                   []property
	required                []string
	extra                   *schema // additionalProperties; nil where it does not say
	items                   *schema // nil where it does not say
	prefix                  []*schema
	minItems, maxItems      int // infinite: no bound
	minLen, maxLen          int
	patterns                []string
	formats                 []string
	lo, hi                  bound
	multiple                int64 // 0: none
	decimals                int   // digits after the point; infinite: as many as there may be

	parts  []*schema   // $ref and allOf
	groups [][]*schema // anyOf and oneOf: one of each
}

type property struct {
	name   string
	schema *schema
}

// never is the schema false.
func (s *schema) never() bool { return s.types == 0 }

// plain tells whether nothing but parts and groups constrains.
func (s *schema) plain() bool {
	return s.types == tAll && s.enum == nil && !s.object && !s.array && !s.str && !s.num
}

// only leaves of the values those that are in c, too.
func (l *lowering) only(s *schema, c *constants) {
	if s.enum != nil {
		c = l.common(s, s.enum, c)
	}
	s.enum = c
}

func newSchema(path string) *schema {
	return &schema{path: path, types: tAll, maxItems: infinite, maxLen: infinite, decimals: infinite}
}

// annotations say nothing about what is valid.
var annotations = map[string]bool{
	"title": true, "description": true, "default": true, "examples": true, "$schema": true, "$id": true, "$comment": true,
	"deprecated": true, "readOnly": true, "writeOnly": true, "contentEncoding": true, "contentMediaType": true, "contentSchema": true,
	"$defs": true, "definitions": true, "$anchor": true, "example": true,
	"discriminator": true, // OpenAPI's hint for the oneOf beside it
}

// read turns a JSON value into a schema, once.
func (l *lowering) read(v *value, path string) *schema {
	if s, ok := l.schemas[v]; ok {
		return s
	}
	s := newSchema(path)
	l.schemas[v] = s
	l.spend(s, 1+len(path)/bytesPerStep)
	switch {
	case v.kind == 'b' && v.text == "false":
		s.types = 0
	case v.kind == 'b':
	case v.kind != '{':
		l.fail(s, "", "a schema is an object or a boolean")
	default:
		for _, m := range v.members {
			if l.err == nil {
				l.keyword(s, m.name, m.value)
			}
		}
	}
	return s
}

// keyword reads one of a schema's keywords.
func (l *lowering) keyword(s *schema, name string, v *value) {
	switch name {
	case "type":
		l.readTypes(s, v)
	case "enum":
		if v.kind != '[' || len(v.items) == 0 {
			l.fail(s, name, "an array of values is expected")
		}
		l.only(s, newConstants(v.items))
	case "const":
		l.only(s, newConstants([]*value{v}))
	case "$ref":
		if to := l.refer(s, v); to != nil {
			s.parts = append(s.parts, to)
		}
	case "allOf":
		s.parts = append(s.parts, l.list(s, name, v)...)
	case "anyOf":
		s.groups = append(s.groups, l.list(s, name, v))
	case "oneOf":
		branches := l.list(s, name, v)
		l.exclusive(s, branches)
		s.groups = append(s.groups, branches)
	default:
		if !l.objectKeyword(s, name, v) && !l.arrayKeyword(s, name, v) && !l.scalarKeyword(s, name, v) {
			l.other(s, name, v)
		}
	}
}

// other is a keyword that is no constraint, or one that cannot be enforced.
func (l *lowering) other(s *schema, name string, v *value) {
	idle := map[string]string{"uniqueItems": "false", "minProperties": "0", "not": "false", "unevaluatedProperties": "true",
		"unevaluatedItems": "true", "propertyNames": "true", "nullable": "false"}
	if annotations[name] || strings.HasPrefix(name, "x-") || idle[name] != "" && idle[name] == v.text || name == "propertyNames" && v.anyName() {
		return
	}
	l.fail(s, name, "the keyword is not supported, and is never ignored")
}

// anyName tells whether a schema says no more of a name than that it is a string.
func (v *value) anyName() bool {
	if v.kind != '{' {
		return false
	}
	for _, m := range v.members {
		if !annotations[m.name] && (m.name != "type" || m.value.kind != '"' || m.value.text != "string") {
			return false
		}
	}
	return true
}

func (l *lowering) readTypes(s *schema, v *value) {
	list := []*value{v}
	if v.kind == '[' {
		list = v.items
	}
	s.types = 0
	for _, t := range list {
		bits, ok := typeNames[t.text]
		if !ok || t.kind != '"' {
			l.fail(s, "type", "%.40q is not a type", t.text)
		}
		s.types |= bits
	}
}

// list reads an array of schemas.
func (l *lowering) list(s *schema, name string, v *value) []*schema {
	if v.kind != '[' || len(v.items) == 0 {
		l.fail(s, name, "an array of schemas is expected")
		return nil
	}
	out := make([]*schema, len(v.items))
	for i, item := range v.items {
		if l.err != nil {
			return nil
		}
		out[i] = l.read(item, s.path+"/"+name+"/"+strconv.Itoa(i))
	}
	return out
}

func (l *lowering) objectKeyword(s *schema, name string, v *value) bool {
	switch name {
	case "properties":
		if v.kind != '{' {
			l.fail(s, name, "an object is expected")
		}
		for _, m := range v.members {
			if l.err != nil {
				break
			}
			s.props = append(s.props, property{m.name, l.read(m.value, s.path+"/properties/"+escapePointer(m.name))})
		}
	case "required":
		if v.kind != '[' {
			l.fail(s, name, "an array of names is expected")
		}
		for _, item := range v.items {
			if item.kind != '"' {
				l.fail(s, name, "an array of names is expected")
			}
			s.required = append(s.required, item.text)
		}
	case "additionalProperties":
		s.extra = l.read(v, s.path+"/"+name)
	default:
		return false
	}
	s.object = true
	return true
}

func (l *lowering) arrayKeyword(s *schema, name string, v *value) bool {
	switch name {
	case "items":
		s.items = l.read(v, s.path+"/"+name)
	case "prefixItems":
		s.prefix = l.list(s, name, v)
	case "minItems":
		s.minItems = l.count(s, name, v)
	case "maxItems":
		s.maxItems = l.count(s, name, v)
	default:
		return false
	}
	s.array = true
	return true
}

func (l *lowering) scalarKeyword(s *schema, name string, v *value) bool {
	switch name {
	case "minLength":
		s.minLen, s.str = l.count(s, name, v), true
	case "maxLength":
		s.maxLen, s.str = l.count(s, name, v), true
	case "pattern":
		s.patterns, s.str = append(s.patterns, l.text(s, name, v)), true
	case "format":
		s.formats, s.str = append(s.formats, l.text(s, name, v)), true
	case "minimum", "exclusiveMinimum":
		s.lo, s.num = s.lo.tighter(l.bound(s, name, v), 1), true
	case "maximum", "exclusiveMaximum":
		s.hi, s.num = s.hi.tighter(l.bound(s, name, v), -1), true
	case "multipleOf":
		l.multipleOf(s, v)
	default:
		return false
	}
	return true
}

// multipleOf takes whole numbers, and 0.1, 0.01 and so on.
func (l *lowering) multipleOf(s *schema, v *value) {
	s.num = true
	d, ok := parseDecimal(v.text)
	n, whole := d.integer()
	switch places := len(d.fraction); {
	case ok && v.kind == '0' && whole && n > 0 && n <= maxMultiple:
		s.multiple = n
	case ok && v.kind == '0' && !d.negative && d.whole == "0" && strings.Trim(d.fraction, "0") == "1":
		s.decimals = places
	default:
		l.fail(s, "multipleOf", "whole numbers from 1 to %d, 0.1, 0.01 and so on are supported", maxMultiple)
	}
}

func (l *lowering) text(s *schema, name string, v *value) string {
	if v.kind != '"' {
		l.fail(s, name, "a string is expected")
	}
	return v.text
}

func (l *lowering) count(s *schema, name string, v *value) int {
	d, ok := parseDecimal(v.text)
	n, whole := d.integer()
	if v.kind != '0' || !ok || !whole || n < 0 || n > math.MaxInt32/2 {
		l.fail(s, name, "a count is expected")
		return 0
	}
	return int(n)
}

func (l *lowering) bound(s *schema, name string, v *value) bound {
	d, ok := parseDecimal(v.text)
	if v.kind != '0' || !ok {
		l.fail(s, name, "a decimal number of up to %d digits before and after the point is expected", maxDigits)
	}
	return bound{set: true, at: d, exclusive: strings.HasPrefix(name, "exclusive")}
}

func escapePointer(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "~", "~0"), "/", "~1")
}
