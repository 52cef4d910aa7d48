package checkpoint

import (
	"fmt"
	"strconv"
	"strings"
)

// hfTop and hfLayer translate Hugging Face's names, without the prefix "model.", to GGUF's.
var hfTop = map[string]string{
	"embed_tokens.weight": embedding,
	"norm.weight":         finalNorm,
	"lm_head.weight":      head,
}

var hfLayer = map[string]string{
	"input_layernorm":          "attn_norm",
	"self_attn.q_proj":         "attn_q",
	"self_attn.k_proj":         "attn_k",
	"self_attn.v_proj":         "attn_v",
	"self_attn.o_proj":         "attn_output",
	"post_attention_layernorm": "ffn_norm",
	"mlp.gate_proj":            "ffn_gate",
	"mlp.up_proj":              "ffn_up",
	"mlp.down_proj":            "ffn_down",
}

// refusedNames are parts of tensor names that tell what a model is that is not served.
var refusedNames = []struct{ part, why string }{
	{".qweight", "the weights are quantised by GPTQ or AWQ, which is not served"},
	{".weight_scale", "the weights are quantised (FP8 or compressed-tensors), which is not served"},
	{".weight_packed", "the weights are quantised by compressed-tensors, which is not served"},
	{".absmax", "the weights are quantised by bitsandbytes, which is not served"},
	{".mlp.experts.", "mixture-of-experts models are not served"},
	{"visual.", "vision models are not served"},
	{".q_norm.", "Qwen3 has query and key norms and is not served"},
	{".lora_A.", "this is a LoRA adapter; merge it into its model first"},
}

// canonicalName translates a tensor's name, with or without the prefix "model."; keep is false for tensors that
// carry no weight.
func canonicalName(name string) (canonical string, keep bool, err error) {
	short := strings.TrimPrefix(name, "model.")
	if c, ok := hfTop[short]; ok {
		return c, true, nil
	}
	if strings.HasSuffix(short, ".rotary_emb.inv_freq") {
		return "", false, nil // a buffer of old transformers versions, recomputed from rope_theta
	}
	if c, ok := canonicalLayerName(short); ok {
		return c, true, nil
	}
	for _, r := range refusedNames {
		if strings.Contains(name, r.part) {
			return "", false, fmt.Errorf("tensor %s: %s", quoteOdd(name), r.why)
		}
	}
	return "", false, fmt.Errorf("tensor %s is not part of a Qwen2 model (a variant that is not served?)", quoteOdd(name))
}

// canonicalLayerName translates "layers.N.MODULE.weight" and ".bias".
func canonicalLayerName(short string) (string, bool) {
	rest, ok := strings.CutPrefix(short, "layers.")
	if !ok {
		return "", false
	}
	number, rest, _ := strings.Cut(rest, ".")
	n, err := strconv.ParseUint(number, 10, 16)
	if err != nil || strconv.FormatUint(n, 10) != number {
		return "", false
	}
	dot := strings.LastIndexByte(rest, '.')
	if dot < 0 || (rest[dot:] != ".weight" && rest[dot:] != ".bias") {
		return "", false
	}
	module, ok := hfLayer[rest[:dot]]
	return fmt.Sprintf("blk.%d.%s%s", n, module, rest[dot:]), ok
}

// quoteOdd makes a name from a file fit for an error message: quoted where odd, cut where long.
func quoteOdd(s string) string {
	if len(s) > 80 {
		s = s[:80] + "…"
	}
	if q := strconv.Quote(s); q != `"`+s+`"` {
		return q
	}
	return s
}
