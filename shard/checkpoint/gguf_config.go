package checkpoint

import (
	"fmt"
	"math"

	"github.com/stagecoach-llm/stagecoach/shard/gguf"
)

// refusedArchs are general.architecture values that people are likely to try, and what to tell them.
var refusedArchs = map[string]string{
	"qwen":      "the first Qwen generation is not served",
	"qwen2moe":  "mixture-of-experts models are not served",
	"qwen2vl":   "vision models are not served",
	"qwen3":     "Qwen3 has query and key norms and is not served",
	"qwen3moe":  "mixture-of-experts models are not served",
	"qwen3vl":   "vision models are not served",
	"qwen3next": "Qwen3-Next is not served",
	"clip":      "this is the vision part of a model; vision models are not served",
	"dream":     "diffusion language models are not served",
}

// checkGGUFKind refuses files that are not a Qwen2 text model, by name.
func checkGGUFKind(f *gguf.File) error {
	if typ, ok, err := f.Text("general.type"); err != nil {
		return err
	} else if ok && typ != "model" {
		return fmt.Errorf("the file is of the type %q, want a model", typ)
	}
	arch, ok, err := f.Text("general.architecture")
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("general.architecture is missing, want qwen2")
	}
	if arch == "qwen2" {
		return nil
	}
	why, known := refusedArchs[arch]
	if !known {
		why = "only the Qwen2 architecture is served (Qwen1.5, Qwen2, Qwen2.5 and models made from them)"
	}
	return fmt.Errorf("architecture %q: %s", arch, why)
}

// keys reads the qwen2.* metadata, remembering the first error.
type keys struct {
	f   *gguf.File
	err error
}

// int gives a required (fallback < 0) or optional integer.
func (k *keys) int(key string, fallback int) int {
	n, ok, err := k.f.Uint("qwen2." + key)
	switch {
	case err != nil:
		k.fail(err)
	case !ok && fallback < 0:
		k.fail(fmt.Errorf("metadata key qwen2.%s is missing", key))
	case !ok:
		return fallback
	case n > math.MaxInt32:
		k.fail(fmt.Errorf("metadata key qwen2.%s is %d: too large", key, n))
	}
	return int(n)
}

func (k *keys) float(key string, fallback float64) float64 {
	x, ok, err := k.f.Float("qwen2." + key)
	if err != nil {
		k.fail(err)
	}
	if !ok {
		return fallback
	}
	return x
}

func (k *keys) text(key string) string {
	s, _, err := k.f.Text("qwen2." + key)
	if err != nil {
		k.fail(err)
	}
	return s
}

func (k *keys) fail(err error) {
	if k.err == nil {
		k.err = err
	}
}

// ggufConfig reads the configuration; Vocab, RealVocab and Tied are left to the caller.
func ggufConfig(f *gguf.File) (Config, error) {
	k := &keys{f: f}
	c := Config{
		Layers:  k.int("block_count", -1),
		Hidden:  k.int("embedding_length", -1),
		Heads:   k.int("attention.head_count", -1),
		FFN:     k.int("feed_forward_length", -1),
		Context: k.int("context_length", -1),
		Eps:     float32(k.float("attention.layer_norm_rms_epsilon", 0)),
		// llama.cpp's default, too, is 10000; Qwen2 files say 1e6.
		RopeTheta: k.float("rope.freq_base", 10000),
	}
	c.KVHeads = k.int("attention.head_count_kv", c.Heads)
	if c.Heads > 0 {
		c.HeadDim = k.int("attention.key_length", c.Hidden/c.Heads)
	}
	if c.Eps == 0 {
		k.fail(fmt.Errorf("metadata key qwen2.attention.layer_norm_rms_epsilon is missing or 0"))
	}
	c.Yarn = ggufYarn(k, c.Context)
	c.Context = c.Yarn.extendedContext(c.Context)
	k.refuse(&c)
	name, _, err := f.Text("general.name")
	if err != nil {
		k.fail(err)
	}
	c.Name = name
	return c, k.err
}

// refuse fails for keys that ask for something that is not served.
func (k *keys) refuse(c *Config) {
	if n := k.int("attention.value_length", c.HeadDim); n != c.HeadDim {
		k.fail(fmt.Errorf("qwen2.attention.value_length is %d, want the key length %d", n, c.HeadDim))
	}
	if n := k.int("rope.dimension_count", c.HeadDim); n != c.HeadDim {
		k.fail(fmt.Errorf("qwen2.rope.dimension_count is %d, want the head dimension %d", n, c.HeadDim))
	}
	if n := k.int("expert_count", 0); n != 0 {
		k.fail(fmt.Errorf("qwen2.expert_count is %d: mixture-of-experts models are not served", n))
	}
	if n := k.int("attention.sliding_window", 0); n != 0 && n < c.Context {
		k.fail(fmt.Errorf("qwen2.attention.sliding_window is %d: sliding-window attention is not served", n))
	}
}

// ggufYarn reads qwen2.rope.scaling.*; nil for no scaling.
func ggufYarn(k *keys, context int) *Yarn {
	typ := k.text("rope.scaling.type")
	factor := k.float("rope.scaling.factor", k.float("rope.scale_linear", 1))
	if factor == 0 {
		factor = 1 // llama.cpp reads 0 as none
	}
	switch {
	case typ == "" && factor == 1, typ == "none", typ == "linear" && factor == 1:
		return nil
	case typ != "yarn":
		if typ == "" {
			typ = "linear" // llama.cpp's default for a factor without type
		}
		k.fail(fmt.Errorf("rope scaling %q with factor %g is not served (served: none, yarn)", typ, factor))
		return nil
	}
	if ext := k.float("rope.scaling.yarn_ext_factor", 1); ext != 1 {
		k.fail(fmt.Errorf("YaRN extrapolation factor %g is not served, want 1", ext))
	}
	if mul := k.float("rope.scaling.yarn_log_multiplier", 0); mul != 0 {
		k.fail(fmt.Errorf("YaRN log multiplier %g is not served", mul))
	}
	// Here, unlike in Hugging Face's config, the factors multiply YaRN's own.
	attn := k.float("rope.scaling.attn_factor", 1) * k.float("rope.scaling.yarn_attn_factor", 1)
	return &Yarn{
		Factor:          factor,
		OriginalContext: k.int("rope.scaling.original_context_length", context),
		BetaFast:        k.float("rope.scaling.yarn_beta_fast", 32),
		BetaSlow:        k.float("rope.scaling.yarn_beta_slow", 1),
		AttnFactor:      attn * yarnAttention(factor),
	}
}

// yarnAttention is YaRN's own scale of cos and sin: 0.1 ln(factor) + 1 (arXiv 2309.00071, eq. 22).
func yarnAttention(factor float64) float64 {
	if factor <= 1 {
		return 1
	}
	return float64(0.1*math.Log(factor)) + 1
}
