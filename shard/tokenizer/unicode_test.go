package tokenizer

import (
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

func TestLongRunsOfMarks(t *testing.T) {
	acute, below, ring := "\u0301", "\u0323", "\u030a"
	cases := []struct{ text, want string }{
		{"a" + strings.Repeat(acute, 40), "á" + strings.Repeat(acute, 39)},
		{"a" + strings.Repeat(acute, 40) + below, "ạ" + strings.Repeat(acute, 40)},
		{"A" + ring + strings.Repeat(acute, 40) + "e" + acute, "Ǻ" + strings.Repeat(acute, 39) + "é"},
		{strings.Repeat(acute, 35), strings.Repeat(acute, 35)},
		{"각" + strings.Repeat(acute, 31), "각" + strings.Repeat(acute, 31)},
		{"x" + strings.Repeat(acute, 31) + "\u1100\u1161\u11a8", "x" + strings.Repeat(acute, 31) + "각"},
		{"x\u034f" + strings.Repeat(acute, 31), "x\u034f" + strings.Repeat(acute, 31)},
	}
	for _, c := range cases {
		if got := nfc(c.text); got != c.want {
			t.Errorf("%+q: %+q, want %+q", c.text, got, c.want)
		}
	}
}

// Where the library inserts nothing, both ways agree.
func FuzzCompose(f *testing.F) {
	for _, s := range []string{"é ạ́ 각 \u1100\u1161\u11a8", "\u0344\u0308\u0301", "\u0f73\u0f71\u0f80", "ÅÅ\u212b", "ﬁ½", "\u0915\u093c", "a\u0328\u0301\u0302\u0323"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		s = valid(s)
		want := norm.NFC.String(s)
		if strings.Count(want, graphemeJoiner) != strings.Count(s, graphemeJoiner) {
			t.Skip()
		}
		if got := composeLong(s); got != want {
			t.Fatalf("%+q: %+q, want %+q", s, got, want)
		}
	})
}

func TestInvalidUTF8(t *testing.T) {
	const bad = "\ufffd"
	cases := []struct{ text, want string }{
		{"a\xffb", "a" + bad + "b"},
		{"\xe4\xbd", bad},        // a character cut short is one
		{"\xe4\xbdx", bad + "x"}, //
		{"\xf0\x9f\x98", bad},    //
		{"\xc0\xaf", bad + bad},  // overlong
		{"\xe0\x80\xaf", bad + bad + bad},
		{"\xed\xa0\x80", bad + bad + bad}, // surrogate
		{"\xf4\x90\x80\x80", bad + bad + bad + bad},
		{"\xf0\x9f\xf0\x9f\x98\x80", bad + "😀"},
		{bad, bad},
	}
	for _, c := range cases {
		if got := valid(c.text); got != c.want {
			t.Errorf("%x: %+q, want %+q", c.text, got, c.want)
		}
		if got := string(appendValid(nil, []byte(c.text))); got != c.want {
			t.Errorf("bytes %x: %+q, want %+q", c.text, got, c.want)
		}
	}
}

func TestDecoderHoldsIncompleteCharacters(t *testing.T) {
	tok := mustNew(t, smallSpec())
	d := tok.NewDecoder(true)
	push := func(b byte, want string, held int) {
		t.Helper()
		if got := d.Push(int32(b)); got != want || d.Held() != held {
			t.Errorf("byte %02x: %q with %d held, want %q with %d", b, got, d.Held(), want, held)
		}
	}
	push(0xf0, "", 1)
	push(0x9f, "", 2)
	push(0x98, "", 3)
	push(0x80, "😀", 0)
	push(0xe4, "", 1)
	push('x', "\ufffdx", 0)
	push(0x80, "\ufffd", 0)
	push(0xe4, "", 1)
	if got := d.Push(257); got != "" || d.Held() != 1 {
		t.Errorf("a skipped token gave %q", got)
	}
	if got := d.Flush(); got != "\ufffd" || d.Flush() != "" {
		t.Errorf("flush gave %q", got)
	}
	if got := tok.NewDecoder(false).Push(257); got != "<|im_end|>" {
		t.Errorf("control token shown as %q", got)
	}
}

func FuzzDecoder(f *testing.F) {
	f.Add([]byte("\xf0\x9f\x98\x80\xe4\xbdx\xff"))
	f.Add([]byte("\xed\xa0\x80\xf4\x90\x80\x80"))
	tok, err := New(smallSpec())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		var ids []int32
		var got strings.Builder
		d := tok.NewDecoder(false)
		for _, b := range p {
			ids = append(ids, int32(b))
			s := d.Push(int32(b))
			if !utf8.ValidString(s) {
				t.Fatalf("push gave %q", s)
			}
			got.WriteString(s)
		}
		got.WriteString(d.Flush())
		if want := tok.Decode(ids); got.String() != want || want != valid(string(p)) {
			t.Fatalf("pieces %q, decode %q, valid %q", got.String(), want, valid(string(p)))
		}
	})
}
