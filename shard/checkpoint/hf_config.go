package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"
)

// hfConfig is what is read of config.json; pointers where absence matters.
type hfConfig struct {
	Architectures []string `json:"architectures"`
	ModelType     string   `json:"model_type"`
	NameOrPath    string   `json:"_name_or_path"`

	Layers    int      `json:"num_hidden_layers"`
	Hidden    int      `json:"hidden_size"`
	Heads     int      `json:"num_attention_heads"`
	KVHeads   *int     `json:"num_key_value_heads"`
	HeadDim   *int     `json:"head_dim"`
	FFN       int      `json:"intermediate_size"`
	Vocab     int      `json:"vocab_size"`
	Context   int      `json:"max_position_embeddings"`
	Eps       *float64 `json:"rms_norm_eps"`
	Tied      *bool    `json:"tie_word_embeddings"`
	HiddenAct string   `json:"hidden_act"`

	RopeTheta      *float64 `json:"rope_theta"`
	RopeScaling    *hfRope  `json:"rope_scaling"`
	RopeParameters *hfRope  `json:"rope_parameters"` // transformers 5

	UseSlidingWindow bool     `json:"use_sliding_window"`
	SlidingWindow    *int     `json:"sliding_window"`
	LayerTypes       []string `json:"layer_types"`
	IsCausal         *bool    `json:"is_causal"`

	Quantization *struct {
		Method string `json:"quant_method"`
	} `json:"quantization_config"`
	Vision    json.RawMessage `json:"vision_config"`
	Experts   *int            `json:"num_experts"`
	DualChunk *struct {
		Original int `json:"original_max_position_embeddings"`
	} `json:"dual_chunk_attention_config"`

	BOS ids `json:"bos_token_id"`
	EOS ids `json:"eos_token_id"`
	Pad ids `json:"pad_token_id"`
}

// ids is a token id, a list of them, or null.
type ids []int64

func (n *ids) UnmarshalJSON(b []byte) error {
	var one int64
	if json.Unmarshal(b, &one) == nil && string(b) != "null" {
		*n = ids{one}
		return nil
	}
	var many []int64
	if json.Unmarshal(b, &many) != nil {
		return fmt.Errorf("%.40s is not a token id, nor a list of them", b)
	}
	*n = many
	return nil
}

// first gives the first id, if there is one.
func (n ids) first() (int64, bool) {
	if len(n) == 0 {
		return 0, false
	}
	return n[0], true
}

// config translates; Tied and RealVocab are left to the caller, sizes to Check.
func (h *hfConfig) config() (Config, error) {
	if err := h.refuse(); err != nil {
		return Config{}, err
	}
	c := Config{
		Name: baseName(h.NameOrPath), Layers: h.Layers, Hidden: h.Hidden, Heads: h.Heads, KVHeads: h.Heads,
		FFN: h.FFN, Vocab: h.Vocab, Context: h.Context, RopeTheta: 10000, // transformers' default
	}
	if h.KVHeads != nil {
		c.KVHeads = *h.KVHeads
	}
	switch {
	case h.HeadDim != nil:
		c.HeadDim = *h.HeadDim
	case h.Heads > 0:
		c.HeadDim = h.Hidden / h.Heads
	}
	if h.Eps == nil {
		return c, errors.New("rms_norm_eps is missing")
	}
	c.Eps = float32(*h.Eps)
	if err := h.rope(&c); err != nil {
		return c, err
	}
	if d := h.DualChunk; d != nil && d.Original > 0 && d.Original < c.Context {
		c.Context = d.Original // without dual-chunk attention the model is good for its original context
	}
	return c, nil
}

// baseName is the model's name in "organisation/name" or in a path; not the folder's, which differs by machine.
func baseName(nameOrPath string) string {
	if nameOrPath == "" {
		return ""
	}
	return path.Base(strings.ReplaceAll(nameOrPath, `\`, "/"))
}
