package chat

import (
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/stagecoach-llm/stagecoach/router/chat/jinja"
	"github.com/stagecoach-llm/stagecoach/shard/tokenizer"
)

// chatML is the template of models that come without one. With tools it writes what Qwen2.5's template writes.
//
//go:embed chatml.jinja
var chatML string

// Template makes prompts for one model. It is immutable and safe for concurrent use.
type Template struct {
	plain    *jinja.Template
	tools    *jinja.Template // nil where the model has no form for tools
	specials map[string]string
}

// ErrNoTools is returned when a conversation has tools and the model's template cannot render them.
var ErrNoTools = errors.New("the model's chat template has no place for tools")

// Compile reads a model's chat template, its default ("" for none) and its named ones, of which "tool_use" is used where
// there are tools. specials are the names by which templates know special tokens, bos_token and eos_token, and their
// text. An error about a template is a *jinja.Error, which has its line.
func Compile(source string, named map[string]string, specials map[string]string) (*Template, error) {
	if source == "" {
		source = named["default"]
	}
	if source == "" {
		source = chatML
	}
	t := &Template{specials: maps.Clone(specials)}
	var err error
	if t.plain, err = jinja.Parse(source); err != nil {
		return nil, fmt.Errorf("chat: %w", err)
	}
	switch {
	case named["tool_use"] != "":
		if t.tools, err = jinja.Parse(named["tool_use"]); err != nil {
			return nil, fmt.Errorf("chat: template \"tool_use\": %w", err)
		}
	case strings.Contains(source, "tools") || strings.Contains(source, "tool_calls"):
		t.tools = t.plain
	case strings.Contains(source, "<|im_start|>"):
		if t.tools, err = jinja.Parse(chatML); err != nil {
			return nil, fmt.Errorf("chat: %w", err)
		}
	}
	return t, nil
}

// Tools reports whether Render accepts tools.
func (t *Template) Tools() bool { return t.tools != nil }

// Render makes the prompt. Segments that the template wrote are special. An error says which message or tool is wrong,
// or is a *jinja.Error where the template refuses them.
func (t *Template) Render(in Input) ([]tokenizer.Segment, error) {
	template := t.plain
	if in.usesTools() {
		if template = t.tools; template == nil {
			return nil, fmt.Errorf("chat: %w", ErrNoTools)
		}
	}
	vars, err := in.vars(t.specials)
	if err != nil {
		return nil, err
	}
	parts, err := template.Render(vars, in.Now)
	if err != nil {
		return nil, fmt.Errorf("chat: %w", err)
	}
	segments := make([]tokenizer.Segment, len(parts))
	for i, p := range parts {
		segments[i] = tokenizer.Segment{Text: p.Text, Special: p.Trusted}
	}
	return segments, nil
}

// usesTools reports whether there is anything about tools in the conversation.
func (in *Input) usesTools() bool {
	if len(in.Tools) > 0 {
		return true
	}
	for i := range in.Messages {
		if m := &in.Messages[i]; m.Role == Tool || len(m.ToolCalls) > 0 {
			return true
		}
	}
	return false
}
