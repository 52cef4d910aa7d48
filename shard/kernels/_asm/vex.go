package main

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
)

var (
	function   = regexp.MustCompile(`^TEXT ·(\w+)\(SB\)`)
	dotProduct = regexp.MustCompile(`^\tVPDPBUSD\s+Y(\d+), Y(\d+), Y(\d+)$`)
)

// encodeVEX rewrites VPDPBUSD in the kernels of AVX-VNNI. Go's assembler knows only the encoding of AVX-512, which
// processors without it refuse; avo may use the registers of both.
func encodeVEX(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	lines, vex := strings.Split(string(b), "\n"), false
	for i, line := range lines {
		if m := function.FindStringSubmatch(line); m != nil {
			vex = strings.HasSuffix(m[1], "AVXVNNI")
		}
		if !vex {
			continue
		}
		if m := dotProduct.FindStringSubmatch(line); m != nil {
			if lines[i], err = vpdpbusd(m[1], m[2], m[3]); err != nil {
				return err
			}
		} else if strings.Contains(line, "VPDPBUSD") {
			return fmt.Errorf("no encoding without AVX-512 for %s", line)
		}
	}
	return os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o644)
}

// vpdpbusd is VEX.256.66.0F38.W0 50 /r (Intel's manual, volume 2): the signed operand in r/m, the unsigned one in
// vvvv, the sum in reg.
func vpdpbusd(signed, unsigned, sum string) (string, error) {
	var n [3]int
	for i, name := range []string{signed, unsigned, sum} {
		if n[i], _ = strconv.Atoi(name); n[i] > 15 {
			return "", fmt.Errorf("Y%s has no encoding without AVX-512", name)
		}
	}
	rm, vvvv, reg := n[0], n[1], n[2]
	inverted := func(bit, at int) int { return (bit&1 ^ 1) << at }
	bytes := []int{
		0xc4,
		inverted(reg>>3, 7) | inverted(0, 6) | inverted(rm>>3, 5) | 2,
		(vvvv^15)<<3 | 1<<2 | 1,
		0x50,
		3<<6 | reg&7<<3 | rm&7,
	}
	var s strings.Builder
	for _, b := range bytes {
		fmt.Fprintf(&s, "\tBYTE $0x%02x;", b)
	}
	fmt.Fprintf(&s, " // VPDPBUSD Y%d, Y%d, Y%d", rm, vvvv, reg)
	return s.String(), nil
}
