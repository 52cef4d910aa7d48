package checkpoint

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// refusedModels are model_type values that people are likely to try, and what to tell them.
var refusedModels = map[string]string{
	"qwen":       "the first Qwen generation is not served",
	"qwen2_moe":  "mixture-of-experts models are not served",
	"qwen3_moe":  "mixture-of-experts models are not served",
	"qwen2_vl":   "vision models are not served",
	"qwen2_5_vl": "vision models are not served",
	"qwen3_vl":   "vision models are not served",
	"qwen3":      "Qwen3 has query and key norms and is not served",
	"qwen3_next": "Qwen3-Next is not served",
}

// refusedMethods are quant_method values.
var refusedMethods = map[string]string{
	"gptq":               "GPTQ",
	"awq":                "AWQ",
	"fp8":                "FP8",
	"bitsandbytes":       "bitsandbytes",
	"compressed-tensors": "compressed-tensors",
	"hqq":                "HQQ",
	"aqlm":               "AQLM",
}

// refuse fails for what is not served, by name.
func (h *hfConfig) refuse() error {
	if h.ModelType != "qwen2" {
		return refuseModel(h.ModelType)
	}
	for _, a := range h.Architectures {
		if a != "Qwen2ForCausalLM" && a != "Qwen2Model" {
			return fmt.Errorf("architecture %s is not served, want Qwen2ForCausalLM", quoteOdd(a))
		}
	}
	switch {
	case h.Quantization != nil:
		return refuseQuantization(h.Quantization.Method)
	case len(h.Vision) > 0 && string(h.Vision) != "null":
		return errors.New("vision_config is set: vision models are not served")
	case h.Experts != nil && *h.Experts > 0:
		return errors.New("num_experts is set: mixture-of-experts models are not served")
	case h.IsCausal != nil && !*h.IsCausal:
		return errors.New("is_causal is false: embedding models with two-way attention are not served")
	case h.HiddenAct != "" && h.HiddenAct != "silu":
		return fmt.Errorf("hidden_act %s is not served, want silu", quoteOdd(h.HiddenAct))
	}
	return h.refuseSliding()
}

func refuseModel(typ string) error {
	if typ == "" {
		return errors.New("model_type is missing, want qwen2")
	}
	why, known := refusedModels[typ]
	if !known {
		why = "only the Qwen2 architecture is served (Qwen1.5, Qwen2, Qwen2.5 and models made from them)"
	}
	return fmt.Errorf("model_type %s: %s", quoteOdd(typ), why)
}

func refuseQuantization(method string) error {
	name, known := refusedMethods[strings.ToLower(method)]
	if !known {
		name = quoteOdd(method)
	}
	return fmt.Errorf("the weights are quantised by %s, which is not served (take the model's unquantised folder, "+
		"or a GGUF file such as its Q4_K_M)", name)
}

// refuseSliding fails for layers whose attention is limited to a window within the context. sliding_window alone
// means nothing: Qwen2's files have it with use_sliding_window false.
func (h *hfConfig) refuseSliding() error {
	if slices.Contains(h.LayerTypes, "sliding_attention") {
		return errors.New("layer_types has sliding_attention, which is not served")
	}
	if h.UseSlidingWindow && h.SlidingWindow != nil && *h.SlidingWindow < h.Context && len(h.LayerTypes) == 0 {
		return fmt.Errorf("use_sliding_window with a window of %d is not served", *h.SlidingWindow)
	}
	return nil
}
