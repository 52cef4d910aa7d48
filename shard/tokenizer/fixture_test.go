package tokenizer

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// fixture returns the path of a test file that is kept outside of the repository.
func fixture(t testing.TB, name string) string {
	t.Helper()
	root := os.Getenv("STAGECOACH_FIXTURES")
	if root == "" {
		root = findFixtures()
	}
	path := filepath.Join(root, name)
	if _, err := os.Stat(path); root == "" || err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("fixture %s is missing: set STAGECOACH_FIXTURES", name)
		}
		t.Skipf("fixture %s is missing: set STAGECOACH_FIXTURES", name)
	}
	return path
}

// findFixtures looks for shared/fixtures beside the repository.
func findFixtures() string {
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	for {
		path := filepath.Join(dir, "shared", "fixtures")
		if _, err := os.Stat(path); err == nil {
			return path
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

var qwen2Once = sync.OnceValues(func() (*Tokenizer, error) {
	spec, err := readSpec(qwen2Path)
	if err != nil {
		return nil, err
	}
	return New(spec)
})

var qwen2Path string

// qwen2 is the tokenizer with the whole Qwen2 vocabulary.
func qwen2(t testing.TB) *Tokenizer {
	t.Helper()
	qwen2Path = fixture(t, "tokenizer/qwen2-vocab.gguf")
	tok, err := qwen2Once()
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// readSpec reads the metadata of a trusted GGUF file. The real reader is in another package, which imports this one.
func readSpec(path string) (*Spec, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := &metaReader{data: data, at: 16}
	meta := make(map[string]any)
	for range r.u64() {
		key := r.str()
		meta[key] = r.value(r.u32())
	}
	spec := &Spec{BOS: -1, Pad: -1, Pre: meta["tokenizer.ggml.pre"].(string)}
	for i, text := range meta["tokenizer.ggml.tokens"].([]any) {
		spec.Tokens = append(spec.Tokens, text.(string))
		kind := meta["tokenizer.ggml.token_type"].([]any)[i].(uint64)
		spec.Kinds = append(spec.Kinds, Kind(kind))
		if kind == uint64(Control) && strings.HasSuffix(text.(string), "end|>") || text == "<|endoftext|>" {
			spec.EOS = append(spec.EOS, int32(i))
		}
	}
	for _, m := range meta["tokenizer.ggml.merges"].([]any) {
		left, right, ok := strings.Cut(m.(string), " ")
		if !ok {
			return nil, fmt.Errorf("merge %q", m)
		}
		spec.Merges = append(spec.Merges, [2]string{left, right})
	}
	return spec, nil
}

type metaReader struct {
	data []byte
	at   int
}

func (r *metaReader) bytes(n int) []byte {
	r.at += n
	return r.data[r.at-n : r.at]
}

func (r *metaReader) u32() uint32 { return binary.LittleEndian.Uint32(r.bytes(4)) }
func (r *metaReader) u64() uint64 { return binary.LittleEndian.Uint64(r.bytes(8)) }
func (r *metaReader) str() string { return string(r.bytes(int(r.u64()))) }

func (r *metaReader) value(kind uint32) any {
	switch kind {
	case 0, 1, 7:
		return uint64(r.bytes(1)[0])
	case 2, 3:
		return uint64(binary.LittleEndian.Uint16(r.bytes(2)))
	case 4, 5, 6:
		return uint64(r.u32())
	case 8:
		return r.str()
	case 9:
		kind := r.u32()
		list := make([]any, r.u64())
		for i := range list {
			list[i] = r.value(kind)
		}
		return list
	}
	return r.u64()
}

// smallSpec is a vocabulary of the 256 bytes, the given merges, three added tokens and some padding.
func smallSpec(merges ...[2]string) *Spec {
	spec := &Spec{Pre: "qwen2", BOS: -1, Pad: -1}
	add := func(text string, kind Kind) int32 {
		spec.Tokens = append(spec.Tokens, text)
		spec.Kinds = append(spec.Kinds, kind)
		return int32(len(spec.Tokens) - 1)
	}
	for b := range 256 {
		add(string(byteToRune[b]), Normal)
	}
	for _, m := range merges {
		add(m[0]+m[1], Normal)
		spec.Merges = append(spec.Merges, m)
	}
	add("<|im_start|>", Control)
	spec.EOS = []int32{add("<|im_end|>", Control)}
	add("<tool_call>", UserDefined)
	add("[PAD]", Unused)
	return spec
}

func mustNew(t testing.TB, spec *Spec) *Tokenizer {
	t.Helper()
	tok, err := New(spec)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}
