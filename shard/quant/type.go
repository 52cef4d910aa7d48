package quant

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Type is a tensor's element format, numbered as GGUF's ggml_type.
type Type uint32

// The formats that are served. The numbers are GGUF's.
const (
	F32    Type = 0
	F16    Type = 1
	Q4_0   Type = 2
	Q4_1   Type = 3
	Q5_0   Type = 6
	Q5_1   Type = 7
	Q8_0   Type = 8
	Q2_K   Type = 10
	Q3_K   Type = 11
	Q4_K   Type = 12
	Q5_K   Type = 13
	Q6_K   Type = 14
	IQ4_NL Type = 20
	IQ4_XS Type = 23
	BF16   Type = 30
)

type layout struct {
	name  string
	elems int // elements in a block
	bytes int // bytes in a block
}

var layouts = map[Type]layout{
	F32:    {"F32", 1, 4},
	F16:    {"F16", 1, 2},
	BF16:   {"BF16", 1, 2},
	Q4_0:   {"Q4_0", 32, 18},
	Q4_1:   {"Q4_1", 32, 20},
	Q5_0:   {"Q5_0", 32, 22},
	Q5_1:   {"Q5_1", 32, 24},
	Q8_0:   {"Q8_0", 32, 34},
	Q2_K:   {"Q2_K", 256, 84},
	Q3_K:   {"Q3_K", 256, 110},
	Q4_K:   {"Q4_K", 256, 144},
	Q5_K:   {"Q5_K", 256, 176},
	Q6_K:   {"Q6_K", 256, 210},
	IQ4_NL: {"IQ4_NL", 32, 18},
	IQ4_XS: {"IQ4_XS", 256, 136},
}

// Types lists the formats that are served, by number.
func Types() []Type { return slices.Sorted(maps.Keys(layouts)) }

// ParseType reads a format's name, in any case.
func ParseType(name string) (Type, error) {
	for t, l := range layouts {
		if strings.EqualFold(l.name, name) {
			return t, nil
		}
	}
	return 0, fmt.Errorf("quant: tensor type %q is not served (served: %v)", name, Types())
}

// Known tells whether the format is served.
func (t Type) Known() bool { _, ok := layouts[t]; return ok }

// Block gives a block's elements and bytes; both are 0 for a format that is not served.
func (t Type) Block() (elems, bytes int) { l := layouts[t]; return l.elems, l.bytes }

// RowBytes is the size of a row of cols elements. It fails where cols is not a whole number of blocks.
func (t Type) RowBytes(cols int) (int, error) {
	l, ok := layouts[t]
	if !ok {
		return 0, fmt.Errorf("quant: tensor type %d is not served", uint32(t))
	}
	if cols <= 0 || cols%l.elems != 0 {
		return 0, fmt.Errorf("quant: a row of %d elements is not a whole number of %s blocks (%d elements each)", cols, l.name, l.elems)
	}
	return cols / l.elems * l.bytes, nil
}

func (t Type) String() string {
	if l, ok := layouts[t]; ok {
		return l.name
	}
	return fmt.Sprintf("type %d", uint32(t))
}
