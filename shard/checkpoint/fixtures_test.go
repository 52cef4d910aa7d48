package checkpoint_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stagecoach-llm/stagecoach/shard/checkpoint"
	"github.com/stagecoach-llm/stagecoach/shard/gguf"
	"github.com/stagecoach-llm/stagecoach/shard/quant"
	"github.com/stagecoach-llm/stagecoach/shard/tokenizer"
)

// fixtures gives a path below the shared fixtures, which are not part of the project: where they are missing, tests
// skip, except under CI.
func fixtures(t testing.TB, parts ...string) string {
	t.Helper()
	dir := os.Getenv("STAGECOACH_FIXTURES")
	at, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir == "" && at != filepath.Dir(at); at = filepath.Dir(at) {
		if info, err := os.Stat(filepath.Join(at, "shared", "fixtures")); err == nil && info.IsDir() {
			dir = filepath.Join(at, "shared", "fixtures")
		}
	}
	if dir == "" && os.Getenv("CI") == "true" {
		t.Fatal("no shared/fixtures in any folder above, and STAGECOACH_FIXTURES is not set")
	}
	if dir == "" {
		t.Skip("no shared/fixtures")
	}
	return filepath.Join(append([]string{dir}, parts...)...)
}

// parity are the configurations that the fixtures' README tells.
var parity = map[string]checkpoint.Config{
	"parity256": {Layers: 4, Hidden: 256, Heads: 4, KVHeads: 2, HeadDim: 64, FFN: 768, Vocab: 768, RealVocab: 764,
		Context: 2048, Eps: 1e-6, RopeTheta: 1e6},
	"parity448": {Layers: 3, Hidden: 448, Heads: 7, KVHeads: 1, HeadDim: 64, FFN: 1216, Vocab: 768, RealVocab: 764,
		Context: 2048, Eps: 1e-6, RopeTheta: 1e6, Tied: true},
}

func TestFixtures(t *testing.T) {
	paths, err := filepath.Glob(fixtures(t, "parity", "*.gguf"))
	if err != nil || len(paths) < 20 {
		t.Fatalf("parity files %v, %v", paths, err)
	}
	ids := map[string]string{}
	for _, path := range append(paths, fixtures(t, "parity", "parity256-hf")) {
		name := filepath.Base(path)
		t.Run(name, func(t *testing.T) {
			c := open(t, path)
			card := c.Card()
			model, _, _ := strings.Cut(name, "-")
			want := parity[model]
			want.Name = card.Config.Name
			if card.Config != want {
				t.Errorf("configuration\n%+v, want\n%+v", card.Config, want)
			}
			if !slices.Equal(card.Tokenizer.EOS, []int32{761, 763}) || !strings.Contains(card.Template, "<|im_start|>") {
				t.Errorf("end tokens %v, template %q", card.Tokenizer.EOS, card.Template)
			}
			if other, dup := ids[card.ID]; dup {
				t.Errorf("the id is that of %s", other)
			}
			ids[card.ID] = name
			checkSizes(t, c)
			checkJSON(t, card)
		})
	}
}

// checkJSON sends the card through JSON, as the coordinator does.
func checkJSON(t *testing.T, card *checkpoint.Card) {
	t.Helper()
	b, err := json.Marshal(card)
	if err != nil {
		t.Fatal(err)
	}
	var back checkpoint.Card
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(&back, card) || !slices.Equal(back.Padded(), card.Padded()) {
		t.Error("the card does not survive JSON")
	}
	if _, err := tokenizer.New(&back.Tokenizer); err != nil {
		t.Error(err)
	}
}

// The folder and the GGUF file that llama.cpp's converter made of it agree in everything.
func TestFixtureFolderEqualsItsGGUF(t *testing.T) {
	folder := open(t, fixtures(t, "parity", "parity256-hf"))
	for _, name := range []string{"parity256-bf16.gguf", "parity256-f32.gguf"} {
		file := open(t, fixtures(t, "parity", name))
		if !reflect.DeepEqual(folder.Card().Tokenizer, file.Card().Tokenizer) {
			t.Errorf("%s: the tokenizer differs", name)
		}
		if folder.Card().Template != file.Card().Template {
			t.Errorf("%s: the template differs", name)
		}
		for _, s := range file.Card().Config.Shapes() {
			compare(t, s, widen(t, folder, s.Name), widen(t, file, s.Name), name)
		}
	}
}

// compare wants the folder's bf16 values, or their originals: f32 values that round to them.
func compare(t *testing.T, s checkpoint.Shape, folder, file []float32, name string) {
	t.Helper()
	for i, v := range file {
		if v != folder[i] && quant.BF16ToF32(quant.F32ToBF16(v)) != folder[i] {
			t.Errorf("%s: %s[%d] is %g, in the folder %g", name, s.Name, i, v, folder[i])
			return
		}
	}
}

// The whole Qwen2 vocabulary, in a file that has nothing else.
func TestVocabularyFile(t *testing.T) {
	b, err := os.ReadFile(fixtures(t, "tokenizer", "qwen2-vocab.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := gguf.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := checkpoint.GGUFTokenizer(f)
	if err != nil {
		t.Fatal(err)
	}
	if len(spec.Tokens) != 151936 || len(spec.Merges) != 151387 || !slices.Equal(spec.EOS, []int32{151643, 151645}) {
		t.Errorf("%d tokens, %d merges, end tokens %v", len(spec.Tokens), len(spec.Merges), spec.EOS)
	}
	if spec.Kinds[151645] != tokenizer.Control || spec.Kinds[151646] != tokenizer.Unused {
		t.Errorf("kinds at the end of the real vocabulary: %v", spec.Kinds[151640:151650])
	}
	_, err = checkpoint.OpenBytes(b)
	refuses(t, err, "only a vocabulary")
}
