package checkpoint_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stagecoach-llm/stagecoach/shard/checkpoint"
	"github.com/stagecoach-llm/stagecoach/shard/gguf"
	"github.com/stagecoach-llm/stagecoach/shard/quant"
	"github.com/stagecoach-llm/stagecoach/shard/tokenizer"
)

// usable checks what every reader of an open checkpoint relies on.
func usable(t *testing.T, c *checkpoint.Checkpoint) {
	t.Helper()
	card := c.Card()
	if err := card.Config.Check(); err != nil {
		t.Fatalf("opened a model whose %v", err)
	}
	for _, s := range card.Config.Shapes() {
		w, err := c.Tensor(s.Name)
		if err != nil || w.Rows != s.Rows || w.Cols != s.Cols {
			t.Fatalf("%s is %d by %d, %v, want %d by %d", s.Name, w.Rows, w.Cols, err, s.Rows, s.Cols)
		}
		if err := quant.Dequantize(w.Type, make([]float32, w.Rows*w.Cols), w.Data); err != nil {
			t.Fatal(err)
		}
	}
	spec := &card.Tokenizer
	if len(spec.Tokens) != card.Config.Vocab || len(spec.Kinds) != card.Config.Vocab || len(card.Padded()) != card.Config.Vocab {
		t.Fatalf("%d tokens and %d kinds, want %d", len(spec.Tokens), len(spec.Kinds), card.Config.Vocab)
	}
	for _, id := range spec.EOS {
		if int(id) >= len(spec.Tokens) || id < 0 {
			t.Fatalf("end token %d of %d", id, len(spec.Tokens))
		}
	}
	_, _ = tokenizer.New(spec) // may refuse, must not panic
}

const room = 200_000 // bytes, more than the weights take

// FuzzOpenBytes varies a file's header; the weights after it are always the same zeros.
func FuzzOpenBytes(f *testing.F) {
	m := smallGGUF()
	f.Add(header(f, m.write(f)))
	m.retype["blk.0.attn_q.weight"] = quant.Q8_0
	m.set("qwen2.rope.scaling.type", "yarn")
	m.set("qwen2.rope.scaling.factor", float32(4))
	m.set("tokenizer.chat_templates", []string{"tool_use"})
	f.Add(header(f, m.write(f)))
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := checkpoint.OpenBytes(append(data[:len(data):len(data)], make([]byte, room)...)); err == nil {
			usable(t, c)
		}
	})
}

// header cuts a file before its first tensor, and checks that zeros can take the place of the rest.
func header(f *testing.F, file []byte) []byte {
	parsed, err := gguf.Parse(file)
	if err != nil {
		f.Fatal(err)
	}
	h := file[:parsed.Tensors[0].Offset]
	if _, err := checkpoint.OpenBytes(append(h[:len(h):len(h)], make([]byte, room)...)); err != nil {
		f.Fatal(err)
	}
	return h
}

// fuzzFile opens a folder in which one file is replaced.
func fuzzFile(f *testing.F, name string, seeds ...string) {
	dir := smallHF().write(f)
	path := filepath.Join(dir, name)
	if whole, err := os.ReadFile(path); err == nil {
		f.Add(whole)
	}
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		c, err := checkpoint.Open(dir)
		if err != nil {
			return
		}
		usable(t, c)
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzConfigJSON(f *testing.F) {
	fuzzFile(f, "config.json", `{"model_type": "qwen2", "rope_parameters": {"rope_type": "yarn", "factor": 2}}`)
}

func FuzzTokenizerJSON(f *testing.F) {
	fuzzFile(f, "tokenizer.json", `{"model": {"vocab": {"a": 1}, "merges": [["a", "b"]]}, "added_tokens": [{"id": 2}]}`)
}

func FuzzTokenizerConfigJSON(f *testing.F) {
	fuzzFile(f, "tokenizer_config.json", `{"chat_template": [{"name": "default", "template": "x"}], "bos_token": {"content": "a"}}`)
}
