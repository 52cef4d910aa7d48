package checkpoint

import (
	"fmt"

	"github.com/stagecoach-llm/stagecoach/shard/gguf"
	"github.com/stagecoach-llm/stagecoach/shard/quant"
)

const (
	embedding = "token_embd.weight"
	finalNorm = "output_norm.weight"
	head      = "output.weight"
)

// Shape is a tensor that a configuration implies.
type Shape struct {
	Name       string // canonical
	Rows, Cols int    // out, in; Rows is 1 for a vector
	Vector     bool   // a norm or bias, stored with one dimension
}

// layerTensors lists what layer n needs.
func (c *Config) layerTensors(n int) []Shape {
	q, kv := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	w := []Shape{
		{"attn_norm.weight", 1, c.Hidden, true},
		{"attn_q.weight", q, c.Hidden, false},
		{"attn_q.bias", 1, q, true},
		{"attn_k.weight", kv, c.Hidden, false},
		{"attn_k.bias", 1, kv, true},
		{"attn_v.weight", kv, c.Hidden, false},
		{"attn_v.bias", 1, kv, true},
		{"attn_output.weight", c.Hidden, q, false},
		{"ffn_norm.weight", 1, c.Hidden, true},
		{"ffn_gate.weight", c.FFN, c.Hidden, false},
		{"ffn_up.weight", c.FFN, c.Hidden, false},
		{"ffn_down.weight", c.Hidden, c.FFN, false},
	}
	for i := range w {
		w[i].Name = fmt.Sprintf("blk.%d.%s", n, w[i].Name)
	}
	return w
}

// Shapes lists the tensors that the model needs: embedding, layers, final norm and, unless tied, the head.
func (c *Config) Shapes() []Shape {
	w := []Shape{{embedding, c.Vocab, c.Hidden, false}}
	for n := range c.Layers {
		w = append(w, c.layerTensors(n)...)
	}
	w = append(w, Shape{finalNorm, 1, c.Hidden, true})
	if !c.Tied {
		w = append(w, Shape{head, c.Vocab, c.Hidden, false})
	}
	return w
}

// checkTensors compares the tensors of a file with what its configuration implies: all there, none besides, and
// each of the right shape and a served type.
func checkTensors(c *Config, have map[string]entry) error {
	wants := c.Shapes()
	for _, w := range wants {
		e, ok := have[w.Name]
		if !ok {
			return fmt.Errorf("tensor %s is missing, want %s (is the file complete, and of the Qwen2 architecture?)",
				w.Name, w.text())
		}
		if err := w.check(e); err != nil {
			return fmt.Errorf("tensor %s: %w", w.Name, err)
		}
	}
	if len(have) == len(wants) {
		return nil
	}
	known := map[string]bool{}
	for _, w := range wants {
		known[w.Name] = true
	}
	for name := range have {
		if !known[name] {
			return fmt.Errorf("tensor %s is not part of a Qwen2 model of %d layers (a variant that is not served?)",
				name, c.Layers)
		}
	}
	return nil
}

func (w Shape) text() string { return shapeText(w.Rows, w.Cols, w.Vector) }

func shapeText(rows, cols int, vector bool) string {
	if vector {
		return fmt.Sprintf("[%d]", cols)
	}
	return fmt.Sprintf("[%d, %d]", rows, cols)
}

func (w Shape) check(e entry) error {
	if err := checkType(e.Type); err != nil {
		return err
	}
	if e.Rows != w.Rows || e.Cols != w.Cols || e.vector != w.Vector {
		return fmt.Errorf("shape is %s, want %s (tensors and configuration disagree: is the file from one conversion?)",
			shapeText(e.Rows, e.Cols, e.vector), w.text())
	}
	if w.Vector && e.Type.Scheme() != (quant.Scheme{}) {
		return fmt.Errorf("a vector of type %v, want F32, F16 or BF16 (quantise with llama.cpp, which keeps vectors)", e.Type)
	}
	size, err := e.Type.RowBytes(w.Cols)
	if err != nil {
		return err
	}
	if len(e.Data) != size*w.Rows {
		return fmt.Errorf("%d bytes of data, want %d", len(e.Data), size*w.Rows)
	}
	return nil
}

func checkType(t quant.Type) error {
	if t.Known() {
		return nil
	}
	return fmt.Errorf("%s is not served (served: F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q2_K to Q6_K, "+
		"IQ4_NL, IQ4_XS; take another quantisation such as Q4_K_M)", gguf.TypeName(t))
}
