package checkpoint_test

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/stagecoach-llm/stagecoach/shard/checkpoint"
	"github.com/stagecoach-llm/stagecoach/shard/quant"
	"github.com/stagecoach-llm/stagecoach/shard/tokenizer"
)

func TestGGUF(t *testing.T) {
	c := openBytes(t, smallGGUF().write(t))
	card := c.Card()
	if card.Config != small {
		t.Errorf("configuration\n%+v, want\n%+v", card.Config, small)
	}
	if card.Template != "default template" || len(card.Templates) != 0 {
		t.Errorf("templates %q, %v", card.Template, card.Templates)
	}
	spec := &card.Tokenizer
	if !slices.Equal(spec.EOS, []int32{endID, imEnd}) || spec.BOS != endID || spec.Pad != endID || spec.AddBOS {
		t.Errorf("end %v, start %d, padding %d, add %v", spec.EOS, spec.BOS, spec.Pad, spec.AddBOS)
	}
	for id, kind := range map[int]tokenizer.Kind{0: tokenizer.Normal, imEnd: tokenizer.Control, gapID: tokenizer.Unused,
		toolID: tokenizer.UserDefined, small.Vocab - 1: tokenizer.Unused} {
		if spec.Kinds[id] != kind {
			t.Errorf("token %d has the kind %d, want %d", id, spec.Kinds[id], kind)
		}
	}
	if _, err := tokenizer.New(spec); err != nil {
		t.Error(err)
	}
	for _, s := range small.Shapes() {
		x := widen(t, c, s.Name)
		for _, i := range []int{0, len(x) / 2, len(x) - 1} {
			if x[i] != value(s.Name, i) {
				t.Fatalf("%s[%d] is %g, want %g", s.Name, i, x[i], value(s.Name, i))
			}
		}
	}
	_, err := c.Tensor("blk.2.attn_q.weight")
	refuses(t, err, `no tensor "blk.2.attn_q.weight"`)
	checkSizes(t, c)
}

// checkSizes adds up the tensors.
func checkSizes(t *testing.T, c *checkpoint.Checkpoint) {
	t.Helper()
	card := c.Card()
	var all int64
	for _, s := range card.Config.Shapes() {
		w, err := c.Tensor(s.Name)
		if err != nil {
			t.Fatal(err)
		}
		all += int64(len(w.Data))
	}
	got := card.EmbedBytes + card.HeadBytes
	if card.Config.Tied {
		got -= card.EmbedBytes
	}
	for _, n := range card.LayerBytes {
		got += n
	}
	if got != all || len(card.LayerBytes) != card.Config.Layers {
		t.Errorf("sizes of %d layers add up to %d, want %d", len(card.LayerBytes), got, all)
	}
}

func TestPadded(t *testing.T) {
	card := openBytes(t, smallGGUF().write(t)).Card()
	for id, padded := range card.Padded() {
		if want := id == gapID || id >= small.RealVocab; padded != want {
			t.Errorf("id %d: padded %v, want %v", id, padded, want)
		}
	}
	short := checkpoint.Card{Config: checkpoint.Config{Vocab: 3}, Tokenizer: tokenizer.Spec{Kinds: []tokenizer.Kind{1}}}
	if got := short.Padded(); !slices.Equal(got, []bool{false, true, true}) {
		t.Errorf("ids without a token: %v", got)
	}
}

func TestTiedHead(t *testing.T) {
	m := smallGGUF()
	m.shapes = m.shapes[:len(m.shapes)-1]
	c := openBytes(t, m.write(t))
	if !c.Card().Config.Tied {
		t.Error("a model without output.weight is not tied")
	}
	head, err := c.Tensor("output.weight")
	if err != nil {
		t.Fatal(err)
	}
	embed, err := c.Tensor("token_embd.weight")
	if err != nil {
		t.Fatal(err)
	}
	if head.Name != "output.weight" || &head.Data[0] != &embed.Data[0] {
		t.Error("the head is not the embedding")
	}
	if got := c.Card().HeadBytes; got != int64(len(embed.Data)+4*small.Hidden) {
		t.Errorf("the head has %d bytes", got)
	}
	checkSizes(t, c)
}

func TestGGUFVariants(t *testing.T) {
	yarn := map[string]any{
		"qwen2.rope.scaling.type": "yarn", "qwen2.rope.scaling.factor": float32(4),
		"qwen2.rope.scaling.original_context_length": uint32(512),
	}
	with := func(base map[string]any, key string, v any) map[string]any {
		m := maps.Clone(base)
		m[key] = v
		return m
	}
	for name, c := range map[string]struct {
		set  map[string]any
		get  func(c *checkpoint.Card) any
		want any
	}{
		"no pre-tokenizer": {map[string]any{"tokenizer.ggml.pre": nil},
			func(c *checkpoint.Card) any { return c.Tokenizer.Pre }, "qwen2"},
		"DeepSeek's": {map[string]any{"tokenizer.ggml.pre": "deepseek-r1-qwen"},
			func(c *checkpoint.Card) any { return c.Tokenizer.Pre }, "deepseek-r1-qwen"},
		"a start token is added": {map[string]any{"tokenizer.ggml.add_bos_token": true},
			func(c *checkpoint.Card) any { return c.Tokenizer.AddBOS }, true},
		"no start token": {map[string]any{"tokenizer.ggml.bos_token_id": nil},
			func(c *checkpoint.Card) any { return c.Tokenizer.BOS }, int32(-1)},
		"start token out of range": {map[string]any{"tokenizer.ggml.bos_token_id": uint32(1 << 31)},
			func(c *checkpoint.Card) any { return c.Tokenizer.BOS }, int32(-1)},
		"more end tokens": {map[string]any{"tokenizer.ggml.eos_token_id": uint32(5), "tokenizer.ggml.eot_token_id": uint32(7)},
			func(c *checkpoint.Card) any { return c.Tokenizer.EOS }, []int32{5, 7, endID, imEnd}},
		"key length": {map[string]any{"qwen2.attention.key_length": uint32(16), "qwen2.attention.value_length": uint32(16)},
			func(c *checkpoint.Card) any { return c.Config.HeadDim }, 16},
		"no name": {map[string]any{"general.name": nil},
			func(c *checkpoint.Card) any { return c.Config.Name }, ""},
		"default rope base": {map[string]any{"qwen2.rope.freq_base": nil},
			func(c *checkpoint.Card) any { return c.Config.RopeTheta }, 10000.0},
		"named templates": {map[string]any{"tokenizer.chat_templates": []string{"tool_use"}, "tokenizer.chat_template.tool_use": "t"},
			func(c *checkpoint.Card) any { return c.Templates }, map[string]string{"tool_use": "t"}},
		"no template": {map[string]any{"tokenizer.chat_template": nil},
			func(c *checkpoint.Card) any { return c.Template }, ""},
		"sampling": {map[string]any{"general.sampling.temp": float32(0.5), "general.sampling.top_k": int32(20)},
			func(c *checkpoint.Card) any { return []any{*c.Defaults.Temperature, *c.Defaults.TopK} }, []any{0.5, 20}},
		"sampling from all": {map[string]any{"general.sampling.top_k": int32(-1), "general.sampling.top_p": float32(0.5)},
			func(c *checkpoint.Card) any { return []any{c.Defaults.TopK == nil, *c.Defaults.TopP} }, []any{true, 0.5}},
		"sampling from none": {map[string]any{"general.sampling.top_k": uint32(0)},
			func(c *checkpoint.Card) any { return c.Defaults }, checkpoint.Defaults{}},
		"sampling of other kinds": {map[string]any{"general.sampling.temp": int32(1), "general.sampling.top_k": float32(20),
			"general.sampling.top_p": "0.9", "general.sampling.penalty_repeat": true},
			func(c *checkpoint.Card) any { return c.Defaults }, checkpoint.Defaults{}},
		"sampling by no number": {map[string]any{"general.sampling.temp": float32(math.NaN()), "general.sampling.top_p": float32(math.Inf(1))},
			func(c *checkpoint.Card) any { return c.Defaults }, checkpoint.Defaults{}},
		"YaRN": {yarn, func(c *checkpoint.Card) any { return *c.Config.Yarn }, checkpoint.Yarn{
			Factor: 4, OriginalContext: 512, BetaFast: 32, BetaSlow: 1, AttnFactor: yarnFactor(4)}},
		"YaRN's context": {yarn, func(c *checkpoint.Card) any { return c.Config.Context }, 2048},
		"YaRN's betas": {with(yarn, "qwen2.rope.scaling.yarn_beta_fast", float32(16)),
			func(c *checkpoint.Card) any { return c.Config.Yarn.BetaFast }, 16.0},
		"YaRN's factor is multiplied": {with(yarn, "qwen2.rope.scaling.attn_factor", float32(2)),
			func(c *checkpoint.Card) any { return c.Config.Yarn.AttnFactor }, 2 * yarnFactor(4)},
		"no scaling": {map[string]any{"qwen2.rope.scaling.type": "none"},
			func(c *checkpoint.Card) any { return c.Config.Yarn == nil }, true},
		"a window as long as the context": {map[string]any{"qwen2.attention.sliding_window": uint32(512)},
			func(c *checkpoint.Card) any { return c.Config.Context }, 512},
	} {
		t.Run(name, func(t *testing.T) {
			m := smallGGUF()
			for key, v := range c.set {
				m.set(key, v)
			}
			if got := c.get(openBytes(t, m.write(t)).Card()); !reflect.DeepEqual(got, c.want) {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

// Files of 2024 have padding as user-defined tokens, which would be matched in text.
func TestOldPaddingIsPadding(t *testing.T) {
	m := smallGGUF()
	kinds := slices.Clone(m.meta["tokenizer.ggml.token_type"].([]int32))
	for id := small.RealVocab; id < small.Vocab; id++ {
		kinds[id] = 4
	}
	m.set("tokenizer.ggml.token_type", kinds)
	card := openBytes(t, m.write(t)).Card()
	if card.Config.RealVocab != small.RealVocab || !card.Padded()[small.Vocab-1] {
		t.Errorf("real vocabulary %d, want %d", card.Config.RealVocab, small.RealVocab)
	}
}

func TestGGUFRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		set  map[string]any
		want string
	}{
		"no architecture":   {map[string]any{"general.architecture": nil}, "general.architecture is missing"},
		"llama":             {map[string]any{"general.architecture": "llama"}, "only the Qwen2 architecture is served"},
		"qwen3":             {map[string]any{"general.architecture": "qwen3"}, "Qwen3 has query and key norms"},
		"mixture":           {map[string]any{"general.architecture": "qwen2moe"}, "mixture-of-experts"},
		"vision":            {map[string]any{"general.architecture": "qwen2vl"}, "vision models"},
		"vision part":       {map[string]any{"general.architecture": "clip"}, "vision part"},
		"adapter":           {map[string]any{"general.type": "adapter"}, `type "adapter"`},
		"experts":           {map[string]any{"qwen2.expert_count": uint32(8)}, "mixture-of-experts"},
		"no layers":         {map[string]any{"qwen2.block_count": nil}, "qwen2.block_count is missing"},
		"layers as text":    {map[string]any{"qwen2.block_count": "2"}, "qwen2.block_count is of kind string"},
		"layers 0":          {map[string]any{"qwen2.block_count": uint32(0)}, "layers is 0"},
		"layers 1e9":        {map[string]any{"qwen2.block_count": uint32(1e9)}, "layers is 1000000000"},
		"layers 2^40":       {map[string]any{"qwen2.block_count": uint64(1) << 40}, "too large"},
		"more layers":       {map[string]any{"qwen2.block_count": uint32(3)}, "tensor blk.2.attn_norm.weight is missing"},
		"fewer layers":      {map[string]any{"qwen2.block_count": uint32(1)}, "is not part of a Qwen2 model of 1 layers"},
		"heads 0":           {map[string]any{"qwen2.attention.head_count": uint32(0)}, "is 0"},
		"kv heads":          {map[string]any{"qwen2.attention.head_count_kv": uint32(3)}, "2 heads are not a multiple of 3"},
		"hidden":            {map[string]any{"qwen2.embedding_length": uint32(128)}, "token_embd.weight: shape is [270, 32], want [270, 128]"},
		"ffn":               {map[string]any{"qwen2.feed_forward_length": uint32(97)}, "want [97, 32]"},
		"epsilon":           {map[string]any{"qwen2.attention.layer_norm_rms_epsilon": nil}, "epsilon is missing"},
		"epsilon 2":         {map[string]any{"qwen2.attention.layer_norm_rms_epsilon": float32(2)}, "epsilon is 2"},
		"rope base":         {map[string]any{"qwen2.rope.freq_base": float32(0.5)}, "rope base is 0.5"},
		"rope dimensions":   {map[string]any{"qwen2.rope.dimension_count": uint32(8)}, "dimension_count is 8"},
		"value length":      {map[string]any{"qwen2.attention.value_length": uint32(8)}, "value_length is 8"},
		"linear scaling":    {map[string]any{"qwen2.rope.scaling.factor": float32(2)}, `rope scaling "linear"`},
		"longrope":          {map[string]any{"qwen2.rope.scaling.type": "longrope"}, `rope scaling "longrope"`},
		"YaRN factor":       {map[string]any{"qwen2.rope.scaling.type": "yarn", "qwen2.rope.scaling.factor": float32(-4)}, "YaRN factor"},
		"sliding window":    {map[string]any{"qwen2.attention.sliding_window": uint32(64)}, "sliding-window"},
		"no tokenizer":      {map[string]any{"tokenizer.ggml.model": nil}, "has no tokenizer"},
		"sentencepiece":     {map[string]any{"tokenizer.ggml.model": "llama"}, `tokenizer "llama" is not served`},
		"pre-tokenizer":     {map[string]any{"tokenizer.ggml.pre": "llama-bpe"}, `pre-tokenizer "llama-bpe"`},
		"no tokens":         {map[string]any{"tokenizer.ggml.tokens": nil}, "tokenizer.ggml.tokens is missing"},
		"fewer tokens":      {map[string]any{"tokenizer.ggml.tokens": []string{"a"}}, "270 entries, want one for each of 1"},
		"no kinds":          {map[string]any{"tokenizer.ggml.token_type": nil}, "token_type has 0 entries"},
		"kinds":             {map[string]any{"tokenizer.ggml.token_type": make([]int32, 270)}, "token 0 has the type 0"},
		"no merges":         {map[string]any{"tokenizer.ggml.merges": nil}, "tokenizer.ggml.merges is missing"},
		"merge of one":      {map[string]any{"tokenizer.ggml.merges": []string{"th"}}, `merge 0 is "th"`},
		"no tensors at all": {map[string]any{"no tensors": nil}, "only a vocabulary"},
	} {
		t.Run(name, func(t *testing.T) {
			m := smallGGUF()
			for key, v := range c.set {
				m.set(key, v)
			}
			if name == "no tensors at all" {
				m.shapes = nil
			}
			_, err := checkpoint.OpenBytes(m.write(t))
			refuses(t, err, c.want)
		})
	}
}

func TestTensorRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		change func(m *ggufModel)
		want   string
	}{
		"missing": {func(m *ggufModel) { m.shapes = slices.Delete(m.shapes, 3, 4) }, "tensor blk.0.attn_q.bias is missing, want [32]"},
		"unknown": {func(m *ggufModel) { m.shapes[3].Name = "blk.0.attn_q_norm.weight" }, "attn_q.bias is missing"},
		"extra": {func(m *ggufModel) { m.shapes = append(m.shapes, checkpoint.Shape{Name: "x", Rows: 1, Cols: 1}) },
			"tensor x is not part"},
		"transposed":       {func(m *ggufModel) { m.shapes[8].Rows, m.shapes[8].Cols = 1, 1024 }, "want [32, 32]"},
		"vector as matrix": {func(m *ggufModel) { m.flatten["blk.0.attn_norm.weight"] = true }, "shape is [1, 32], want [32]"},
		"vector quantised": {func(m *ggufModel) { m.retype["blk.0.attn_norm.weight"] = quant.Q8_0 }, "a vector of type Q8_0"},
	} {
		t.Run(name, func(t *testing.T) {
			m := smallGGUF()
			c.change(m)
			_, err := checkpoint.OpenBytes(m.write(t))
			refuses(t, err, c.want)
		})
	}
}

// A type that is not served is named, with what to take instead.
func TestTypeRefusals(t *testing.T) {
	for typ, want := range map[byte]string{16: "IQ2_XXS", 19: "IQ1_S", 18: "IQ3_XXS", 39: "MXFP4", 99: "type 99"} {
		m := smallGGUF()
		m.retype["blk.0.attn_q.weight"] = quant.Q8_0
		b := m.write(t)
		name := []byte("blk.0.attn_q.weight")
		at := bytes.Index(b, name) + len(name) + 4 + 2*8 // after the count of dimensions and two of them
		if quant.Type(b[at]) != quant.Q8_0 {
			t.Fatal("the type is not where it was looked for")
		}
		b[at] = typ
		_, err := checkpoint.OpenBytes(b)
		refuses(t, err, "tensor blk.0.attn_q.weight: "+want+" is not served", "Q4_K_M")
	}
}

// Cut anywhere, a model is refused in one line.
func TestEveryCutIsRefused(t *testing.T) {
	whole := smallGGUF().write(t)
	for n := 0; n < len(whole)-64; n += 97 {
		if _, err := checkpoint.OpenBytes(whole[:n]); err == nil {
			t.Fatalf("%d of %d bytes are accepted", n, len(whole))
		}
	}
}

func TestOpenPaths(t *testing.T) {
	whole := smallGGUF().write(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "m.gguf")
	if err := os.WriteFile(path, whole, 0o644); err != nil {
		t.Fatal(err)
	}
	byFile, byFolder, inMemory := open(t, path), open(t, dir), openBytes(t, whole)
	if byFile.Card().ID != byFolder.Card().ID || byFile.Card().ID != inMemory.Card().ID {
		t.Error("the id depends on how the file was opened")
	}
	for name, want := range map[string]string{
		"none.gguf": "no such file", "empty.gguf": "is empty", "cut.gguf": "truncated", "x.safetensors": "give the folder",
		"empty": "no config.json and no .gguf file", "two": "2 GGUF models (a.gguf, …); name one", "config.json": "not a GGUF file",
	} {
		p := filepath.Join(dir, name)
		prepare(t, p, whole)
		_, err := checkpoint.Open(p)
		refuses(t, err, want, name)
	}
}

// prepare makes what TestOpenPaths opens.
func prepare(t *testing.T, path string, whole []byte) {
	t.Helper()
	files := map[string][]byte{}
	switch filepath.Base(path) {
	case "none.gguf":
	case "cut.gguf":
		files[path] = whole[:len(whole)/2]
	case "config.json":
		files[path] = []byte("{}")
	case "empty":
		files[path+"/readme"] = nil
	case "two":
		files[path+"/a.gguf"], files[path+"/b.gguf"] = whole, whole
	default:
		files[path] = nil
	}
	for p, b := range files {
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// The parts of a split model, opened by any of them or by their folder, are the model.
func TestSplitModel(t *testing.T) {
	whole := smallGGUF()
	want := openBytes(t, whole.write(t)).Card().ID
	dir := t.TempDir()
	for i := range 3 {
		part := smallGGUF()
		n := len(whole.shapes)
		part.shapes = whole.shapes[n*i/3 : n*(i+1)/3]
		if i > 0 {
			part.meta = map[string]any{}
		}
		part.set("split.no", uint16(i))
		part.set("split.count", uint16(3))
		part.set("split.tensors.count", int32(n))
		path := filepath.Join(dir, fmt.Sprintf("m-%05d-of-00003.gguf", i+1))
		if err := os.WriteFile(path, part.write(t), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{dir, dir + "/m-00001-of-00003.gguf", dir + "/m-00003-of-00003.gguf"} {
		c := open(t, path)
		if c.Card().ID != want {
			t.Errorf("opened by %s, the id differs from the whole file's", path)
		}
		for _, s := range small.Shapes() {
			if x := widen(t, c, s.Name); x[1] != value(s.Name, 1) {
				t.Errorf("%s[1] is %g, want %g", s.Name, x[1], value(s.Name, 1))
			}
			w, _ := c.Tensor(s.Name)
			c.Drop(w)
		}
	}
	if err := os.Remove(dir + "/m-00002-of-00003.gguf"); err != nil {
		t.Fatal(err)
	}
	_, err := checkpoint.Open(dir)
	refuses(t, err, "m-00002-of-00003.gguf", "missing")
}

// Everything that changes answers changes the id; the file's path does not.
func TestID(t *testing.T) {
	ids := map[string]string{}
	for name, change := range map[string]func(m *ggufModel){
		"same":      func(*ggufModel) {},
		"theta":     func(m *ggufModel) { m.set("qwen2.rope.freq_base", float32(5e5)) },
		"template":  func(m *ggufModel) { m.set("tokenizer.chat_template", "other") },
		"merges":    func(m *ggufModel) { m.set("tokenizer.ggml.merges", []string{"h t"}) },
		"end token": func(m *ggufModel) { m.set("tokenizer.ggml.eos_token_id", uint32(3)) },
		"type":      func(m *ggufModel) { m.retype["blk.1.attn_q.weight"] = quant.F16 },
		"weights":   func(m *ggufModel) { m.retype["blk.0.attn_q.weight"] = quant.Q8_0 },
	} {
		m := smallGGUF()
		change(m)
		id := openBytes(t, m.write(t)).Card().ID
		if again := openBytes(t, m.write(t)).Card().ID; again != id || len(id) != 32 {
			t.Errorf("%s: ids %s and %s", name, id, again)
		}
		if other, dup := ids[id]; dup {
			t.Errorf("%s and %s have the same id", name, other)
		}
		ids[id] = name
	}
}
