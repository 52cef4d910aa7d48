package synth

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stagecoach-llm/stagecoach/shard/checkpoint"
	"github.com/stagecoach-llm/stagecoach/shard/quant"
)

// A file type names a mix of tensor types; this file is llama_tensor_get_type of llama.cpp's src/llama-quant.cpp
// without importance matrix, for the Qwen2 architecture and the types that are served.

// fileType is a mix: the number of general.file_type, and the type of most matrices.
type fileType struct {
	number uint32
	base   quant.Type
}

var fileTypes = map[string]fileType{
	"f32": {0, quant.F32}, "f16": {1, quant.F16}, "bf16": {32, quant.BF16},
	"q4_0": {2, quant.Q4_0}, "q4_1": {3, quant.Q4_1}, "q5_0": {8, quant.Q5_0}, "q5_1": {9, quant.Q5_1},
	"q8_0": {7, quant.Q8_0},
	"q2_k": {10, quant.Q2_K}, "q2_k_s": {21, quant.Q2_K},
	"q3_k_s": {11, quant.Q3_K}, "q3_k_m": {12, quant.Q3_K}, "q3_k_l": {13, quant.Q3_K},
	"q4_k_s": {14, quant.Q4_K}, "q4_k_m": {15, quant.Q4_K},
	"q5_k_s": {16, quant.Q5_K}, "q5_k_m": {17, quant.Q5_K},
	"q6_k":   {18, quant.Q6_K},
	"iq4_nl": {25, quant.IQ4_NL}, "iq4_xs": {30, quant.IQ4_XS},
}

// Types lists the file types, in llama.cpp's names (q4_k_m, …).
func Types() []string { return slices.Sorted(maps.Keys(fileTypes)) }

// mix chooses tensor types for one model.
type mix struct {
	name string // of the file type
	fileType
	cfg *checkpoint.Config
}

func newMix(name string, cfg *checkpoint.Config) (*mix, error) {
	name = strings.ToLower(name)
	if name == "" {
		name = "q8_0"
	}
	t, ok := fileTypes[name]
	if !ok {
		return nil, fmt.Errorf("synth: type %q is unknown (known: %s)", name, strings.Join(Types(), ", "))
	}
	return &mix{name, t, cfg}, nil
}

// quantised tells whether the mix has blocks at all.
func (m *mix) quantised() bool { return m.base.Scheme() != (quant.Scheme{}) }

// tensor gives the type of a tensor; layer is -1 outside the layers.
func (m *mix) tensor(s checkpoint.Shape, layer int) quant.Type {
	switch {
	case s.Vector:
		return quant.F32
	case !m.quantised():
		return m.base
	}
	return fallback(m.preferred(s, layer), s.Cols)
}

// preferred is the type before it is known whether the rows are whole blocks of it.
func (m *mix) preferred(s checkpoint.Shape, layer int) quant.Type {
	_, kind, _ := strings.Cut(strings.TrimPrefix(s.Name, "blk."), ".")
	switch {
	case s.Name == "output.weight", s.Name == "token_embd.weight" && m.cfg.Tied:
		return m.head(s.Cols)
	case kind == "attn_v.weight":
		return m.attnV(layer)
	case kind == "ffn_down.weight":
		return m.ffnDown(layer)
	case kind == "attn_output.weight":
		return pick(m.name, m.base, map[string]quant.Type{
			"q2_k": quant.Q3_K, "q3_k_m": quant.Q4_K, "q3_k_l": quant.Q5_K,
		})
	}
	return m.base
}

func (m *mix) head(cols int) quant.Type {
	block, _ := m.base.Block()
	if cols%block != 0 || m.base == quant.Q8_0 {
		return quant.Q8_0
	}
	return quant.Q6_K
}

func (m *mix) attnV(layer int) quant.Type {
	t := m.base
	shared := m.cfg.Heads/m.cfg.KVHeads >= 4 // few v weights serve many heads
	switch {
	case m.name == "q2_k" && !shared:
		t = quant.Q3_K
	case strings.HasPrefix(m.name, "q2_k") && shared:
		t = quant.Q4_K
	case m.name == "q3_k_m" && layer < 2, m.name == "q3_k_l":
		t = quant.Q5_K
	case m.name == "q3_k_m":
		t = quant.Q4_K
	case strings.HasPrefix(m.name, "iq4") && shared:
		t = quant.Q5_K
	case (m.name == "q4_k_m" || m.name == "q5_k_m") && m.moreBits(layer):
		t = quant.Q6_K
	case m.name == "q4_k_s" && layer < 4:
		t = quant.Q5_K
	}
	if m.cfg.Layers == 80 && (t == quant.Q3_K || t == quant.Q4_K) {
		return quant.Q5_K // llama.cpp's "70B"
	}
	return t
}

func (m *mix) ffnDown(layer int) quant.Type {
	firstEighth := layer < m.cfg.Layers/8
	switch {
	case m.name == "q2_k":
		return quant.Q3_K
	case m.name == "q2_k_s" && firstEighth:
		return quant.Q4_K
	case m.name == "q3_k_m" && layer < m.cfg.Layers/16, m.name == "q3_k_l":
		return quant.Q5_K
	case m.name == "q3_k_m":
		return quant.Q4_K
	case (m.name == "q4_k_m" || m.name == "q5_k_m") && m.moreBits(layer):
		return quant.Q6_K
	case (m.name == "q4_k_s" || strings.HasPrefix(m.name, "iq4")) && firstEighth:
		return quant.Q5_K
	}
	return m.base
}

// moreBits chooses the first and last eighth of the layers, and every third between.
func (m *mix) moreBits(layer int) bool {
	n := m.cfg.Layers
	return layer < n/8 || layer >= 7*n/8 || (layer-n/8)%3 == 2
}

func pick(name string, otherwise quant.Type, by map[string]quant.Type) quant.Type {
	if t, ok := by[name]; ok {
		return t
	}
	return otherwise
}

// fallback replaces a type whose blocks do not divide the row.
func fallback(t quant.Type, cols int) quant.Type {
	if _, err := t.RowBytes(cols); err == nil {
		return t
	}
	smaller := map[quant.Type]quant.Type{
		quant.Q2_K: quant.IQ4_NL, quant.Q3_K: quant.IQ4_NL, quant.IQ4_XS: quant.IQ4_NL,
		quant.Q4_K: quant.Q5_0, quant.Q5_K: quant.Q5_1, quant.Q6_K: quant.Q8_0,
	}
	if s, ok := smaller[t]; ok {
		if _, err := s.RowBytes(cols); err == nil {
			return s
		}
	}
	return quant.F16
}
