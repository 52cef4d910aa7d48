package main

import (
	"path/filepath"
	"strings"

	"github.com/stagecoach-llm/stagecoach/shard/checkpoint"
	"github.com/stagecoach-llm/stagecoach/shard/demo"
	"github.com/stagecoach-llm/stagecoach/shard/tokenizer"
)

// modelFlags name the model.
type modelFlags struct {
	Model string `env:"STAGECOACH_MODEL" help:"A .gguf file or a Hugging Face folder (default: the small demo model in this binary)."`
}

// open opens the model's file, or the embedded demo model.
func (m *modelFlags) open() (*checkpoint.Checkpoint, error) {
	if m.Model == "" {
		return checkpoint.OpenBytes(demo.Model())
	}
	return checkpoint.Open(m.Model)
}

// check opens the model and makes sure that it can be served, tokenizer included, before anything depends on it.
func (m *modelFlags) check() (*checkpoint.Checkpoint, error) {
	ck, err := m.open()
	if err != nil {
		return nil, err
	}
	if _, err := tokenizer.New(&ck.Card().Tokenizer); err != nil {
		ck.Close()
		return nil, err
	}
	return ck, nil
}

// name is what the endpoint calls the model unless told otherwise.
func (m *modelFlags) name() string {
	if m.Model == "" {
		return "stagecoach-demo"
	}
	return strings.TrimSuffix(filepath.Base(m.Model), ".gguf")
}

func (m *modelFlags) args() []string {
	if m.Model == "" {
		return nil
	}
	return []string{"--model", m.Model}
}
