package chat

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/stagecoach-llm/stagecoach/router/chat/jinja"
)

// Roles of messages.
const (
	System    = "system"
	Developer = "developer" // the newer name of system, rendered as such
	User      = "user"
	Assistant = "assistant"
	Tool      = "tool"
)

// Message is one turn.
type Message struct {
	Role       string
	Content    string     // its text parts joined; "" for null
	ToolCalls  []ToolCall // assistant only
	ToolCallID string     // tool only: which call this answers
	Name       string     // "" for none
}

// ToolCall is a call of a function that the model asks for.
type ToolCall struct {
	ID        string
	Name      string
	Arguments string // a JSON object as text, byte for byte as the model or the client wrote it
}

// Input is what a prompt is made of.
type Input struct {
	Messages []Message
	// Tools are JSON objects, {"type": "function", "function": {…}}. Their keys keep their order.
	Tools []json.RawMessage
	// AddGenerationPrompt ends the prompt with the opening of the assistant's turn.
	AddGenerationPrompt bool
	// Now is what a template's strftime_now tells.
	Now time.Time
}

// vars are the variables of a template.
func (in *Input) vars(specials map[string]string) (map[string]any, error) {
	messages, err := messageList(in.Messages)
	if err != nil {
		return nil, err
	}
	tools, err := toolList(in.Tools)
	if err != nil {
		return nil, err
	}
	vars := map[string]any{
		"messages":              messages,
		"tools":                 tools,
		"documents":             nil,
		"add_generation_prompt": in.AddGenerationPrompt,
	}
	for name, text := range specials {
		vars[name] = jinja.Trusted(text)
	}
	return vars, nil
}

func messageList(messages []Message) (*jinja.List, error) {
	if len(messages) == 0 {
		return nil, errors.New("chat: there are no messages")
	}
	list := make([]any, 0, len(messages))
	for i, m := range hoistSystem(messages) {
		d, err := m.dict()
		if err != nil {
			return nil, fmt.Errorf("chat: message %d: %w", i, err)
		}
		list = append(list, d)
	}
	return jinja.NewList(list...), nil
}

// hoistSystem puts a single system message first, where templates look for it.
func hoistSystem(messages []Message) []Message {
	at, n := 0, 0
	for i, m := range messages {
		if m.Role == System || m.Role == Developer {
			at = i
			n++
		}
	}
	if n != 1 || at == 0 {
		return messages
	}
	hoisted := make([]Message, 0, len(messages))
	hoisted = append(hoisted, messages[at])
	hoisted = append(hoisted, messages[:at]...)
	return append(hoisted, messages[at+1:]...)
}

// dict is the message as templates see it. Roles are trusted: they are words of ours by then.
func (m *Message) dict() (*jinja.Dict, error) {
	role := m.Role
	switch role {
	case System, User, Assistant, Tool:
	case Developer:
		role = System
	default:
		return nil, fmt.Errorf("role %q is not one of system, developer, user, assistant and tool", role)
	}
	d := jinja.NewDict().Set("role", jinja.Trusted(role)).Set("content", jinja.Plain(m.Content))
	if len(m.ToolCalls) > 0 {
		if role != Assistant {
			return nil, fmt.Errorf("only an assistant calls tools, not %q", role)
		}
		if m.Content == "" {
			d.Set("content", nil)
		}
		calls := make([]any, len(m.ToolCalls))
		for i, c := range m.ToolCalls {
			calls[i] = c.dict()
		}
		d.Set("tool_calls", jinja.NewList(calls...))
	}
	if m.ToolCallID != "" {
		d.Set("tool_call_id", jinja.Plain(m.ToolCallID))
	}
	if m.Name != "" {
		d.Set("name", jinja.Plain(m.Name))
	}
	return d, nil
}

func (c *ToolCall) dict() *jinja.Dict {
	f := jinja.NewDict().Set("name", jinja.Plain(c.Name)).Set("arguments", arguments(c.Arguments))
	d := jinja.NewDict()
	if c.ID != "" {
		d.Set("id", jinja.Plain(c.ID))
	}
	return d.Set("type", jinja.Trusted("function")).Set("function", f)
}

// arguments are a dict where they are a JSON object, as they should be, else their text.
func arguments(s string) any {
	if s == "" {
		return jinja.NewDict()
	}
	if v, err := jinja.FromJSON([]byte(s)); err == nil {
		if d, ok := v.(*jinja.Dict); ok {
			return d
		}
	}
	return jinja.Plain(s)
}

// toolList is none without tools, as templates expect.
func toolList(tools []json.RawMessage) (any, error) {
	if len(tools) == 0 {
		return nil, nil
	}
	list := make([]any, len(tools))
	for i, raw := range tools {
		v, err := jinja.FromJSON(raw)
		if err != nil {
			return nil, fmt.Errorf("chat: tool %d: %w", i, err)
		}
		if _, ok := v.(*jinja.Dict); !ok {
			return nil, fmt.Errorf("chat: tool %d is not an object", i)
		}
		list[i] = v
	}
	return jinja.NewList(list...), nil
}
