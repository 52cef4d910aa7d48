package kv

import "fmt"

// Type is the format of cached keys and values.
type Type uint8

const (
	F16 Type = iota // IEEE binary16
	F32             // float32: twice the memory
)

// BlockTokens is how many positions a block holds.
const BlockTokens = 16

// ParseType reads "f16" or "f32"; "" is f16.
func ParseType(s string) (Type, error) {
	switch s {
	case "f16", "":
		return F16, nil
	case "f32":
		return F32, nil
	}
	return 0, fmt.Errorf("kv: no cache type %q (want f16 or f32)", s)
}

func (t Type) String() string {
	if t == F32 {
		return "f32"
	}
	return "f16"
}

// Bytes is the size of one element.
func (t Type) Bytes() int {
	if t == F32 {
		return 4
	}
	return 2
}
