package synth

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stagecoach-llm/stagecoach/shard/checkpoint"
	"github.com/stagecoach-llm/stagecoach/shard/quant"
	"github.com/stagecoach-llm/stagecoach/shard/tokenizer"
)

func make1(t *testing.T, o Options) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, o); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func open1(t *testing.T, file []byte) *checkpoint.Checkpoint {
	t.Helper()
	c, err := checkpoint.OpenBytes(file)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEveryTypeOpens(t *testing.T) {
	for _, typ := range Types() {
		t.Run(typ, func(t *testing.T) {
			c := open1(t, make1(t, Options{Size: "tiny", Type: typ, Seed: 1, Layers: 1}))
			got := c.Card().Config
			want := sizes["tiny"]
			want.Layers, want.Name, want.RealVocab = 1, "synthetic-qwen2-tiny-"+typ, MinVocab
			if got != want {
				t.Errorf("configuration\n%+v, want\n%+v", got, want)
			}
			for _, s := range got.Shapes() {
				checkSpread(t, c, s)
			}
		})
	}
}

// checkSpread compares a tensor's values with what spread asks for.
func checkSpread(t *testing.T, c *checkpoint.Checkpoint, s checkpoint.Shape) {
	t.Helper()
	w, err := c.Tensor(s.Name)
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float32, w.Rows*w.Cols)
	if err := quant.Dequantize(w.Type, x, w.Data); err != nil {
		t.Fatal(err)
	}
	if isHead(s.Name, &c.Card().Config) {
		x = x[MinVocab*w.Cols:]
	}
	mean, std := moments(x)
	wantMean, wantStd := spread(s.Name, s.Cols)
	tolerance := 0.05
	if s.Vector {
		tolerance = 0.25 // of few values
	}
	if math.Abs(mean-wantMean) > tolerance*wantStd || math.Abs(std/wantStd-1) > tolerance {
		t.Errorf("%s (%v): mean %.4f, deviation %.4f, want %.4f and %.4f", s.Name, w.Type, mean, std, wantMean, wantStd)
	}
}

func moments(x []float32) (mean, std float64) {
	for _, v := range x {
		mean += float64(v) / float64(len(x))
	}
	for _, v := range x {
		std += (float64(v) - mean) * (float64(v) - mean) / float64(len(x))
	}
	return mean, math.Sqrt(std)
}

var update = flag.Bool("update", false, "rewrite golden files")

// The bytes are pinned: benchmarks of different machines and days must speak of the same file.
func TestBytesArePinned(t *testing.T) {
	var lines []string
	for _, typ := range []string{"f16", "q4_k_m", "q8_0"} {
		sum := sha256.Sum256(make1(t, Options{Size: "tiny", Type: typ, Seed: 42}))
		lines = append(lines, typ+" "+hex.EncodeToString(sum[:]))
	}
	got := strings.Join(lines, "\n") + "\n"
	const golden = "testdata/sums.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("sums are\n%swant\n%s", got, want)
	}
}

func TestOverrides(t *testing.T) {
	c := open1(t, make1(t, Options{Size: "0.5B", Type: "Q8_0", Layers: 1, Vocab: 300, Context: 77}))
	cfg := c.Card().Config
	if cfg.Layers != 1 || cfg.Vocab != 300 || cfg.Context != 77 || cfg.Hidden != 896 || cfg.RealVocab != MinVocab {
		t.Errorf("configuration %+v", cfg)
	}
	if cfg.Name != "synthetic-qwen2-0.5b-q8_0" {
		t.Errorf("name %q", cfg.Name)
	}
}

func TestOwnConfiguration(t *testing.T) {
	want := checkpoint.Config{
		Name: "own", Layers: 2, Hidden: 96, Heads: 3, KVHeads: 1, HeadDim: 64, FFN: 160, Vocab: 320, RealVocab: MinVocab,
		Context: 4 * 512, Eps: 1e-5, RopeTheta: 5e5,
		Yarn: &checkpoint.Yarn{Factor: 4, OriginalContext: 512, BetaFast: 16, BetaSlow: 2, AttnFactor: 0.1*math.Log(4) + 1},
	}
	c := open1(t, make1(t, Options{Config: &want, Type: "q4_k_m"}))
	got := c.Card().Config
	if *got.Yarn != *want.Yarn {
		t.Errorf("YaRN %+v, want %+v", *got.Yarn, *want.Yarn)
	}
	got.Yarn = want.Yarn
	if got != want {
		t.Errorf("configuration\n%+v, want\n%+v", got, want)
	}
}

func TestLayersDoNotDependOnEachOther(t *testing.T) {
	few := open1(t, make1(t, Options{Size: "tiny", Layers: 2, Seed: 3}))
	many := open1(t, make1(t, Options{Size: "tiny", Layers: 5, Seed: 3}))
	other := open1(t, make1(t, Options{Size: "tiny", Layers: 5, Seed: 4}))
	data := func(c *checkpoint.Checkpoint, name string) []byte {
		w, err := c.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		return w.Data
	}
	const name = "blk.1.attn_q.weight"
	if !bytes.Equal(data(few, name), data(many, name)) {
		t.Error("the number of layers changes a layer's weights")
	}
	if bytes.Equal(data(many, name), data(other, name)) || bytes.Equal(data(many, name), data(many, "blk.2.attn_q.weight")) {
		t.Error("seed or layer does not change the weights")
	}
}

func TestTokenizerRoundTrip(t *testing.T) {
	card := open1(t, make1(t, Options{Size: "tiny"})).Card()
	tok, err := tokenizer.New(&card.Tokenizer)
	if err != nil {
		t.Fatal(err)
	}
	text := "the rain in Spain, on and on \x00\n\t ü 🚂"
	ids := tok.Encode(text)
	if len(ids) >= len(text) {
		t.Errorf("%d ids for %d bytes: no merge was used", len(ids), len(text))
	}
	if got := string(tok.Decode(ids)); got != text {
		t.Errorf("decoded %q, want %q", got, text)
	}
	ends := []int32{int32(MinVocab - 3), int32(MinVocab - 1)}
	if !slices.Equal(card.Tokenizer.EOS, ends) {
		t.Errorf("end tokens %v, want %v", card.Tokenizer.EOS, ends)
	}
	for id, padded := range card.Padded() {
		if padded != (id >= MinVocab) {
			t.Fatalf("id %d: padded %v", id, padded)
		}
	}
}

func TestControlRowsOfTheHeadAreZero(t *testing.T) {
	for _, tied := range []bool{true, false} {
		cfg := sizes["tiny"]
		cfg.Tied = tied
		c := open1(t, make1(t, Options{Config: &cfg, Type: "q4_k_m"}))
		w, err := c.Tensor("output.weight")
		if err != nil {
			t.Fatal(err)
		}
		size := len(w.Data) / w.Rows
		zero := make([]byte, size)
		for id := range w.Rows {
			want := id >= MinVocab-3 && id < MinVocab
			if got := bytes.Equal(w.Data[id*size:(id+1)*size], zero); got != want {
				t.Fatalf("tied %v: row %d is zero: %v, want %v", tied, id, got, want)
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	bad := sizes["tiny"]
	bad.KVHeads = 3
	for name, c := range map[string]struct {
		o    Options
		want string
	}{
		"size":   {Options{Size: "9b"}, `size "9b" is unknown (known: tiny, 0.5b, 1.5b, 3b, 7b, 14b, 32b, 72b)`},
		"type":   {Options{Size: "tiny", Type: "q9"}, `type "q9" is unknown`},
		"vocab":  {Options{Size: "tiny", Vocab: 200}, "too small"},
		"config": {Options{Config: &bad}, "not a multiple of 3 kv heads"},
	} {
		err := Write(&bytes.Buffer{}, c.o)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}

type full struct{ room int }

var errFull = errors.New("disk full")

func (f *full) Write(p []byte) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestWriteErrorIsTold(t *testing.T) {
	for _, room := range []int{0, 10, 2 << 20} {
		if err := Write(&full{room}, Options{Size: "tiny", Type: "f32"}); !errors.Is(err, errFull) {
			t.Errorf("room for %d bytes: error %v, want %v", room, err, errFull)
		}
	}
}

func TestWriteFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.gguf")
	var last, total int64
	o := Options{Size: "tiny", Seed: 5, Progress: func(d, n int64) {
		if d <= last || d > n {
			t.Errorf("progress from %d to %d of %d", last, d, n)
		}
		last, total = d, n
	}}
	if err := WriteFile(path, o); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	o.Progress = nil
	if !bytes.Equal(got, make1(t, o)) {
		t.Error("WriteFile and Write differ")
	}
	if int64(len(got)) != total || last == 0 {
		t.Errorf("progress ended at %d of %d, the file has %d bytes", last, total, len(got))
	}
	if err := WriteFile(path, Options{Size: "none"}); err == nil {
		t.Error("an unknown size is no error")
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("files left: %v, %v", entries, err)
	}
}

func BenchmarkWrite(b *testing.B) {
	for _, typ := range []string{"q8_0", "q4_k_m", "f16"} {
		b.Run(typ, func(b *testing.B) {
			o := Options{Size: "1.5b", Layers: 1, Vocab: 4096, Type: typ}
			for b.Loop() {
				var n full
				n.room = math.MaxInt
				if err := Write(&n, o); err != nil {
					b.Fatal(err)
				}
				b.SetBytes(int64(math.MaxInt - n.room))
			}
		})
	}
}
