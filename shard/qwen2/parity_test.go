package qwen2

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stagecoach-llm/stagecoach/shard/checkpoint"
	"github.com/stagecoach-llm/stagecoach/shard/kernels"
	"github.com/stagecoach-llm/stagecoach/shard/kv"
)

// golden is what exact mathematics gives for a file.
type golden struct {
	Cases []struct {
		Tokens      []int32     `json:"tokens"`
		TopIDs      [][]int     `json:"top_ids"`
		TopLogprobs [][]float64 `json:"top_logprobs"`

		GreedyPrompt []int32   `json:"greedy_prompt"`
		Greedy       []int32   `json:"greedy"`
		GreedyGap    []float64 `json:"greedy_gap"` // from the first to the second logit
	} `json:"cases"`
}

// prefixes are the prompt lengths over which llama.cpp's noise was measured.
var prefixes = []int{1, 5, 9, 17, 25, 33, 41, 48}

func readJSON(t testing.TB, path string, v any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatal(err)
	}
}

func openFixture(t testing.TB, path string) *checkpoint.Checkpoint {
	t.Helper()
	ck, err := checkpoint.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ck.Close() })
	return ck
}

// whole loads all of a model.
func whole(t testing.TB, ck *checkpoint.Checkpoint, typ kv.Type) *Model {
	t.Helper()
	pool := kernels.NewPool(2)
	t.Cleanup(pool.Close)
	span := Span{Last: ck.Card().Config.Layers, Embed: true, Head: true}
	m, err := Load(context.Background(), ck, span, Options{Pool: pool, KVType: typ, KVBlocks: 8})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

// logprobs [len(tokens)][vocab] of every prefix, in one prefill.
func logprobs(t testing.TB, m *Model, tokens []int32) [][]float64 {
	t.Helper()
	x := make([]float32, len(tokens)*m.cfg.Hidden)
	if err := m.Embed(tokens, x); err != nil {
		t.Fatal(err)
	}
	failed := make([]error, 1)
	if err := m.Layers(x, []Seq{{Rows: len(tokens), Blocks: []int32{5, 2, 7, 0}}}, failed, nil); err != nil || failed[0] != nil {
		t.Fatal(err, failed[0])
	}
	rows := make([]int, len(tokens))
	for i := range rows {
		rows[i] = i
	}
	logits := make([]float32, len(rows)*m.cfg.Vocab)
	if err := m.Logits(x, rows, logits); err != nil {
		t.Fatal(err)
	}
	out := make([][]float64, len(rows))
	for i := range out {
		row := cut(logits, i, m.cfg.Vocab)
		max, logsum := kernels.LogSum(row)
		for _, v := range row {
			out[i] = append(out[i], float64(v-max-logsum))
		}
	}
	return out
}

// noise is the mean difference of log-probability from the golden, over prefixes and the ten likeliest ids.
func noise(t testing.TB, m *Model, g *golden) float64 {
	t.Helper()
	var sum float64
	n := 0
	for _, c := range g.Cases {
		lp := logprobs(t, m, c.Tokens)
		for _, p := range prefixes {
			for k, id := range c.TopIDs[p-1] {
				sum += math.Abs(lp[p-1][id] - c.TopLogprobs[p-1][k])
				n++
			}
		}
	}
	return sum / float64(n)
}

// follow reports where the likeliest id is not the golden's, though the gap is wider than noise.
func follow(t *testing.T, m *Model, g *golden, noise float64) {
	t.Helper()
	judged := 0
	for n, c := range g.Cases {
		lp := logprobs(t, m, append(slices.Clone(c.GreedyPrompt), c.Greedy...))
		for i, want := range c.Greedy {
			if c.GreedyGap[i] < noise {
				continue
			}
			judged++
			row := lp[len(c.GreedyPrompt)+i-1]
			if best := slices.Index(row, slices.Max(row)); best != int(want) {
				t.Errorf("case %d, token %d is %d, want %d (the gap is %.3f)", n, i, best, want, c.GreedyGap[i])
			}
		}
	}
	if judged == 0 {
		t.Error("no gap is wider than the noise: nothing was judged")
	}
}

// TestParity judges every fixture by llama.cpp's own noise against exact mathematics.
func TestParity(t *testing.T) {
	dir := filepath.Dir(fixture(t, "parity/llama.cpp-noise.json"))
	theirs := map[string]struct{ Mean, Max float64 }{}
	readJSON(t, filepath.Join(dir, "llama.cpp-noise.json"), &theirs)
	files, _ := filepath.Glob(filepath.Join(dir, "*.gguf"))
	files = append(files, filepath.Join(dir, "parity256-hf"))
	var logs float64
	for _, path := range files {
		name := strings.TrimSuffix(filepath.Base(path), ".gguf")
		goldenName := strings.Replace(name, "-hf", "-bf16", 1)
		t.Run(name, func(t *testing.T) {
			var g golden
			readJSON(t, filepath.Join(dir, goldenName+".golden.json"), &g)
			ck := openFixture(t, path)
			bar := theirs[goldenName].Mean
			exact := slices.Contains([]string{"f32", "f16", "bf16"}, name[strings.LastIndex(name, "-")+1:])
			m := whole(t, ck, kv.F16)
			follow(t, m, &g, 2*theirs[goldenName].Max) // either logit may be off
			ratio := noise(t, m, &g) / bar
			t.Logf("%.3f of llama.cpp's noise (%.4f)", ratio, bar)
			logs += math.Log(ratio)
			limit := 1.25
			if name != goldenName {
				limit = 1 // the folder's norms and biases are bf16, the golden's are f32: nothing is exact here
			}
			if exact {
				limit = 1
				wide := noise(t, whole(t, ck, kv.F32), &g) / bar
				t.Logf("%.4f with an f32 cache", wide)
				if wide > 0.05 {
					t.Errorf("%.4f of llama.cpp's noise with an f32 cache, want at most 0.05", wide)
				}
			}
			if !(ratio <= limit) {
				t.Errorf("%.3f of llama.cpp's noise, want at most %.2f", ratio, limit)
			}
		})
	}
	mean := math.Exp(logs / float64(len(files)))
	t.Logf("geometric mean %.3f", mean)
	if !(mean <= 1) {
		t.Errorf("geometric mean %.3f of llama.cpp's noise, want at most 1", mean)
	}
}
