package checkpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
)

// hfCard reads everything but tensors; sizes and ID are left to fillIn. cfg has been compared with the tensors.
func hfCard(dir string, cfg Config, raw *hfConfig) (*Card, error) {
	var gen hfGeneration
	if err := readOptionalJSON(dir, "generation_config.json", &gen); err != nil {
		return nil, err
	}
	var tokCfg hfTokenizerConfig
	if err := readOptionalJSON(dir, "tokenizer_config.json", &tokCfg); err != nil {
		return nil, err
	}
	var tok hfTokenizer
	if err := readJSON(dir, "tokenizer.json", &tok); err != nil {
		return nil, err
	}
	card := &Card{Config: cfg, Defaults: Defaults{gen.Temperature, gen.TopP, gen.TopK, gen.RepetitionPenalty}}
	spec, err := tok.spec(&tokCfg, cfg.Vocab)
	if err != nil {
		return nil, fmt.Errorf("tokenizer.json: %w", err)
	}
	tokCfg.specials(spec, raw, &gen)
	if len(spec.EOS) == 0 {
		return nil, errors.New("eos_token_id is missing in config.json: no token ends an answer")
	}
	card.Tokenizer = *spec
	card.Config.RealVocab = markPadding(&card.Tokenizer)
	return card, hfTemplates(dir, &tokCfg, card)
}

// hfGeneration is what is read of generation_config.json.
type hfGeneration struct {
	Temperature       *float64 `json:"temperature"`
	TopP              *float64 `json:"top_p"`
	TopK              *int     `json:"top_k"`
	RepetitionPenalty *float64 `json:"repetition_penalty"`
	EOS               ids      `json:"eos_token_id"`
	Pad               ids      `json:"pad_token_id"`
}

// hfTemplates reads the chat templates. As in transformers, files of their own win over tokenizer_config.json.
func hfTemplates(dir string, tok *hfTokenizerConfig, card *Card) error {
	if err := fileTemplates(dir, card); err != nil {
		return err
	}
	if card.Template != "" {
		return nil
	}
	for _, t := range tok.Template {
		card.addTemplate(t.Name, t.Text)
	}
	return nil
}

// fileTemplates reads chat_template.jinja with additional_chat_templates/NAME.jinja, or chat_template.json.
func fileTemplates(dir string, card *Card) error {
	b, err := readFile(dir, "chat_template.jinja")
	if errors.Is(err, fs.ErrNotExist) {
		var file struct {
			Template hfTemplateList `json:"chat_template"`
		}
		err = readOptionalJSON(dir, "chat_template.json", &file)
		for _, t := range file.Template {
			card.addTemplate(t.Name, t.Text)
		}
		return err
	}
	if err != nil {
		return err
	}
	card.Template = string(b)
	more, err := filepath.Glob(filepath.Join(globQuote(dir), "additional_chat_templates", "*.jinja"))
	if err != nil {
		return err
	}
	for _, p := range more {
		b, err := readFile(dir, filepath.Join("additional_chat_templates", filepath.Base(p)))
		if err != nil {
			return err
		}
		card.addTemplate(strings.TrimSuffix(filepath.Base(p), ".jinja"), string(b))
	}
	return nil
}
