package api

import (
	"bytes"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// includeLogprobs is what asks for log-probabilities in `include`; its other values name tools that are not served.
const includeLogprobs = "message.output_text.logprobs"

// readResponse turns the body of /v1/responses into a job. What it has in common with /v1/chat/completions under other names is
// read by the same code.
func readResponse(o *object, m *Model, defaults wire.Params) (*job, *Error) {
	refuseState(o)
	echo := readEcho(o)
	messages := readInput(o)
	c := asChat(o)
	if o.err != nil {
		return nil, o.err
	}
	j, err := chatJob(c, m, readSampling(c, m, defaults), messages)
	if err != nil {
		return nil, inResponses(err)
	}
	j.format = &responseFormat{job: j, echo: echo}
	return j, nil
}

// refuseState refuses what would need something of an earlier request, or leave something for a later one.
func refuseState(o *object) {
	for _, field := range []string{"previous_response_id", "conversation"} {
		if o.has(field) {
			o.fail(field, "this server is stateless: send the whole conversation as input")
		}
	}
	if o.has("prompt") {
		o.fail("prompt", "this server keeps no prompts: send their text as instructions and input")
	}
	if o.boolean("background", false) {
		o.fail("background", "this server keeps no answers: use stream")
	}
	o.boolean("store", false) // without effect
}

// asChat is a request with the names of /v1/chat/completions.
func asChat(o *object) *object {
	c := &object{fields: maps.Clone(o.fields)}
	for _, field := range []string{"n", "max_tokens", "max_completion_tokens", "logprobs", "response_format", "modalities", "audio",
		"tools", "tool_choice"} {
		delete(c.fields, field)
	}
	set := func(field string, v any) {
		if raw, err := unescaped(v); err == nil {
			c.fields[field] = raw
		}
	}
	if v, ok := o.raw("max_output_tokens"); ok {
		set("max_completion_tokens", v)
	}
	if wantsLogprobs(o) {
		set("logprobs", true)
	}
	if f, ok := readTextFormat(o); ok {
		set("response_format", f)
	}
	if tools := readFlatTools(o); len(tools) > 0 {
		set("tools", tools)
	}
	if choice, ok := readFlatChoice(o); ok {
		set("tool_choice", choice)
	}
	return c
}

// unescaped is JSON in which the bytes of what is raw are kept, but for white space.
func unescaped(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return b.Bytes(), err
}

func wantsLogprobs(o *object) bool {
	var include []string
	if v, ok := o.raw("include"); ok && json.Unmarshal(v, &include) != nil {
		o.fail("include", "expected an array of strings, got %s", kindOf(v))
	}
	return o.has("top_logprobs") || slices.Contains(include, includeLogprobs)
}

// readTextFormat is text.format as a response_format.
func readTextFormat(o *object) (format any, ok bool) {
	raw, ok := o.raw("text")
	if !ok {
		return nil, false
	}
	text := o.at("text", raw)
	defer func() { o.take(text.err) }()
	text.str("verbosity", "") // without effect
	if raw, ok = text.raw("format"); !ok {
		return nil, false
	}
	f := text.at("text.format", raw)
	text.take(f.err)
	kind := f.oneOf("type", "", "text", "json_object", "json_schema")
	text.take(f.err)
	if kind != "json_schema" {
		return map[string]string{"type": kind}, true
	}
	schema := maps.Clone(f.fields)
	delete(schema, "type")
	return map[string]any{"type": kind, "json_schema": schema}, true
}

// flatTool is a function as chat requests and templates have it.
type flatTool struct {
	Type     string   `json:"type"`
	Function flatFunc `json:"function"`
}

type flatFunc struct {
	Name        json.RawMessage `json:"name,omitempty"`
	Description json.RawMessage `json:"description,omitempty"`
	Parameters  json.RawMessage `json:"parameters,omitempty"`
	Strict      json.RawMessage `json:"strict,omitempty"`
}

func readFlatTools(o *object) (out []json.RawMessage) {
	list, _ := o.array("tools")
	for i, raw := range list {
		t := o.at(index("tools", i), raw)
		if kind := t.str("type", ""); kind != "function" {
			t.fail("type", "%.40q tools are not served; only function is", kind)
		}
		field := func(name string) json.RawMessage { v, _ := t.raw(name); return v }
		f := flatTool{"function", flatFunc{field("name"), field("description"), field("parameters"), field("strict")}}
		if raw, err := unescaped(f); err == nil {
			out = append(out, raw)
		}
		o.take(t.err)
	}
	return out
}

// readFlatChoice is tool_choice with the function's name where chat has it.
func readFlatChoice(o *object) (choice any, ok bool) {
	raw, ok := o.raw("tool_choice")
	if !ok || kindOf(raw) != "an object" {
		return raw, ok
	}
	c := o.at("tool_choice", raw)
	if kind := c.str("type", ""); kind != "function" {
		c.fail("type", "%.40q is not served; only function is", kind)
	}
	o.take(c.err)
	return map[string]any{"type": "function", "function": map[string]string{"name": c.str("name", "")}}, true
}

var flatToolField = regexp.MustCompile(`^(tools\[\d+\])\.function`)

// inResponses renames what an error of a chat request is about.
func inResponses(e *Error) *Error {
	was := e.Param
	for _, name := range [][2]string{
		{"response_format.json_schema", "text.format"}, {"response_format", "text.format"}, {"max_completion_tokens", "max_output_tokens"},
		{"messages", "input"}, {"tool_choice.function", "tool_choice"},
	} {
		if rest, ok := strings.CutPrefix(e.Param, name[0]); ok {
			e.Param = name[1] + rest
			break
		}
	}
	e.Param = flatToolField.ReplaceAllString(e.Param, "$1")
	e.Message = strings.ReplaceAll(e.Message, "'"+was+"'", "'"+e.Param+"'")
	return e
}
