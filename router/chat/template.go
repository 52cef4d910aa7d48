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
	tools    *jinja.Template // with tools in the input; nil where the model has no form for them
	calls    *jinja.Template // with calls and results in the messages, but no tools; likewise
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
	plain, err := jinja.Parse(source)
	if err != nil {
		return nil, fmt.Errorf("chat: %w", err)
	}
	t := &Template{plain: plain, specials: maps.Clone(specials)}
	other, err := toolTemplate(source, named)
	if err != nil {
		return nil, err
	}
	t.tools, t.calls = other, other
	if named["tool_use"] == "" {
		if plain.Mentions("tools") {
			t.tools, t.calls = plain, plain
		} else if plain.Mentions("tool_calls") {
			t.calls = plain
		}
	}
	return t, nil
}

// toolTemplate is the template for tools beside the default one: the model's own, ChatML for a model that speaks it, or nil.
func toolTemplate(source string, named map[string]string) (*jinja.Template, error) {
	if named["tool_use"] != "" {
		t, err := jinja.Parse(named["tool_use"])
		if err != nil {
			return nil, fmt.Errorf("chat: template \"tool_use\": %w", err)
		}
		return t, nil
	}
	if !strings.Contains(source, "<|im_start|>") {
		return nil, nil
	}
	t, err := jinja.Parse(chatML)
	if err != nil {
		return nil, fmt.Errorf("chat: %w", err)
	}
	return t, nil
}

// Tools reports whether Render accepts tools.
func (t *Template) Tools() bool { return t.tools != nil }

// Render makes the prompt. Segments that the template wrote are special. An error says which message or tool is wrong,
// or is a *jinja.Error where the template refuses them.
func (t *Template) Render(in Input) ([]tokenizer.Segment, error) {
	template := t.choose(in)
	if template == nil {
		return nil, fmt.Errorf("chat: %w", ErrNoTools)
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

// choose returns the template for a conversation, nil for none.
func (t *Template) choose(in Input) *jinja.Template {
	if len(in.Tools) > 0 {
		return t.tools
	}
	for i := range in.Messages {
		if m := &in.Messages[i]; m.Role == Tool || len(m.ToolCalls) > 0 {
			return t.calls
		}
	}
	return t.plain
}
