package tokenizer

import (
	"strings"
	"testing"
)

var benchTexts = map[string]string{
	"english": strings.Repeat("The pipeline splits the model's layers across machines; each step travels from shard to shard.\n", 100),
	"chinese": strings.Repeat("流水线把模型的各层分配到多台机器上，每一步都在分片之间传递。\n", 100),
	"code":    strings.Repeat("func (t *Tokenizer) Encode(text string) []int32 {\n\treturn t.encode(text, nil) // 42\n}\n", 100),
	"one-run": strings.Repeat("a", 1<<20),
	"spaces":  strings.Repeat(" ", 1<<20),
}

func BenchmarkEncode(b *testing.B) {
	tok := qwen2(b)
	for name, text := range benchTexts {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				tok.Encode(text)
			}
		})
	}
}

func BenchmarkEncodeUncached(b *testing.B) {
	tok := qwen2(b)
	text := benchTexts["english"]
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		tok.cache = newPieceCache()
		tok.Encode(text)
	}
}

func BenchmarkDecoder(b *testing.B) {
	tok := qwen2(b)
	ids := tok.Encode(benchTexts["english"])
	b.ReportAllocs()
	for b.Loop() {
		d := tok.NewDecoder(true)
		for _, id := range ids {
			d.Push(id)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(ids)), "ns/token")
}

func BenchmarkNew(b *testing.B) {
	spec, err := readSpec(fixture(b, "tokenizer/qwen2-vocab.gguf"))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := New(spec); err != nil {
			b.Fatal(err)
		}
	}
}
