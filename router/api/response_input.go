package api

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/stagecoach-llm/stagecoach/router/chat"
)

// readInput reads the conversation of /v1/responses: instructions first, then a text or items.
func readInput(o *object) (out []chat.Message) {
	if text := o.str("instructions", ""); text != "" {
		out = append(out, chat.Message{Role: chat.System, Content: text})
	}
	raw, ok := o.raw("input")
	if !ok {
		o.fail("input", "it is required")
		return nil
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return append(out, chat.Message{Role: chat.User, Content: text})
	}
	list, ok := o.array("input")
	switch {
	case !ok:
		return nil
	case len(list) == 0:
		o.fail("input", "give at least one item")
		return nil
	case len(list) > maxMessages:
		o.fail("input", "%d items, at most %d", len(list), maxMessages)
		return nil
	}
	for i, raw := range list {
		item := o.at(index("input", i), raw)
		out = readItem(item, out)
		o.take(item.err)
	}
	return out
}

func index(name string, i int) string { return fmt.Sprintf("%s[%d]", name, i) }

// readItem adds an item to a conversation. A call belongs to the assistant's message before it.
func readItem(o *object, to []chat.Message) []chat.Message {
	switch kind := o.str("type", "message"); kind {
	case "message":
		return append(to, readItemMessage(o))
	case "function_call":
		if n := len(to); n == 0 || to[n-1].Role != chat.Assistant {
			to = append(to, chat.Message{Role: chat.Assistant})
		}
		last := &to[len(to)-1]
		last.ToolCalls = append(last.ToolCalls, readCallItem(o))
	case "function_call_output":
		return append(to, chat.Message{Role: chat.Tool, Content: readItemText(o, "output"), ToolCallID: o.str("call_id", "")})
	case "reasoning": // other models' thoughts say nothing to this one
	case "item_reference":
		o.fail("type", "this server is stateless: send the item itself")
	default:
		o.fail("type", "%.40q items are not served", kind)
	}
	return to
}

func readItemMessage(o *object) chat.Message {
	role := o.oneOf("role", "", chat.System, chat.Developer, chat.User, chat.Assistant)
	return chat.Message{Role: role, Content: readItemText(o, "content")}
}

func readCallItem(o *object) chat.ToolCall {
	return chat.ToolCall{ID: required(o, "call_id"), Name: required(o, "name"), Arguments: o.str("arguments", "{}")}
}

// required is a string that must not be empty.
func required(o *object, field string) string {
	s := o.str(field, "")
	if s == "" {
		o.fail(field, "it is required")
	}
	return s
}

// readItemText takes a string or text parts, which become lines.
func readItemText(o *object, field string) string {
	raw, ok := o.raw(field)
	if !ok {
		o.fail(field, "it is required")
		return ""
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var parts []json.RawMessage
	if json.Unmarshal(raw, &parts) != nil {
		o.fail(field, "expected a string or an array of parts, got %s", kindOf(raw))
		return ""
	}
	texts := make([]string, 0, len(parts))
	for i, raw := range parts {
		p := o.at(o.name(index(field, i)), raw)
		texts = append(texts, readItemPart(p))
		o.take(p.err)
	}
	return strings.Join(texts, "\n")
}

func readItemPart(o *object) string {
	switch kind := o.str("type", ""); kind {
	case "input_text", "output_text", "text":
		if !o.has("text") {
			o.fail("text", "it is required")
		}
		return o.str("text", "")
	case "refusal":
		return o.str("refusal", "")
	default:
		o.fail("type", "%.40q parts are not served by a text model; only input_text and output_text are", kind)
		return ""
	}
}
