package quant

import (
	"strings"
	"testing"
)

func TestParseType(t *testing.T) {
	types := Types()
	if len(types) != len(layouts) {
		t.Errorf("%d types are listed, %d served", len(types), len(layouts))
	}
	for _, typ := range types {
		for _, name := range []string{typ.String(), strings.ToLower(typ.String())} {
			if got, err := ParseType(name); err != nil || got != typ {
				t.Errorf("%s is read as %v, %v", name, got, err)
			}
		}
	}
	if _, err := ParseType("Q9_0"); err == nil {
		t.Error("Q9_0: no error")
	}
}
