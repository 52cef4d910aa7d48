package gguf

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Kind is the type of a metadata value, numbered as GGUF's gguf_metadata_value_type.
type Kind uint32

const (
	Uint8   Kind = 0
	Int8    Kind = 1
	Uint16  Kind = 2
	Int16   Kind = 3
	Uint32  Kind = 4
	Int32   Kind = 5
	Float32 Kind = 6
	Bool    Kind = 7
	String  Kind = 8
	Array   Kind = 9
	Uint64  Kind = 10
	Int64   Kind = 11
	Float64 Kind = 12
)

var kindNames = [...]string{"uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "bool", "string",
	"array", "uint64", "int64", "float64"}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind %d", uint32(k))
}

// size in bytes of a scalar; 0 for strings, arrays and unknown kinds.
func (k Kind) size() int {
	switch k {
	case Uint8, Int8, Bool:
		return 1
	case Uint16, Int16:
		return 2
	case Uint32, Int32, Float32:
		return 4
	case Uint64, Int64, Float64:
		return 8
	}
	return 0
}

// Value is one metadata value. It aliases the file; its lengths have been checked by Parse.
type Value struct {
	Kind Kind
	Elem Kind // of an Array
	Len  int  // elements of an Array
	raw  []byte
}

// Uint gives a non-negative integer of any width.
func (v Value) Uint() (uint64, error) {
	i, err := v.Int()
	if err != nil {
		return 0, err
	}
	if i < 0 {
		return 0, fmt.Errorf("is %d, want a non-negative integer", i)
	}
	return uint64(i), nil
}

// Int gives an integer of any width; values above MaxInt64 are refused.
func (v Value) Int() (int64, error) { return intOf(v.Kind, v.raw) }

// Float gives a float32 or float64.
func (v Value) Float() (float64, error) {
	switch v.Kind {
	case Float32:
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(v.raw))), nil
	case Float64:
		return math.Float64frombits(binary.LittleEndian.Uint64(v.raw)), nil
	}
	return 0, fmt.Errorf("is of kind %v, want a float", v.Kind)
}

// Bool gives a bool; any byte but 0 is true.
func (v Value) Bool() (bool, error) {
	if v.Kind != Bool {
		return false, fmt.Errorf("is of kind %v, want bool", v.Kind)
	}
	return v.raw[0] != 0, nil
}

// Text gives a string (a copy).
func (v Value) Text() (string, error) {
	if v.Kind != String {
		return "", fmt.Errorf("is of kind %v, want string", v.Kind)
	}
	return string(v.raw), nil
}

// Strings gives an array of strings (copies).
func (v Value) Strings() ([]string, error) {
	if v.Kind != Array || v.Elem != String {
		return nil, fmt.Errorf("is %v, want an array of strings", v.describe())
	}
	// One copy of all bytes, cut into strings: a vocabulary is 150,000 of them.
	all := string(v.raw)
	out := make([]string, v.Len)
	pos := 0
	for i := range out {
		n := int(binary.LittleEndian.Uint64(v.raw[pos:]))
		out[i] = all[pos+8 : pos+8+n]
		pos += 8 + n
	}
	return out, nil
}

// Ints gives an array of integers of any width.
func (v Value) Ints() ([]int64, error) {
	if v.Kind != Array || v.Elem.size() == 0 || v.Elem == Float32 || v.Elem == Float64 || v.Elem == Bool {
		return nil, fmt.Errorf("is %v, want an array of integers", v.describe())
	}
	out := make([]int64, v.Len)
	size := v.Elem.size()
	for i := range out {
		n, err := intOf(v.Elem, v.raw[i*size:])
		if err != nil {
			return nil, fmt.Errorf("element %d %w", i, err)
		}
		out[i] = n
	}
	return out, nil
}

func (v Value) describe() string {
	if v.Kind == Array {
		return "an array of " + v.Elem.String()
	}
	return "of kind " + v.Kind.String()
}

func intOf(k Kind, b []byte) (int64, error) {
	switch k {
	case Uint8:
		return int64(b[0]), nil
	case Int8:
		return int64(int8(b[0])), nil
	case Uint16:
		return int64(binary.LittleEndian.Uint16(b)), nil
	case Int16:
		return int64(int16(binary.LittleEndian.Uint16(b))), nil
	case Uint32:
		return int64(binary.LittleEndian.Uint32(b)), nil
	case Int32:
		return int64(int32(binary.LittleEndian.Uint32(b))), nil
	case Int64:
		return int64(binary.LittleEndian.Uint64(b)), nil
	case Uint64:
		if u := binary.LittleEndian.Uint64(b); u <= math.MaxInt64 {
			return int64(u), nil
		}
		return 0, fmt.Errorf("is too large for a signed 64-bit integer")
	}
	return 0, fmt.Errorf("is of kind %v, want an integer", k)
}

// readValue reads a value of the given kind; Strings are walked, so that later reads need no checks.
func readValue(c *cursor, k Kind) (Value, error) {
	switch {
	case k == String:
		b, err := c.str()
		return Value{Kind: k, raw: b}, err
	case k == Array:
		return readArray(c)
	case k.size() > 0:
		b, err := c.take(uint64(k.size()))
		return Value{Kind: k, raw: b}, err
	}
	return Value{}, fmt.Errorf("unknown value kind %d", uint32(k))
}

func readArray(c *cursor) (Value, error) {
	elem, err := c.u32()
	if err != nil {
		return Value{}, err
	}
	n, err := c.u64()
	if err != nil {
		return Value{}, err
	}
	k := Kind(elem)
	v := Value{Kind: Array, Elem: k}
	least := uint64(k.size()) // bytes an element takes at least
	if k == String {
		least = 8
	}
	if least == 0 {
		return Value{}, fmt.Errorf("array of %v is not supported", k)
	}
	if n > uint64(c.left())/least {
		return Value{}, fmt.Errorf("%w: array of %d %v values, %d bytes left", ErrTruncated, n, k, c.left())
	}
	v.Len = int(n)
	start := c.pos
	if k != String {
		v.raw, err = c.take(n * least)
		return v, err
	}
	for i := range n {
		if _, err := c.str(); err != nil {
			return Value{}, fmt.Errorf("string %d of %d: %w", i, n, err)
		}
	}
	v.raw = c.data[start:c.pos:c.pos]
	return v, nil
}
