package grammar

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stagecoach-llm/stagecoach/shard/checkpoint"
	"github.com/stagecoach-llm/stagecoach/shard/demo"
	"github.com/stagecoach-llm/stagecoach/shard/gguf"
	"github.com/stagecoach-llm/stagecoach/shard/tokenizer"
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

func vocabOf(spec *tokenizer.Spec) *Vocab { return NewVocab(len(spec.Tokens), spec.TextBytes) }

// byteVocab has a token for every byte, a few words, and one control token.
var byteVocab = sync.OnceValue(func() *Vocab {
	words := []string{`{"`, `":`, `",`, `"}`, `, "`, ` true`, "\xf0\x9f", "\x9f\x98\x80", "tion", `\u`, `"`, "[[", "}}"}
	return NewVocab(257+len(words), func(id int32) []byte {
		switch {
		case id < 256:
			return []byte{byte(id)}
		case id == 256:
			return nil
		}
		return []byte(words[id-257])
	})
})

var demoVocab = sync.OnceValue(func() *Vocab {
	c, err := checkpoint.OpenBytes(bytes.Clone(demo.Model()))
	if err != nil {
		panic(err)
	}
	return vocabOf(&c.Card().Tokenizer)
})

var readQwen2 = sync.OnceValues(func() (*Vocab, error) {
	data, err := os.ReadFile(qwen2Path)
	if err != nil {
		return nil, err
	}
	f, err := gguf.Parse(data)
	if err != nil {
		return nil, err
	}
	spec, err := checkpoint.GGUFTokenizer(f)
	if err != nil {
		return nil, err
	}
	return vocabOf(spec), nil
})

var qwen2Path string

// qwen2Vocab has 151,936 tokens.
func qwen2Vocab(t testing.TB) *Vocab {
	t.Helper()
	qwen2Path = fixture(t, "tokenizer/qwen2-vocab.gguf")
	v, err := readQwen2()
	if err != nil {
		t.Fatal(err)
	}
	return v
}
