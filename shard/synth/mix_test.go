package synth

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagecoach-llm/stagecoach/shard/checkpoint"
)

// fixtures finds the shared fixtures. They are not part of the project: where they are missing, tests skip, except
// under CI.
func fixtures(t *testing.T, parts ...string) string {
	t.Helper()
	dir := os.Getenv("STAGECOACH_FIXTURES")
	at, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for dir == "" && at != filepath.Dir(at) {
		if info, err := os.Stat(filepath.Join(at, "shared", "fixtures")); err == nil && info.IsDir() {
			dir = filepath.Join(at, "shared", "fixtures")
		}
		at = filepath.Dir(at)
	}
	if dir == "" && os.Getenv("CI") == "true" {
		t.Fatal("no shared/fixtures in any folder above, and STAGECOACH_FIXTURES is not set")
	}
	if dir == "" {
		t.Skip("no shared/fixtures")
	}
	return filepath.Join(append([]string{dir}, parts...)...)
}

// Files that llama.cpp quantised have the mix that newMix chooses for their configuration.
func TestMixIsLlamaCpps(t *testing.T) {
	files, err := filepath.Glob(fixtures(t, "parity", "*.gguf"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no parity files: %v", err)
	}
	for _, path := range files {
		name := strings.TrimSuffix(filepath.Base(path), ".gguf")
		_, typ, _ := strings.Cut(name, "-")
		t.Run(name, func(t *testing.T) { checkMix(t, path, typ) })
	}
}

func checkMix(t *testing.T, path, typ string) {
	c, err := checkpoint.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	cfg := c.Card().Config
	m, err := newMix(typ, &cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range cfg.Shapes() {
		w, err := c.Tensor(s.Name)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.tensor(s, layerOf(s.Name)); got != w.Type {
			t.Errorf("%s: %v, llama.cpp chose %v", s.Name, got, w.Type)
		}
	}
}

// The sizes of real files, as published: the mix of many layers, the 0.5B's fall-backs and the 72B's rule.
func TestMixOfRealSizes(t *testing.T) {
	for _, c := range []struct {
		size, typ, tensor, want string
	}{
		{"0.5b", "q4_k_m", "token_embd.weight", "Q8_0"},
		{"0.5b", "q4_k_m", "blk.0.attn_q.weight", "Q5_0"},
		{"0.5b", "q4_k_m", "blk.0.attn_v.weight", "Q8_0"},
		{"0.5b", "q4_k_m", "blk.0.ffn_down.weight", "Q6_K"},
		{"0.5b", "q4_k_m", "blk.3.ffn_down.weight", "Q4_K"},
		{"0.5b", "q2_k", "blk.0.attn_q.weight", "IQ4_NL"},
		{"7b", "q4_k_m", "output.weight", "Q6_K"},
		{"7b", "q4_k_m", "token_embd.weight", "Q4_K"},
		{"7b", "q4_k_m", "blk.4.ffn_down.weight", "Q4_K"},
		{"7b", "q4_k_m", "blk.5.ffn_down.weight", "Q6_K"},
		{"7b", "q4_k_m", "blk.27.attn_v.weight", "Q6_K"},
		{"72b", "q4_k_m", "blk.10.attn_v.weight", "Q5_K"},
		{"72b", "q4_k_m", "blk.79.attn_v.weight", "Q6_K"},
		{"72b", "q4_k_m", "blk.10.ffn_down.weight", "Q5_0"},
	} {
		t.Run(c.size+"/"+c.typ+"/"+c.tensor, func(t *testing.T) { checkTensorType(t, c.size, c.typ, c.tensor, c.want) })
	}
}

func checkTensorType(t *testing.T, size, typ, tensor, want string) {
	cfg := sizes[size]
	m, err := newMix(typ, &cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range cfg.Shapes() {
		if s.Name == tensor {
			if got := m.tensor(s, layerOf(s.Name)).String(); got != want {
				t.Errorf("%s, want %s", got, want)
			}
			return
		}
	}
	t.Errorf("no such tensor")
}

// The sizes in GB of files on Hugging Face that llama.cpp quantised from Qwen2.5's weights.
func TestFileSizesAreThePublishedOnes(t *testing.T) {
	for _, c := range []struct {
		size, typ string
		gb        float64
	}{
		{"0.5b", "q8_0", 0.531}, {"0.5b", "q4_k_m", 0.398}, {"1.5b", "q8_0", 1.65}, {"1.5b", "q4_k_m", 0.986},
		{"7b", "q8_0", 8.10}, {"7b", "q6_k", 6.25}, {"7b", "q5_k_m", 5.44}, {"7b", "q5_k_s", 5.32}, {"7b", "q4_k_m", 4.68},
		{"7b", "q4_k_s", 4.46}, {"7b", "q3_k_l", 4.09}, {"7b", "q3_k_m", 3.81}, {"7b", "q3_k_s", 3.49}, {"7b", "q2_k", 3.02},
		{"72b", "q4_k_m", 47.42}, {"72b", "q8_0", 77.26},
	} {
		o := Options{Size: c.size, Type: c.typ}
		cfg, err := o.config()
		if err != nil {
			t.Fatal(err)
		}
		m, err := newMix(o.Type, &cfg)
		if err != nil {
			t.Fatal(err)
		}
		bytes := 5_900_000 // header with the real vocabulary
		for _, s := range cfg.Shapes() {
			row, err := m.tensor(s, layerOf(s.Name)).RowBytes(s.Cols)
			if err != nil {
				t.Fatal(err)
			}
			bytes += row * s.Rows
		}
		if gb := float64(bytes) / 1e9; gb < 0.995*c.gb || gb > 1.005*c.gb {
			t.Errorf("%s in %s has %.3f GB, want %.3f", c.size, c.typ, gb, c.gb)
		}
	}
}
