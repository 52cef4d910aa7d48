package checkpoint_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stagecoach-llm/stagecoach/shard/checkpoint"
	"github.com/stagecoach-llm/stagecoach/shard/gguf"
	"github.com/stagecoach-llm/stagecoach/shard/quant"
)

// small is the configuration of the models that tests make.
var small = checkpoint.Config{
	Name: "small", Layers: 2, Hidden: 32, Heads: 2, KVHeads: 1, HeadDim: 16, FFN: 48, Vocab: 270, RealVocab: 262,
	Context: 512, Eps: 1e-5, RopeTheta: 1e6,
}

// Ids of small's vocabulary: 256 bytes, one merge, then these.
const (
	thID   = 256 + iota
	endID  // <|endoftext|>
	imID   // <|im_start|>
	imEnd  // <|im_end|>
	gapID  // nothing
	toolID // <tool_call>, user-defined
)

// vocabulary gives small's real tokens by id, with "" for the gap.
func vocabulary() []string {
	var first, others []string
	for b := rune(0); b < 256; b++ {
		if b > ' ' && b < 0x7f || b > 0xa0 && b != 0xad {
			first = append(first, string(b))
		} else {
			others = append(others, string(rune(0x100+len(others))))
		}
	}
	return append(append(first, others...), "th", "<|endoftext|>", "<|im_start|>", "<|im_end|>", "", "<tool_call>")
}

// value is element i of the tensor; the same in every file format, and exact in F16 and BF16.
func value(name string, i int) float32 {
	return float32((len(name)*7+i*13)%127-63) / 64
}

// weights gives a tensor's data in a float format.
func weights(t testing.TB, s checkpoint.Shape, typ quant.Type) []byte {
	t.Helper()
	x := make([]float32, s.Rows*s.Cols)
	for i := range x {
		x[i] = value(s.Name, i)
	}
	_, size := typ.Block()
	b := make([]byte, len(x)*size)
	if err := quant.Quantize(typ, b, x); err != nil {
		t.Fatal(err)
	}
	return b
}

// ggufModel is a GGUF file in the making.
type ggufModel struct {
	meta    map[string]any
	shapes  []checkpoint.Shape
	retype  map[string]quant.Type // tensors that are not F32
	flatten map[string]bool       // vectors that are written with two dimensions
}

func smallGGUF() *ggufModel {
	tokens := vocabulary()
	kinds := make([]int32, small.Vocab)
	for id := range kinds {
		switch {
		case id >= len(tokens) || tokens[id] == "":
			kinds[id] = 5
		case id >= endID && id <= imEnd:
			kinds[id] = 3
		case id == toolID:
			kinds[id] = 4
		default:
			kinds[id] = 1
		}
	}
	tokens[gapID] = fmt.Sprintf("[PAD%d]", gapID)
	for id := len(tokens); id < small.Vocab; id++ {
		tokens = append(tokens, fmt.Sprintf("[PAD%d]", id))
	}
	return &ggufModel{
		shapes: small.Shapes(),
		meta: map[string]any{
			"general.architecture": "qwen2", "general.type": "model", "general.name": "small",
			"qwen2.block_count": uint32(2), "qwen2.embedding_length": uint32(32), "qwen2.feed_forward_length": uint32(48),
			"qwen2.attention.head_count": uint32(2), "qwen2.attention.head_count_kv": uint32(1),
			"qwen2.context_length": uint32(512), "qwen2.rope.freq_base": float32(1e6),
			"qwen2.attention.layer_norm_rms_epsilon": float32(1e-5),
			"tokenizer.ggml.model":                   "gpt2", "tokenizer.ggml.pre": "qwen2",
			"tokenizer.ggml.tokens": tokens, "tokenizer.ggml.token_type": kinds, "tokenizer.ggml.merges": []string{"t h"},
			"tokenizer.ggml.eos_token_id": uint32(imEnd), "tokenizer.ggml.bos_token_id": uint32(endID),
			"tokenizer.ggml.padding_token_id": uint32(endID), "tokenizer.ggml.add_bos_token": false,
			"tokenizer.chat_template": "default template",
		},
		retype: map[string]quant.Type{}, flatten: map[string]bool{},
	}
}

// set changes metadata; nil removes a key.
func (m *ggufModel) set(key string, v any) {
	if v == nil {
		delete(m.meta, key)
		return
	}
	m.meta[key] = v
}

// write gives the file's bytes.
func (m *ggufModel) write(t testing.TB) []byte {
	t.Helper()
	w := gguf.NewWriter()
	for _, key := range slices.Sorted(maps.Keys(m.meta)) {
		if err := w.Set(key, m.meta[key]); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range m.shapes {
		dims := []int64{int64(s.Cols), int64(s.Rows)}
		if s.Vector && !m.flatten[s.Name] {
			dims = dims[:1]
		}
		if err := w.Add(s.Name, m.retype[s.Name], dims...); err != nil {
			t.Fatal(err)
		}
	}
	at := 0
	var b bytes.Buffer
	err := w.WriteTo(&b, func(dst io.Writer, sec gguf.Section) error {
		s := m.shapes[at]
		at++
		data := make([]byte, sec.Size)
		if sec.Type == quant.F32 {
			data = weights(t, s, quant.F32)
		}
		_, err := dst.Write(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// hfModel is a Hugging Face folder in the making: files by name, JSON where the value is not a string.
type hfModel struct {
	files  map[string]any
	shapes []checkpoint.Shape
	typ    quant.Type
	rename func(name string) string
	extra  map[string][]int // more tensors: shapes by name
	dtype  map[string]string
	parts  int
}

type object = map[string]any

func smallHF() *hfModel {
	vocab := object{}
	for id, text := range vocabulary()[:endID] {
		vocab[text] = id
	}
	added := func(id int, text string, special bool) object {
		return object{"id": id, "content": text, "special": special, "lstrip": false, "rstrip": false, "single_word": false,
			"normalized": false}
	}
	return &hfModel{
		shapes: small.Shapes(), typ: quant.BF16, parts: 2, extra: map[string][]int{}, dtype: map[string]string{},
		files: map[string]any{
			"config.json": object{
				"architectures": []string{"Qwen2ForCausalLM"}, "model_type": "qwen2", "_name_or_path": "someone/small",
				"hidden_act": "silu", "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
				"num_attention_heads": 2, "num_key_value_heads": 1, "vocab_size": small.Vocab,
				"max_position_embeddings": 512, "rope_theta": 1e6, "rms_norm_eps": 1e-5, "tie_word_embeddings": false,
				"use_sliding_window": false, "sliding_window": 128, "torch_dtype": "bfloat16", "eos_token_id": imEnd,
			},
			"generation_config.json": object{"temperature": 0.7, "top_p": 0.8, "top_k": 20, "repetition_penalty": 1.05,
				"eos_token_id": []int{imEnd, endID}, "pad_token_id": endID},
			"tokenizer_config.json": object{"bos_token": "<|endoftext|>", "eos_token": "<|im_end|>",
				"pad_token": "<|endoftext|>", "chat_template": "default template"},
			"tokenizer.json": object{
				"added_tokens": []object{added(endID, "<|endoftext|>", true), added(imID, "<|im_start|>", true),
					added(imEnd, "<|im_end|>", true), added(toolID, "<tool_call>", false)},
				"normalizer": object{"type": "NFC"},
				"pre_tokenizer": object{"type": "Sequence", "pretokenizers": []object{
					{"type": "Split", "behavior": "Isolated", "invert": false, "pattern": object{"Regex": qwen2Regex}},
					{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false},
				}},
				"model": object{"type": "BPE", "vocab": vocab, "merges": []string{"t h"}, "byte_fallback": false},
			},
		},
	}
}

const qwen2Regex = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|` +
	`\s*[\r\n]+|\s+(?!\S)|\s+`

// file gives a JSON file's object, to be changed.
func (m *hfModel) file(name string) object { return m.files[name].(object) }

// hfName translates a canonical name.
func hfName(name string) string {
	r := strings.NewReplacer("token_embd", "model.embed_tokens", "output_norm", "model.norm", "blk.", "model.layers.",
		"attn_norm", "input_layernorm", "attn_q", "self_attn.q_proj", "attn_k", "self_attn.k_proj",
		"attn_v", "self_attn.v_proj", "attn_output", "self_attn.o_proj", "ffn_norm", "post_attention_layernorm",
		"ffn_gate", "mlp.gate_proj", "ffn_up", "mlp.up_proj", "ffn_down", "mlp.down_proj")
	if name == "output.weight" {
		return "lm_head.weight"
	}
	return r.Replace(name)
}

// hfTensor is a tensor to be written.
type hfTensor struct {
	name, dtype string
	shape       []int
	data        []byte
}

func (m *hfModel) tensors(t testing.TB) []hfTensor {
	var all []hfTensor
	for _, s := range m.shapes {
		x := hfTensor{hfName(s.Name), m.typ.String(), []int{s.Rows, s.Cols}, weights(t, s, m.typ)}
		if s.Vector {
			x.shape = x.shape[1:]
		}
		if m.rename != nil {
			x.name = m.rename(x.name)
		}
		all = append(all, x)
	}
	for _, name := range slices.Sorted(maps.Keys(m.extra)) {
		n := 4
		for _, d := range m.extra[name] {
			n *= d
		}
		all = append(all, hfTensor{name, "F32", m.extra[name], make([]byte, n)})
	}
	for i := range all {
		if d, ok := m.dtype[all[i].name]; ok {
			all[i].dtype = d
		}
	}
	return all
}

// write gives the folder.
func (m *hfModel) write(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	put := func(name string, content []byte) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, v := range m.files {
		if text, ok := v.(string); ok {
			put(name, []byte(text))
			continue
		}
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		put(name, b)
	}
	all, where := m.tensors(t), object{}
	for i := range m.parts {
		name := fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, m.parts)
		part := all[len(all)*i/m.parts : len(all)*(i+1)/m.parts]
		for _, x := range part {
			where[x.name] = name
		}
		put(name, safetensors(t, part))
	}
	index, err := json.Marshal(object{"weight_map": where})
	if err != nil {
		t.Fatal(err)
	}
	if m.parts > 1 {
		put("model.safetensors.index.json", index)
	}
	return dir
}

// safetensors writes one file.
func safetensors(t testing.TB, tensors []hfTensor) []byte {
	t.Helper()
	header, at := object{"__metadata__": object{"format": "pt"}}, 0
	for _, x := range tensors {
		header[x.name] = object{"dtype": x.dtype, "shape": x.shape, "data_offsets": []int{at, at + len(x.data)}}
		at += len(x.data)
	}
	h, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	b := append(binary.LittleEndian.AppendUint64(nil, uint64(len(h))), h...)
	for _, x := range tensors {
		b = append(b, x.data...)
	}
	return b
}

func openBytes(t testing.TB, b []byte) *checkpoint.Checkpoint {
	t.Helper()
	c, err := checkpoint.OpenBytes(b)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func open(t testing.TB, path string) *checkpoint.Checkpoint {
	t.Helper()
	c, err := checkpoint.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// widen gives a tensor's values.
func widen(t testing.TB, c *checkpoint.Checkpoint, name string) []float32 {
	t.Helper()
	w, err := c.Tensor(name)
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float32, w.Rows*w.Cols)
	if err := quant.Dequantize(w.Type, x, w.Data); err != nil {
		t.Fatal(err)
	}
	return x
}

// refuses checks that an error is one line with all the words.
func refuses(t testing.TB, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want one with %q", words)
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %q, want one line with %q", err, w)
		}
	}
}

// yarnFactor is YaRN's own scale of cos and sin.
func yarnFactor(factor float64) float64 { return 0.1*math.Log(factor) + 1 }
