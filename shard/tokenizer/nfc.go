package tokenizer

import (
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const graphemeJoiner = "\u034f"

// nfc returns the NFC form of valid UTF-8.
//
// norm.NFC gives it except for runs of more than 30 combining marks: there it inserts graphemeJoiner (the Stream-Safe Text Format
// of UAX 15), which the reference does not. Such text takes the slow path.
func nfc(s string) string {
	if ascii(s) || norm.NFC.IsNormalString(s) {
		return s
	}
	out := norm.NFC.String(s)
	if strings.Count(out, graphemeJoiner) != strings.Count(s, graphemeJoiner) {
		return composeLong(s)
	}
	return out
}

// ascii reports whether s is all ASCII, which is in NFC. It spares most texts what the library allocates to find out.
func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// mark is a character of a canonical decomposition.
type mark struct {
	r   rune
	ccc uint8 // canonical combining class; 0 is a starter
}

// composeLong is NFC by the book (Unicode standard, 3.11): decompose, order, compose.
func composeLong(s string) string {
	marks := decompose(s)
	for i := 0; i < len(marks); {
		if marks[i].ccc == 0 {
			i++
			continue
		}
		j := i
		for j < len(marks) && marks[j].ccc != 0 {
			j++
		}
		slices.SortStableFunc(marks[i:j], func(a, b mark) int { return int(a.ccc) - int(b.ccc) })
		i = j
	}
	return compose(marks)
}

func decompose(s string) []mark {
	marks := make([]mark, 0, len(s))
	for i := 0; i < len(s); {
		_, size := utf8.DecodeRuneInString(s[i:])
		// One character at a time never has 30 marks, so nothing is inserted.
		for _, r := range norm.NFD.String(s[i : i+size]) {
			marks = append(marks, mark{r, norm.NFD.PropertiesString(string(r)).CCC()})
		}
		i += size
	}
	return marks
}

// compose joins each mark to the last starter unless another mark between them blocks it.
func compose(marks []mark) string {
	out := marks[:0] // never longer than what was read
	starter := -1    // index in out
	for _, m := range marks {
		if starter >= 0 && !blocked(out, starter, m) {
			if r, ok := composePair(out[starter].r, m.r); ok {
				out[starter].r = r
				continue
			}
		}
		if m.ccc == 0 {
			starter = len(out)
		}
		out = append(out, m)
	}
	var b strings.Builder
	for _, m := range out {
		b.WriteRune(m.r)
	}
	return b.String()
}

// blocked reports whether something between the starter and m keeps them apart (D115).
func blocked(out []mark, starter int, m mark) bool {
	last := out[len(out)-1]
	if len(out)-1 == starter {
		return false
	}
	return last.ccc == 0 || last.ccc >= m.ccc
}

// composePair returns the primary composite of a and b.
func composePair(a, b rune) (rune, bool) {
	pair := string(a) + string(b)
	r, size := utf8.DecodeRuneInString(norm.NFC.String(pair))
	if size == len(norm.NFC.String(pair)) {
		return r, true
	}
	return 0, false
}
