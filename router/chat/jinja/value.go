package jinja

import "fmt"

// The values of the language, each a Go type behind any:
//
//	none       nil
//	bool       bool
//	int        int64, and bigInt for those of the input that do not fit
//	float      float64
//	string     Str
//	list       *List (tuples, too)
//	dict       *Dict
//	undefined  undefined
//	callable   function, *macro
//	namespace  *namespace
//	loop       *loop

// List is a list or a tuple. Nothing in the language changes one.
type List struct{ items []any }

// NewList returns a list of items, which must be values of the language: nil, bool, int64, float64, Str, *List, *Dict.
func NewList(items ...any) *List { return &List{items} }

// Dict keeps its keys in the order in which they were set.
type Dict struct {
	keys   []string
	values map[string]any
	source string // the JSON that it was read from, "" for none
}

// NewDict returns an empty dict.
func NewDict() *Dict { return &Dict{values: make(map[string]any)} }

// Set sets a key to a value of the language and returns d. Once a template has seen d it must not be changed.
func (d *Dict) Set(key string, value any) *Dict {
	if _, ok := d.values[key]; !ok {
		d.keys = append(d.keys, key)
	}
	d.values[key] = value
	return d
}

// Get returns a key's value.
func (d *Dict) Get(key string) (any, bool) {
	v, ok := d.values[key]
	return v, ok
}

type bigInt string

// undefined is what a name, key or attribute that does not exist gives. It can be tested and printed, as nothing.
type undefined struct{ what string }

func (u undefined) err() error { return fmt.Errorf("%s is undefined", u.what) }

// function is a built-in callable or a method.
type function struct {
	name string
	call func(r *run, a arguments) (any, error)
}

type namespace struct{ vars *Dict }

// macro is a macro with the scope that it was defined in.
type macro struct {
	node  *macroNode
	scope *scope
}

func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "none"
	case bool:
		return "a boolean"
	case int64, bigInt:
		return "an integer"
	case float64:
		return "a float"
	case Str:
		return "a string"
	case *List:
		return "a list"
	case *Dict:
		return "a dict"
	case undefined:
		return "undefined"
	case *namespace:
		return "a namespace"
	case *loop:
		return "the loop"
	}
	return "a function"
}

func truth(v any) bool {
	switch v := v.(type) {
	case nil, undefined:
		return false
	case bool:
		return v
	case int64:
		return v != 0
	case float64:
		return v != 0
	case Str:
		return v.text != ""
	case *List:
		return len(v.items) > 0
	case *Dict:
		return len(v.keys) > 0
	}
	return true
}
