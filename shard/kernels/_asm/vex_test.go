package main

import (
	"strings"
	"testing"
)

// TestVPDPBUSD compares with what binutils assembles.
func TestVPDPBUSD(t *testing.T) {
	for _, c := range []struct{ signed, unsigned, sum, want string }{
		{"1", "2", "3", "c4 e2 6d 50 d9"},
		{"9", "2", "3", "c4 c2 6d 50 d9"},
		{"1", "10", "3", "c4 e2 2d 50 d9"},
		{"1", "2", "11", "c4 62 6d 50 d9"},
		{"15", "14", "13", "c4 42 0d 50 ef"},
	} {
		got, err := vpdpbusd(c.signed, c.unsigned, c.sum)
		if err != nil {
			t.Fatal(err)
		}
		code, _, _ := strings.Cut(got, "//")
		code = strings.NewReplacer("\tBYTE $0x", "", ";", " ").Replace(code)
		if strings.TrimSpace(code) != c.want {
			t.Errorf("VPDPBUSD Y%s, Y%s, Y%s is %s, want %s", c.signed, c.unsigned, c.sum, code, c.want)
		}
	}
	if _, err := vpdpbusd("16", "0", "0"); err == nil {
		t.Error("register 16 was encoded")
	}
}
