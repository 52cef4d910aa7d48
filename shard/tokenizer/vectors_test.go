package tokenizer

import (
	"bufio"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"
)

type vector struct {
	Text        string  `json:"text"`
	Plain       []int32 `json:"plain"`
	WithSpecial []int32 `json:"with_special"`
}

func readVectors(t testing.TB) []vector {
	t.Helper()
	f, err := os.Open(fixture(t, "tokenizer/qwen2-vectors.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []vector
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var v vector
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	if err := lines.Err(); err != nil || len(all) == 0 {
		t.Fatalf("%d vectors, %v", len(all), err)
	}
	return all
}

func TestQwen2Vectors(t *testing.T) {
	tok := qwen2(t)
	for _, v := range readVectors(t) {
		if got := tok.Encode(v.Text); !slices.Equal(got, v.Plain) {
			t.Errorf("plain %q\n got %v\nwant %v", v.Text, got, v.Plain)
		}
		if got := tok.EncodeSpecial(v.Text); !slices.Equal(got, v.WithSpecial) {
			t.Errorf("special %q\n got %v\nwant %v", v.Text, got, v.WithSpecial)
		}
		if got, want := tok.Decode(v.Plain), norm.NFC.String(v.Text); got != want {
			t.Errorf("decode %q, want %q", got, want)
		}
		var b strings.Builder
		d := tok.NewDecoder(false)
		for _, id := range v.Plain {
			b.WriteString(d.Push(id))
		}
		b.WriteString(d.Flush())
		if got, want := b.String(), norm.NFC.String(v.Text); got != want {
			t.Errorf("decoder %q, want %q", got, want)
		}
	}
}

func TestQwen2Vocabulary(t *testing.T) {
	tok := qwen2(t)
	if tok.VocabSize() != 151936 {
		t.Errorf("size %d", tok.VocabSize())
	}
	if tok.Padding(151645) || !tok.Padding(151646) || !tok.Padding(151935) || !tok.Padding(151936) {
		t.Error("padding is 151646 and up")
	}
	if got := tok.Decode([]int32{151644, 872, 198, 151645}); got != "<|im_start|>user\n<|im_end|>" {
		t.Errorf("decoded %q", got)
	}
}

// The borders of segments must not show in the ids: the model has only seen whole texts.
func TestSegmentBordersLeaveNoTrace(t *testing.T) {
	tok := qwen2(t)
	for _, v := range readVectors(t) {
		cut := len(v.Text) / 2
		for cut > 0 && v.Text[cut]&0xc0 == 0x80 {
			cut--
		}
		halves := []Segment{{v.Text[:cut], false}, {v.Text[cut:], true}}
		if strings.Contains(v.Text, "<|") {
			halves[1].Special = false
		}
		if got := tok.EncodeSegments(halves); !slices.Equal(got, v.Plain) {
			t.Errorf("%q: %v, want %v", v.Text, got, v.Plain)
		}
	}
}

func TestParityTokenizers(t *testing.T) {
	for _, name := range []string{"parity/parity256-q8_0.gguf", "parity/parity448-q8_0.gguf"} {
		spec, err := readSpec(fixture(t, name))
		if err != nil {
			t.Fatal(err)
		}
		tok := mustNew(t, spec)
		const text = "import public String {\n\treturn 42; // Grüße, 世界\n}"
		if got := tok.Decode(tok.Encode(text)); got != text {
			t.Errorf("%s: %q", name, got)
		}
	}
}
