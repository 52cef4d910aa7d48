package qwen2

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stagecoach-llm/stagecoach/shard/checkpoint"
	"github.com/stagecoach-llm/stagecoach/shard/gguf"
	"github.com/stagecoach-llm/stagecoach/shard/quant"
)

// synthetic is a model of random weights, for the tests of what does not depend on them.
type synthetic struct {
	layers, hidden, heads, kvHeads, ffn, vocab int

	typ     quant.Type // of the matrices
	keyBias float32    // size of the key biases
}

var small = synthetic{layers: 6, hidden: 256, heads: 4, kvHeads: 2, ffn: 512, vocab: 320, typ: quant.Q8_0, keyBias: 1}

// halfB is Qwen2.5-0.5B.
var halfB = synthetic{layers: 24, hidden: 896, heads: 14, kvHeads: 2, ffn: 4864, vocab: 151936, typ: quant.Q8_0, keyBias: 1}

func (s synthetic) open(t testing.TB) *checkpoint.Checkpoint {
	t.Helper()
	w := gguf.NewWriter()
	for _, kv := range []struct {
		key string
		v   any
	}{
		{"general.architecture", "qwen2"}, {"qwen2.block_count", uint32(s.layers)},
		{"qwen2.embedding_length", uint32(s.hidden)}, {"qwen2.attention.head_count", uint32(s.heads)},
		{"qwen2.attention.head_count_kv", uint32(s.kvHeads)}, {"qwen2.feed_forward_length", uint32(s.ffn)},
		{"qwen2.context_length", uint32(4096)}, {"qwen2.attention.layer_norm_rms_epsilon", float32(1e-6)},
		{"qwen2.rope.freq_base", float32(1e6)}, {"tokenizer.ggml.model", "gpt2"}, {"tokenizer.ggml.pre", "qwen2"},
		{"tokenizer.ggml.tokens", s.tokens()}, {"tokenizer.ggml.merges", []string{"t0 t1"}},
		{"tokenizer.ggml.token_type", slices.Repeat([]int32{1}, s.vocab)},
		{"tokenizer.ggml.eos_token_id", uint32(0)},
	} {
		if err := w.Set(kv.key, kv.v); err != nil {
			t.Fatal(err)
		}
	}
	s.tensors(t, w)
	var b bytes.Buffer
	if _, size := w.Sections(); size > 1<<20 {
		b.Grow(int(size))
	}
	if err := w.WriteTo(&b, s.fill); err != nil {
		t.Fatal(err)
	}
	ck, err := checkpoint.OpenBytes(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ck.Close() })
	return ck
}

func (s synthetic) tokens() []string {
	tokens := make([]string, s.vocab)
	for i := range tokens {
		tokens[i] = fmt.Sprintf("t%d", i)
	}
	return tokens
}

func (s synthetic) tensors(t testing.TB, w *gguf.Writer) {
	add := func(name string, typ quant.Type, dims ...int) {
		d := make([]int64, len(dims))
		for i := range d {
			d[i] = int64(dims[i])
		}
		if err := w.Add(name, typ, d...); err != nil {
			t.Fatal(err)
		}
	}
	kv := s.hidden / s.heads * s.kvHeads
	add("token_embd.weight", s.typ, s.hidden, s.vocab)
	add("output_norm.weight", quant.F32, s.hidden)
	for n := range s.layers {
		blk := fmt.Sprintf("blk.%d.", n)
		add(blk+"attn_norm.weight", quant.F32, s.hidden)
		add(blk+"ffn_norm.weight", quant.F32, s.hidden)
		for name, out := range map[string]int{"attn_q": s.hidden, "attn_k": kv, "attn_v": kv} {
			add(blk+name+".weight", s.typ, s.hidden, out)
			add(blk+name+".bias", quant.F32, out)
		}
		add(blk+"attn_output.weight", s.typ, s.hidden, s.hidden)
		add(blk+"ffn_gate.weight", s.typ, s.hidden, s.ffn)
		add(blk+"ffn_up.weight", s.typ, s.hidden, s.ffn)
		add(blk+"ffn_down.weight", s.typ, s.ffn, s.hidden)
	}
}

// fill repeats some random rows: drawing half a billion numbers would take longer than what is measured.
func (s synthetic) fill(w io.Writer, sec gguf.Section) error {
	r := rand.New(rand.NewPCG(uint64(sec.Offset), 9))
	cols := int(sec.Dims[0])
	size := float32(1 / math.Sqrt(float64(cols)))
	centre := float32(0)
	switch {
	case bytes.HasSuffix([]byte(sec.Name), []byte("norm.weight")):
		size, centre = 0.1, 1
	case bytes.HasSuffix([]byte(sec.Name), []byte("attn_k.bias")):
		size = s.keyBias
	case bytes.HasSuffix([]byte(sec.Name), []byte("bias")):
		size = 0.5
	}
	rows := 1
	if len(sec.Dims) > 1 {
		rows = int(min(sec.Dims[1], 61))
	}
	x := make([]float32, cols*rows)
	for i := range x {
		x[i] = centre + size*float32(r.NormFloat64())
	}
	n, err := sec.Type.RowBytes(cols)
	if err != nil {
		return err
	}
	b := make([]byte, n*rows)
	if err := quant.Quantize(sec.Type, b, x); err != nil {
		return err
	}
	for left := int(sec.Size); left > 0; left -= len(b) {
		if _, err := w.Write(b[:min(left, len(b))]); err != nil {
			return err
		}
	}
	return nil
}
