package checkpoint_test

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stagecoach-llm/stagecoach/shard/checkpoint"
	"github.com/stagecoach-llm/stagecoach/shard/quant"
	"github.com/stagecoach-llm/stagecoach/shard/tokenizer"
)

// The same model as a folder and as a GGUF file gives the same card and the same weights.
func TestFolderEqualsGGUF(t *testing.T) {
	want := openBytes(t, smallGGUF().write(t))
	for name, change := range map[string]func(m *hfModel){
		"bf16 in two parts": func(*hfModel) {},
		"f16 in one":        func(m *hfModel) { m.typ, m.parts = quant.F16, 1 },
		"f32 in three":      func(m *hfModel) { m.typ, m.parts = quant.F32, 3 },
		"no prefix": func(m *hfModel) {
			m.rename = func(n string) string { return strings.TrimPrefix(n, "model.") }
			m.file("config.json")["architectures"] = []string{"Qwen2Model"}
		},
		"old buffers": func(m *hfModel) { m.extra["model.layers.0.self_attn.rotary_emb.inv_freq"] = []int{16} },
		"new config": func(m *hfModel) {
			c := m.file("config.json")
			delete(c, "torch_dtype")
			delete(c, "rope_theta")
			delete(c, "use_sliding_window")
			c["dtype"] = "bfloat16"
			c["rope_parameters"] = object{"rope_type": "default", "rope_theta": 1e6}
			c["layer_types"] = []string{"full_attention", "full_attention"}
			c["head_dim"] = 16
		},
		"no scaling said": func(m *hfModel) { m.file("config.json")["rope_scaling"] = nil },
		"merges as pairs": func(m *hfModel) {
			m.file("tokenizer.json")["model"].(object)["merges"] = [][]string{{"t", "h"}}
		},
		"added tokens in the other file": func(m *hfModel) {
			tokens := object{}
			for _, a := range m.file("tokenizer.json")["added_tokens"].([]object) {
				tokens[itoa(a["id"].(int))] = a
			}
			m.file("tokenizer_config.json")["added_tokens_decoder"] = tokens
			m.file("tokenizer.json")["added_tokens"] = []object{}
		},
		"special tokens as objects": func(m *hfModel) {
			m.file("tokenizer_config.json")["eos_token"] = object{"__type": "AddedToken", "content": "<|im_end|>"}
		},
		"head not said to be its own": func(m *hfModel) { delete(m.file("config.json"), "tie_word_embeddings") },
	} {
		t.Run(name, func(t *testing.T) {
			m := smallHF()
			change(m)
			got := open(t, m.write(t))
			if got.Card().Config != small {
				t.Errorf("configuration\n%+v, want\n%+v", got.Card().Config, small)
			}
			if !reflect.DeepEqual(got.Card().Tokenizer, want.Card().Tokenizer) {
				t.Error("the tokenizer differs")
			}
			if got.Card().Template != want.Card().Template || len(got.Card().Templates) != 0 {
				t.Errorf("template %q, want %q", got.Card().Template, want.Card().Template)
			}
			for _, s := range small.Shapes() {
				if !slices.Equal(widen(t, got, s.Name), widen(t, want, s.Name)) {
					t.Errorf("%s differs", s.Name)
				}
			}
			checkSizes(t, got)
		})
	}
}

func itoa(n int) string {
	s := ""
	for ; n > 0; n /= 10 {
		s = string(rune('0'+n%10)) + s
	}
	return s
}

// A tied model's head is its embedding, also where the file holds a copy, or config.json says nothing.
func TestTiedFolder(t *testing.T) {
	for name, change := range map[string]func(m *hfModel){
		"said, with a copy":    func(m *hfModel) { m.file("config.json")["tie_word_embeddings"] = true },
		"said, without a copy": func(m *hfModel) { m.file("config.json")["tie_word_embeddings"] = true; m.dropHead() },
		"not said":             func(m *hfModel) { delete(m.file("config.json"), "tie_word_embeddings"); m.dropHead() },
	} {
		t.Run(name, func(t *testing.T) {
			m := smallHF()
			change(m)
			c := open(t, m.write(t))
			if !c.Card().Config.Tied {
				t.Fatal("the head is not tied")
			}
			if !slices.Equal(widen(t, c, "output.weight"), widen(t, c, "token_embd.weight")) {
				t.Error("the head is not the embedding")
			}
			checkSizes(t, c)
		})
	}
	m := smallHF()
	m.dropHead()
	_, err := checkpoint.Open(m.write(t))
	refuses(t, err, "tensor output.weight is missing")
}

func (m *hfModel) dropHead() { m.shapes = m.shapes[:len(m.shapes)-1] }

func TestFolderVariants(t *testing.T) {
	yarn := func(m *hfModel, more object) object {
		r := object{"type": "yarn", "factor": 4, "original_max_position_embeddings": 512}
		for k, v := range more {
			r[k] = v
		}
		m.file("config.json")["rope_scaling"] = r
		return r
	}
	for name, c := range map[string]struct {
		change func(m *hfModel)
		get    func(c *checkpoint.Card) any
		want   any
	}{
		"YaRN": {func(m *hfModel) { yarn(m, nil) },
			func(c *checkpoint.Card) any { return []any{*c.Config.Yarn, c.Config.Context} },
			[]any{checkpoint.Yarn{Factor: 4, OriginalContext: 512, BetaFast: 32, BetaSlow: 1, AttnFactor: yarnFactor(4)}, 2048}},
		"YaRN in rope_parameters": {func(m *hfModel) {
			m.file("config.json")["rope_parameters"] = object{"rope_type": "yarn", "rope_theta": 5e5, "factor": 2, "beta_fast": 16,
				"beta_slow": 2, "attention_factor": 1.5}
		}, func(c *checkpoint.Card) any { return []any{*c.Config.Yarn, c.Config.RopeTheta} },
			[]any{checkpoint.Yarn{Factor: 2, OriginalContext: 512, BetaFast: 16, BetaSlow: 2, AttnFactor: 1.5}, 5e5}},
		"YaRN without factor": {func(m *hfModel) { delete(yarn(m, object{"original_max_position_embeddings": 128}), "factor") },
			func(c *checkpoint.Card) any { return []any{c.Config.Yarn.Factor, c.Config.Context} }, []any{4.0, 512}},
		"no kv heads": {func(m *hfModel) {
			delete(m.file("config.json"), "num_key_value_heads")
			c := small
			c.KVHeads = 2
			m.shapes = c.Shapes()
		}, func(c *checkpoint.Card) any { return c.Config.KVHeads }, 2},
		"dual-chunk attention": {func(m *hfModel) {
			m.file("config.json")["dual_chunk_attention_config"] = object{"original_max_position_embeddings": 256}
		}, func(c *checkpoint.Card) any { return c.Config.Context }, 256},
		"no name": {func(m *hfModel) { delete(m.file("config.json"), "_name_or_path") },
			func(c *checkpoint.Card) any { return c.Config.Name }, ""},
		"name from a path": {func(m *hfModel) { m.file("config.json")["_name_or_path"] = `C:\models\mine` },
			func(c *checkpoint.Card) any { return c.Config.Name }, "mine"},
		"template file wins": {func(m *hfModel) {
			m.files["chat_template.jinja"] = "from the file"
			m.files["additional_chat_templates/rag.jinja"] = "for rag"
		}, func(c *checkpoint.Card) any { return []any{c.Template, c.Templates} },
			[]any{"from the file", map[string]string{"rag": "for rag"}}},
		"template in JSON": {func(m *hfModel) { m.files["chat_template.json"] = object{"chat_template": "from JSON"} },
			func(c *checkpoint.Card) any { return c.Template }, "from JSON"},
		"list of templates": {func(m *hfModel) {
			m.file("tokenizer_config.json")["chat_template"] = []object{{"name": "default", "template": "d"},
				{"name": "tool_use", "template": "t"}}
		}, func(c *checkpoint.Card) any { return []any{c.Template, c.Templates} }, []any{"d", map[string]string{"tool_use": "t"}}},
		"no template": {func(m *hfModel) { delete(m.file("tokenizer_config.json"), "chat_template") },
			func(c *checkpoint.Card) any { return c.Template }, ""},
		"sampling": {func(*hfModel) {}, func(c *checkpoint.Card) any {
			d := c.Defaults
			return []any{*d.Temperature, *d.TopP, *d.TopK, *d.RepetitionPenalty}
		}, []any{0.7, 0.8, 20, 1.05}},
		"no generation_config": {func(m *hfModel) { delete(m.files, "generation_config.json") },
			func(c *checkpoint.Card) any { return c.Defaults }, checkpoint.Defaults{}},
		"end tokens by configuration": {func(m *hfModel) {
			m.file("config.json")["eos_token_id"] = []int{3, 4}
			delete(m.files, "tokenizer_config.json")
		}, func(c *checkpoint.Card) any { return c.Tokenizer.EOS }, []int32{3, 4, endID, imEnd}},
		"a start token is added": {func(m *hfModel) { m.file("tokenizer_config.json")["add_bos_token"] = true },
			func(c *checkpoint.Card) any { return []any{c.Tokenizer.AddBOS, c.Tokenizer.BOS} }, []any{true, int32(endID)}},
		"no start token to add": {func(m *hfModel) {
			m.file("tokenizer_config.json")["add_bos_token"], m.file("tokenizer_config.json")["bos_token"] = true, nil
		}, func(c *checkpoint.Card) any { return []any{c.Tokenizer.AddBOS, c.Tokenizer.BOS} }, []any{false, int32(-1)}},
		"control token by its name": {func(m *hfModel) {
			m.file("tokenizer.json")["added_tokens"].([]object)[3]["content"] = "<|fim_prefix|>"
		}, func(c *checkpoint.Card) any { return c.Tokenizer.Kinds[toolID] }, tokenizer.Control},
	} {
		t.Run(name, func(t *testing.T) {
			m := smallHF()
			c.change(m)
			if got := c.get(open(t, m.write(t)).Card()); !reflect.DeepEqual(got, c.want) {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

func TestConfigRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		set  object
		want string
	}{
		"no model type":     {object{"model_type": nil}, "model_type is missing"},
		"llama":             {object{"model_type": "llama"}, "only the Qwen2 architecture is served"},
		"Qwen3":             {object{"model_type": "qwen3"}, "Qwen3 has query and key norms"},
		"mixture":           {object{"model_type": "qwen2_moe"}, "mixture-of-experts"},
		"vision":            {object{"model_type": "qwen2_5_vl"}, "vision models"},
		"vision inside":     {object{"vision_config": object{}}, "vision models"},
		"experts":           {object{"num_experts": 8}, "mixture-of-experts"},
		"classifier":        {object{"architectures": []string{"Qwen2ForSequenceClassification"}}, "Qwen2ForSequenceClassification is not"},
		"embedding model":   {object{"is_causal": false}, "two-way attention"},
		"GPTQ":              {object{"quantization_config": object{"quant_method": "gptq", "bits": 4}}, "quantised by GPTQ"},
		"AWQ":               {object{"quantization_config": object{"quant_method": "awq"}}, "quantised by AWQ"},
		"FP8":               {object{"quantization_config": object{"quant_method": "fp8"}}, "quantised by FP8"},
		"other quantiser":   {object{"quantization_config": object{"quant_method": "new"}}, "quantised by new"},
		"activation":        {object{"hidden_act": "gelu"}, "hidden_act gelu"},
		"sliding window":    {object{"use_sliding_window": true}, "window of 128"},
		"sliding layers":    {object{"layer_types": []string{"sliding_attention"}}, "sliding_attention"},
		"linear scaling":    {object{"rope_scaling": object{"type": "linear", "factor": 2}}, "rope scaling linear"},
		"llama3 scaling":    {object{"rope_parameters": object{"rope_type": "llama3"}}, "rope scaling llama3"},
		"YaRN of nothing":   {object{"rope_scaling": object{"type": "yarn"}}, "without factor"},
		"YaRN factor":       {object{"rope_scaling": object{"type": "yarn", "factor": 1e9}}, "YaRN factor is 1e+09"},
		"YaRN mscale":       {object{"rope_scaling": object{"type": "yarn", "factor": 2, "mscale": 0.7}}, "mscale"},
		"YaRN untruncated":  {object{"rope_scaling": object{"type": "yarn", "factor": 2, "truncate": false}}, "truncate"},
		"3-D positions":     {object{"rope_scaling": object{"type": "default", "mrope_section": []int{1}}}, "vision models"},
		"rope by layer":     {object{"rope_parameters": object{"full_attention": object{}}}, "by layer type"},
		"partial rope":      {object{"rope_parameters": object{"partial_rotary_factor": 0.5}}, "partial_rotary_factor 0.5"},
		"no epsilon":        {object{"rms_norm_eps": nil}, "rms_norm_eps is missing"},
		"no layers":         {object{"num_hidden_layers": nil}, "layers is 0"},
		"negative layers":   {object{"num_hidden_layers": -1}, "layers is -1"},
		"layers as text":    {object{"num_hidden_layers": "two"}, "num_hidden_layers"},
		"no heads":          {object{"num_attention_heads": 0}, "heads is 0"},
		"more layers":       {object{"num_hidden_layers": 3}, "tensor blk.2.attn_norm.weight is missing"},
		"huge vocabulary":   {object{"vocab_size": 1 << 40}, "vocabulary is"},
		"larger vocabulary": {object{"vocab_size": 1 << 23}, "tensor token_embd.weight: shape is [270, 32], want [8388608, 32]"},
		"end token":         {object{"eos_token_id": "</s>"}, "not a token id"},
	} {
		t.Run(name, func(t *testing.T) {
			m := smallHF()
			for k, v := range c.set {
				m.file("config.json")[k] = v
			}
			_, err := checkpoint.Open(m.write(t))
			refuses(t, err, c.want)
			if !strings.HasPrefix(c.want, "tensor ") {
				refuses(t, err, "config.json: ")
			}
		})
	}
}

func TestTokenizerRefusals(t *testing.T) {
	part := func(path ...string) func(m *hfModel) object {
		return func(m *hfModel) object {
			o := m.file("tokenizer.json")
			for _, p := range path {
				o = o[p].(object)
			}
			return o
		}
	}
	split := func(m *hfModel) object { return part("pre_tokenizer")(m)["pretokenizers"].([]object)[0] }
	level := func(m *hfModel) object { return part("pre_tokenizer")(m)["pretokenizers"].([]object)[1] }
	added := func(m *hfModel) object { return m.file("tokenizer.json")["added_tokens"].([]object)[3] }
	for name, c := range map[string]struct {
		of   func(m *hfModel) object
		key  string
		v    any
		want string
	}{
		"unigram":          {part("model"), "type", "Unigram", "type Unigram is not served"},
		"no vocabulary":    {part("model"), "vocab", nil, "model.vocab or model.merges is missing"},
		"no merges":        {part("model"), "merges", nil, "model.vocab or model.merges is missing"},
		"merge of one":     {part("model"), "merges", []string{"th"}, `merge 0 is "th"`},
		"merge of three":   {part("model"), "merges", [][]string{{"a", "b", "c"}}, "merge 0 is"},
		"merges of number": {part("model"), "merges", []int{1}, "neither strings nor pairs"},
		"byte fallback":    {part("model"), "byte_fallback", true, "byte fallback"},
		"ignored merges":   {part("model"), "ignore_merges", true, "ignored merges"},
		"suffix":           {part("model"), "end_of_word_suffix", "</w>", "suffix"},
		"id beyond":        {part("model", "vocab"), "zz", 270, "token zz has the id 270, but vocab_size is 270"},
		"id below":         {part("model", "vocab"), "zz", -1, "token zz has the id -1"},
		"id twice":         {part("model", "vocab"), "zz", 5, "token 5 is both"},
		"normalizer":       {part(), "normalizer", object{"type": "Lowercase"}, "normalizer"},
		"normalizers":      {part(), "normalizer", object{"type": "Sequence", "normalizers": []object{{"type": "NFKC"}}}, "normalizer"},
		"no pre-tokenizer": {part(), "pre_tokenizer", nil, "not Qwen2's sequence"},
		"byte level only":  {part(), "pre_tokenizer", object{"type": "ByteLevel"}, "not Qwen2's sequence"},
		"expression":       {split, "pattern", object{"Regex": `\p{N}{1,3}`}, "not Qwen2's expression"},
		"behaviour":        {split, "behavior", "Removed", "not Qwen2's expression"},
		"prefix space":     {level, "add_prefix_space", true, "not Qwen2's ByteLevel"},
		"byte level's":     {level, "use_regex", nil, "not Qwen2's ByteLevel"},
		"stripping token":  {added, "lstrip", true, "<tool_call> strips"},
		"whole word":       {added, "single_word", true, "word boundaries"},
		"empty token":      {added, "content", "", "token 261 is empty"},
		"conflict":         {added, "id", imEnd, "token 259 is both"},
	} {
		t.Run(name, func(t *testing.T) {
			m := smallHF()
			if name == "conflict" {
				// A second token with the id, in the vocabulary: of two added tokens the later would win.
				part("model", "vocab")(m)["zz"] = imEnd
			}
			c.of(m)[c.key] = c.v
			_, err := checkpoint.Open(m.write(t))
			refuses(t, err, c.want, "tokenizer.json")
		})
	}
}

func TestFolderRefusals(t *testing.T) {
	pointer := "version https://git-lfs.github.com/spec/v1\n"
	for name, c := range map[string]struct {
		change func(m *hfModel)
		want   []string
	}{
		"no tokenizer":        {func(m *hfModel) { delete(m.files, "tokenizer.json") }, []string{"tokenizer.json is missing"}},
		"tokenizer LFS":       {func(m *hfModel) { m.files["tokenizer.json"] = pointer }, []string{"tokenizer.json is a Git LFS pointer"}},
		"tokenizer broken":    {func(m *hfModel) { m.files["tokenizer.json"] = `{"model": {` }, []string{"tokenizer.json: unexpected end"}},
		"config broken":       {func(m *hfModel) { m.files["config.json"] = "{]" }, []string{"config.json: invalid character"}},
		"generation broken":   {func(m *hfModel) { m.files["generation_config.json"] = "[]" }, []string{"generation_config.json"}},
		"template broken":     {func(m *hfModel) { m.files["chat_template.json"] = "7" }, []string{"chat_template.json"}},
		"templates broken":    {func(m *hfModel) { m.file("tokenizer_config.json")["chat_template"] = 7 }, []string{"tokenizer_config.json"}},
		"added token's id":    {func(m *hfModel) { m.file("tokenizer_config.json")["added_tokens_decoder"] = object{"x": object{}} }, []string{"the key x"}},
		"integer weights":     {func(m *hfModel) { m.dtype["model.layers.0.self_attn.q_proj.weight"] = "I16" }, []string{"q_proj.weight: dtype I16", "GGUF"}},
		"GPTQ tensors":        {func(m *hfModel) { m.extra["model.layers.0.self_attn.q_proj.qweight"] = []int{2} }, []string{"GPTQ or AWQ"}},
		"scales":              {func(m *hfModel) { m.extra["model.layers.0.mlp.up_proj.weight_scale_inv"] = []int{2} }, []string{"FP8"}},
		"experts":             {func(m *hfModel) { m.extra["model.layers.0.mlp.experts.0.up_proj.weight"] = []int{2} }, []string{"mixture-of-experts"}},
		"vision":              {func(m *hfModel) { m.extra["visual.blocks.0.norm.weight"] = []int{2} }, []string{"vision models"}},
		"norms":               {func(m *hfModel) { m.extra["model.layers.0.self_attn.q_norm.weight"] = []int{2} }, []string{"Qwen3"}},
		"adapter":             {func(m *hfModel) { m.extra["base_model.model.q_proj.lora_A.weight"] = []int{2, 2} }, []string{"LoRA"}},
		"unknown tensor":      {func(m *hfModel) { m.extra["model.score.weight"] = []int{2} }, []string{"score.weight is not part of a Qwen2"}},
		"layer number":        {func(m *hfModel) { m.extra["model.layers.01.mlp.up_proj.weight"] = []int{2} }, []string{"layers.01"}},
		"three dimensions":    {func(m *hfModel) { m.extra["model.layers.7.mlp.up_proj.weight"] = []int{1, 1, 1} }, []string{"one or two dimensions"}},
		"layer too many":      {func(m *hfModel) { m.extra["model.layers.2.mlp.up_proj.weight"] = []int{2, 2} }, []string{"blk.2.ffn_up.weight is not part"}},
		"with and without":    {func(m *hfModel) { m.extra["norm.weight"] = []int{32} }, []string{"norm.weight occurs twice"}},
		"odd name":            {func(m *hfModel) { m.extra["a\nb"] = []int{1} }, []string{`"a\nb"`}},
		"no weights":          {func(m *hfModel) { m.parts = 0 }, []string{"no .safetensors file"}},
		"end token":           {func(m *hfModel) { m.noEnds() }, []string{"eos_token_id is missing"}},
		"folder as a file":    {func(m *hfModel) { delete(m.files, "tokenizer.json"); m.files["tokenizer.json/x"] = "" }, []string{"tokenizer.json is not a file"}},
		"weights file is LFS": {func(m *hfModel) { m.parts = 0; m.files["model.safetensors"] = pointer }, []string{"Git LFS pointer"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := smallHF()
			c.change(m)
			_, err := checkpoint.Open(m.write(t))
			refuses(t, err, c.want...)
		})
	}
}

// noEnds removes everything that names a token that ends an answer.
func (m *hfModel) noEnds() {
	delete(m.files, "generation_config.json")
	delete(m.files, "tokenizer_config.json")
	delete(m.file("config.json"), "eos_token_id")
	m.file("tokenizer.json")["added_tokens"] = []object{}
}

// Every part of a folder, cut anywhere, is refused.
func TestCutFilesAreRefused(t *testing.T) {
	dir := smallHF().write(t)
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 7 {
		t.Fatal(files, err)
	}
	for _, path := range files {
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for n := range 12 {
			if err := os.WriteFile(path, whole[:len(whole)*n/12], 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := checkpoint.Open(dir)
			refuses(t, err)
		}
		if err := os.WriteFile(path, whole, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	open(t, dir)
}
