package api

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/stagecoach-llm/stagecoach/router/chat"
)

const maxMessages = 10_000

// readMessages reads the conversation.
func readMessages(o *object) []chat.Message {
	list, ok := o.array("messages")
	switch {
	case !ok:
		if o.err == nil {
			o.fail("messages", "it is required")
		}
		return nil
	case len(list) == 0:
		o.fail("messages", "give at least one message")
		return nil
	case len(list) > maxMessages:
		o.fail("messages", "%d messages, at most %d", len(list), maxMessages)
		return nil
	}
	out := make([]chat.Message, 0, len(list))
	for i, raw := range list {
		m := o.at(fmt.Sprintf("messages[%d]", i), raw)
		out = append(out, readMessage(m))
		o.take(m.err)
	}
	return out
}

func readMessage(o *object) chat.Message {
	m := chat.Message{Role: o.oneOf("role", "", chat.System, chat.Developer, chat.User, chat.Assistant, chat.Tool), Name: o.str("name", "")}
	m.Content = readContent(o)
	if m.Role == chat.Assistant {
		m.ToolCalls = readCalls(o)
	}
	m.ToolCallID = o.str("tool_call_id", "")
	if !o.has("content") && len(m.ToolCalls) == 0 && (m.Role != chat.Assistant || !o.has("refusal")) {
		o.fail("content", "it is required, except for an assistant's message with tool_calls")
	}
	return m
}

// readContent takes a string or text parts, which become lines.
func readContent(o *object) string {
	raw, ok := o.raw("content")
	if !ok {
		return ""
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var parts []json.RawMessage
	if json.Unmarshal(raw, &parts) != nil {
		o.fail("content", "expected a string or an array of parts, got %s", kindOf(raw))
		return ""
	}
	texts := make([]string, 0, len(parts))
	for i, raw := range parts {
		p := o.at(o.name(fmt.Sprintf("content[%d]", i)), raw)
		texts = append(texts, readPart(p))
		o.take(p.err)
	}
	return strings.Join(texts, "\n")
}

func readPart(o *object) string {
	switch kind := o.str("type", ""); kind {
	case "text":
		if !o.has("text") {
			o.fail("text", "it is required")
		}
		return o.str("text", "")
	case "refusal":
		return o.str("refusal", "")
	default:
		o.fail("type", "%.40q parts are not served by a text model; only text is", kind)
		return ""
	}
}

func readCalls(o *object) []chat.ToolCall {
	list, _ := o.array("tool_calls")
	var out []chat.ToolCall
	for i, raw := range list {
		c := o.at(o.name(fmt.Sprintf("tool_calls[%d]", i)), raw)
		out = append(out, readCall(c))
		o.take(c.err)
	}
	return out
}

func readCall(o *object) chat.ToolCall {
	o.oneOf("type", "function", "function")
	raw, ok := o.raw("function")
	if !ok {
		o.fail("function", "it is required")
		return chat.ToolCall{}
	}
	f := o.at(o.name("function"), raw)
	call := chat.ToolCall{ID: o.str("id", ""), Name: f.str("name", ""), Arguments: f.str("arguments", "{}")}
	if call.Name == "" {
		f.fail("name", "it is required")
	}
	o.take(f.err)
	return call
}
