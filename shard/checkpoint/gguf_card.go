package checkpoint

import (
	"fmt"
	"math"

	"github.com/stagecoach-llm/stagecoach/shard/gguf"
	"github.com/stagecoach-llm/stagecoach/shard/tokenizer"
)

// ggufCard reads everything but tensors; sizes and ID are left to fillIn.
func ggufCard(f *gguf.File) (*Card, error) {
	cfg, err := ggufConfig(f)
	if err != nil {
		return nil, err
	}
	spec, err := GGUFTokenizer(f)
	if err != nil {
		return nil, err
	}
	cfg.Vocab = len(spec.Tokens)
	cfg.RealVocab = markPadding(spec)
	cfg.Tied = f.Tensor(head) == nil
	card := &Card{Config: cfg, Tokenizer: *spec, Defaults: ggufDefaults(f)}
	if err := ggufTemplates(f, card); err != nil {
		return nil, err
	}
	return card, nil
}

// GGUFTokenizer reads the tokenizer of a GGUF file, which may be one without weights. Padding entries have the
// kind Unused. It fails for tokenizers other than Qwen2's.
func GGUFTokenizer(f *gguf.File) (*tokenizer.Spec, error) {
	if err := checkGGUFTokenizer(f); err != nil {
		return nil, err
	}
	spec := &tokenizer.Spec{Pre: "qwen2"}
	if pre, ok, err := f.Text("tokenizer.ggml.pre"); err != nil {
		return nil, err
	} else if ok {
		spec.Pre = pre
	}
	var err error
	if spec.Tokens, err = required(f, "tokenizer.ggml.tokens"); err != nil {
		return nil, err
	}
	if spec.Kinds, err = ggufKinds(f, len(spec.Tokens)); err != nil {
		return nil, err
	}
	merges, err := required(f, "tokenizer.ggml.merges")
	if err != nil {
		return nil, err
	}
	if spec.Merges, err = splitMerges(merges); err != nil {
		return nil, fmt.Errorf("tokenizer.ggml.merges: %w", err)
	}
	markPadding(spec)
	return spec, ggufSpecials(f, spec)
}

func checkGGUFTokenizer(f *gguf.File) error {
	model, ok, err := f.Text("tokenizer.ggml.model")
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("tokenizer.ggml.model is missing: the file has no tokenizer")
	}
	if model != "gpt2" {
		return fmt.Errorf("tokenizer %q is not served, want gpt2 (byte-level BPE, as Qwen2 has)", model)
	}
	pre, ok, err := f.Text("tokenizer.ggml.pre")
	if err != nil {
		return err
	}
	if ok && pre != "qwen2" && pre != "deepseek-r1-qwen" {
		return fmt.Errorf("pre-tokenizer %q is not served (served: qwen2, deepseek-r1-qwen)", pre)
	}
	return nil
}

func required(f *gguf.File, key string) ([]string, error) {
	s, ok, err := f.Strings(key)
	if err != nil {
		return nil, err
	}
	if !ok || len(s) == 0 {
		return nil, fmt.Errorf("metadata key %s is missing or empty", key)
	}
	return s, nil
}

func ggufKinds(f *gguf.File, n int) ([]tokenizer.Kind, error) {
	const key = "tokenizer.ggml.token_type"
	types, ok, err := f.Ints(key)
	if err != nil {
		return nil, err
	}
	if !ok || len(types) != n {
		return nil, fmt.Errorf("metadata key %s has %d entries, want one for each of %d tokens", key, len(types), n)
	}
	kinds := make([]tokenizer.Kind, n)
	for id, t := range types {
		if t < int64(tokenizer.Normal) || t > int64(tokenizer.Byte) {
			return nil, fmt.Errorf("metadata key %s: token %d has the type %d, want 1 to 6", key, id, t)
		}
		kinds[id] = tokenizer.Kind(t)
	}
	return kinds, nil
}

// ggufSpecials reads end tokens, start token and padding.
func ggufSpecials(f *gguf.File, spec *tokenizer.Spec) error {
	id := func(name string) (int64, bool, error) {
		n, ok, err := f.Uint("tokenizer.ggml." + name)
		return int64(min(n, math.MaxInt64)), ok, err
	}
	var ends []int64
	for _, name := range []string{"eos_token_id", "eot_token_id"} {
		n, ok, err := id(name)
		if err != nil {
			return err
		}
		if ok {
			ends = append(ends, n)
		}
	}
	spec.EOS = endTokens(spec, ends)
	if len(spec.EOS) == 0 {
		return fmt.Errorf("tokenizer.ggml.eos_token_id is missing: no token ends an answer")
	}
	bos, ok, err := id("bos_token_id")
	if err != nil {
		return err
	}
	spec.BOS = optionalID(bos, ok, spec)
	pad, ok, err := id("padding_token_id")
	if err != nil {
		return err
	}
	spec.Pad = optionalID(pad, ok, spec)
	spec.AddBOS, _, err = f.Bool("tokenizer.ggml.add_bos_token")
	return err
}

// ggufTemplates reads the default chat template and the named ones.
func ggufTemplates(f *gguf.File, card *Card) error {
	var err error
	if card.Template, _, err = f.Text("tokenizer.chat_template"); err != nil {
		return err
	}
	names, _, err := f.Strings("tokenizer.chat_templates")
	if err != nil {
		return err
	}
	for _, name := range names {
		text, ok, err := f.Text("tokenizer.chat_template." + name)
		if err != nil {
			return err
		}
		if ok {
			card.addTemplate(name, text)
		}
	}
	return nil
}

// addTemplate keeps a named template; the one called "default" is the default.
func (c *Card) addTemplate(name, text string) {
	if name == "default" {
		if c.Template == "" {
			c.Template = text
		}
		return
	}
	if c.Templates == nil {
		c.Templates = map[string]string{}
	}
	c.Templates[name] = text
}

// ggufDefaults reads general.sampling.*, where llama.cpp's converter puts generation_config.json's values. No model is
// refused for them: one of another kind, or that is no number, is left out, and so is a top_k of 0 or less, which is off.
func ggufDefaults(f *gguf.File) Defaults {
	var d Defaults
	for key, to := range map[string]**float64{
		"temp": &d.Temperature, "top_p": &d.TopP, "penalty_repeat": &d.RepetitionPenalty,
	} {
		if x, ok, err := f.Float("general.sampling." + key); ok && err == nil && !math.IsNaN(x) && !math.IsInf(x, 0) {
			*to = &x
		}
	}
	if v, ok := f.Lookup("general.sampling.top_k"); ok {
		if n, err := v.Int(); err == nil && n > 0 && n <= math.MaxInt32 {
			k := int(n)
			d.TopK = &k
		}
	}
	return d
}
