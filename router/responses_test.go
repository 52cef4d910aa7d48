package router_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/stagecoach-llm/stagecoach/router/internal/fake"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// respond posts a request to /v1/responses whose fields beside the model are these.
func (w *world) respond(fields string) reply {
	w.t.Helper()
	return w.do("POST", "/v1/responses", `{"model":"demo/model",`+fields+`}`)
}

// responseEvents are the events of a stream, which must be named as their data are and numbered without a gap.
func responseEvents(t *testing.T, r reply) (out []map[string]any) {
	t.Helper()
	if r.status != 200 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	for block := range strings.SplitSeq(strings.TrimSpace(r.body), "\n\n") {
		if strings.HasPrefix(block, ":") {
			continue
		}
		name, data, ok := strings.Cut(block, "\n")
		v := reply{body: strings.TrimPrefix(data, "data: ")}.json(t)
		if !ok || name != fmt.Sprint("event: ", v["type"]) || v["sequence_number"] != json.Number(itoa(len(out))) {
			t.Errorf("event %d is %q", len(out), block)
		}
		out = append(out, v)
	}
	return out
}

// names are the types of events, those of one kind in a row told once.
func names(events []map[string]any) (out []string) {
	for _, e := range events {
		name := strings.TrimPrefix(e["type"].(string), "response.")
		if len(out) == 0 || out[len(out)-1] != name {
			out = append(out, name)
		}
	}
	return out
}

func TestResponse(t *testing.T) {
	w := start(t, text("Hello, 世界!"))
	v := w.respond(`"input":"Hi","instructions":"Be brief.","metadata":{"a":"b"},"max_output_tokens":50,"temperature":0.5,"top_p":0.9,
		"user":"ann","store":true,"text":{"verbosity":"low"},"truncation":"auto","reasoning":{"effort":"low"},"service_tier":"auto","include":["reasoning.encrypted_content"],
		"n":7,"max_tokens":1,"messages":null`).json(t)
	for _, c := range []struct {
		path []any
		want any
	}{
		{[]any{"object"}, "response"}, {[]any{"status"}, "completed"}, {[]any{"model"}, model}, {[]any{"error"}, nil}, {[]any{"incomplete_details"}, nil},
		{[]any{"instructions"}, "Be brief."}, {[]any{"metadata", "a"}, "b"}, {[]any{"max_output_tokens"}, json.Number("50")}, {[]any{"store"}, false},
		{[]any{"temperature"}, json.Number("0.5")}, {[]any{"top_p"}, json.Number("0.9")}, {[]any{"previous_response_id"}, nil}, {[]any{"user"}, "ann"},
		{[]any{"tool_choice"}, "auto"}, {[]any{"parallel_tool_calls"}, true}, {[]any{"text", "format", "type"}, "text"}, {[]any{"text", "verbosity"}, "low"}, {[]any{"truncation"}, "disabled"},
		{[]any{"output", 0, "type"}, "message"}, {[]any{"output", 0, "role"}, "assistant"}, {[]any{"output", 0, "status"}, "completed"},
		{[]any{"output", 0, "content", 0, "type"}, "output_text"}, {[]any{"output", 0, "content", 0, "text"}, "Hello, 世界!"},
		{[]any{"usage", "output_tokens"}, json.Number("15")}, {[]any{"usage", "input_tokens_details", "cached_tokens"}, json.Number("0")},
		{[]any{"usage", "output_tokens_details", "reasoning_tokens"}, json.Number("0")},
	} {
		if got := at(v, c.path...); got != c.want {
			t.Errorf("%v is %v, want %v", c.path, got, c.want)
		}
	}
	if id, _ := v["id"].(string); !strings.HasPrefix(id, "resp_") || v["completed_at"] == nil {
		t.Errorf("%v", v)
	}
	for _, key := range []string{"error", "incomplete_details", "tools", "usage", "reasoning"} {
		if _, there := v[key]; !there {
			t.Errorf("no %s", key)
		}
	}
	g := w.coord.Seen()[0]
	if got := readable(g.Prompt); !strings.Contains(got, "system\nBe brief.<|im_end|>") || !strings.Contains(got, "user\nHi<|im_end|>") || g.MaxTokens != 50 || len(g.Choices) != 1 {
		t.Errorf("%q, %+v", got, g)
	}
}

func TestResponseStream(t *testing.T) {
	w := start(t, text("Hello, 世界!"))
	r := w.do("POST", "/v1/openai/responses", `{"model":"demo/model","input":"Hi","stream":true}`)
	events := responseEvents(t, r)
	if strings.Contains(r.body, "[DONE]") {
		t.Error("[DONE] is not of this protocol")
	}
	want := []string{"created", "in_progress", "output_item.added", "content_part.added", "output_text.delta", "output_text.done", "content_part.done",
		"output_item.done", "completed"}
	if got := names(events); !reflect.DeepEqual(got, want) {
		t.Fatalf("%v", got)
	}
	var deltas strings.Builder
	item := at(events[2], "item", "id")
	for _, e := range events {
		if d, ok := e["delta"].(string); ok {
			deltas.WriteString(d)
		}
		if id, there := e["item_id"]; there && id != item {
			t.Errorf("item %v in %v", id, e)
		}
	}
	last := events[len(events)-1]
	if deltas.String() != "Hello, 世界!" || at(last, "response", "output", 0, "content", 0, "text") != deltas.String() ||
		at(last, "response", "output", 0, "id") != item || at(last, "response", "usage", "total_tokens") == nil {
		t.Errorf("%q, %v", deltas.String(), last)
	}
	if at(events[0], "response", "status") != "in_progress" || at(events[0], "response", "usage") != nil {
		t.Errorf("%v", events[0])
	}
}

// stripped is a response without what differs from one request to the next.
func stripped(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, x := range v {
			switch key {
			case "id", "call_id", "created_at", "completed_at":
				v[key] = nil
			default:
				v[key] = stripped(x)
			}
		}
	case []any:
		for i, x := range v {
			v[i] = stripped(x)
		}
	}
	return v
}

// TestResponsesAgree: the response at the end of a stream is the one that is given in one body, and its items are those of the events.
func TestResponsesAgree(t *testing.T) {
	const tools = `,"tools":[{"type":"function","name":"weather","description":"d","parameters":{"type":"object"},"strict":true},{"type":"function","name":"now"}]`
	const call = "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\":  \"Köln\"}}\n</tool_call>"
	for _, c := range []struct {
		answer, extra, last string
		items               string // types with what they say
	}{
		{"Hi!", "", "completed", "message:Hi!"},
		{"", "", "completed", "message:"},
		{"Hello", `,"max_output_tokens":2`, "incomplete", "message:He"},
		{"Hello", `,"max_output_tokens":0`, "incomplete", "message:"},
		{"aé", `,"include":["message.output_text.logprobs"],"top_logprobs":2`, "completed", "message:aé"},
		{call, tools, "completed", `function_call:weather{"city":  "Köln"}`},
		{"See.\n" + call + "\n<tool_call>{\"name\":\"now\"}</tool_call>\nDone.", tools, "completed", `message:See. function_call:weather{"city":  "Köln"} function_call:now{} message:` + "\n\n\nDone."},
		{call + call, tools + `,"parallel_tool_calls":false`, "completed", `function_call:weather{"city":  "Köln"}`},
		{call, tools + `,"max_output_tokens":60`, "incomplete", `function_call:weather{"city":  "Köl`},
		{call, tools + `,"tool_choice":"none"`, "completed", "message:" + call},
	} {
		t.Run(c.answer+c.extra, func(t *testing.T) {
			w := start(t, text(c.answer))
			whole := w.respond(`"input":"Hi"` + c.extra).json(t)
			events := responseEvents(t, w.respond(`"input":"Hi","stream":true`+c.extra))
			last := events[len(events)-1]
			if last["type"] != "response."+c.last || at(last, "response", "status") != c.last {
				t.Errorf("the last event is %v", last)
			}
			checkItems(t, events, list(at(last, "response", "output")))
			streamed := stripped(last["response"])
			if whole = stripped(whole).(map[string]any); !reflect.DeepEqual(whole["output"], at(streamed, "output")) || !reflect.DeepEqual(whole["usage"], at(streamed, "usage")) ||
				!reflect.DeepEqual(whole, streamed) {
				t.Errorf("in one body %v\nstreamed %v", whole, streamed)
			}
			var said []string
			for _, item := range list(whole["output"]) {
				if at(item, "type") == "message" {
					said = append(said, fmt.Sprint("message:", at(item, "content", 0, "text")))
				} else {
					said = append(said, fmt.Sprint("function_call:", at(item, "name"), at(item, "arguments")))
				}
			}
			if got := strings.Join(said, " "); got != c.items {
				t.Errorf("%q, want %q", got, c.items)
			}
			if reason := at(whole, "incomplete_details", "reason"); (reason == "max_output_tokens") != (c.last == "incomplete") {
				t.Errorf("reason %v", reason)
			}
		})
	}
}

// checkItems puts the items together from their events and compares them with the response's.
func checkItems(t *testing.T, events []map[string]any, output []any) {
	t.Helper()
	deltas := map[string]string{}
	done := 0
	for _, e := range events {
		key := fmt.Sprint(e["item_id"])
		switch e["type"] {
		case "response.output_item.added":
			if e["output_index"] != json.Number(itoa(done)) || at(e, "item", "status") != "in_progress" {
				t.Errorf("item %d is added as %v", done, e)
			}
		case "response.output_text.delta", "response.function_call_arguments.delta":
			deltas[key] += e["delta"].(string)
		case "response.output_text.done":
			if e["text"] != deltas[key] {
				t.Errorf("deltas %q, then %v", deltas[key], e)
			}
		case "response.function_call_arguments.done":
			if e["arguments"] != deltas[key] {
				t.Errorf("deltas %q, then %v", deltas[key], e)
			}
		case "response.output_item.done":
			if !reflect.DeepEqual(e["item"], output[done]) {
				t.Errorf("item %d is done as %v, then %v", done, e["item"], output[done])
			}
			done++
		}
	}
	if done != len(output) {
		t.Errorf("%d items done of %d", done, len(output))
	}
}

// TestResponseDemandsAreChats: text.format and tool_choice become what response_format and tool_choice of a chat request become.
func TestResponseDemandsAreChats(t *testing.T) {
	const schema = `{"type":"object","properties":{"z":{"type":"integer"},"a":{"enum":["<x>"]}}}`
	const parameters = `{"type":"object","properties":{"city":{"type":"string"}}}`
	const chatTools = `"tools":[{"type":"function","function":{"name":"f","parameters":` + parameters + `}},{"type":"function","function":{"name":"g"}}]`
	const flatTools = `"tools":[{"type":"function","name":"f","parameters":` + parameters + `},{"type":"function","name":"g"}]`
	for _, c := range []struct{ response, chat string }{
		{`"text":{"format":{"type":"text"}}`, `"response_format":{"type":"text"}`},
		{`"text":{"format":{"type":"json_object"}}`, `"response_format":{"type":"json_object"}`},
		{`"text":{"verbosity":"low","format":{"type":"json_schema","name":"n","strict":true,"schema":` + schema + `}}`,
			`"response_format":{"type":"json_schema","json_schema":{"name":"n","strict":true,"schema":` + schema + `}}`},
		{flatTools + `,"tool_choice":"required"`, chatTools + `,"tool_choice":"required"`},
		{flatTools + `,"tool_choice":{"type":"function","name":"g"}`, chatTools + `,"tool_choice":{"type":"function","function":{"name":"g"}}`},
		{flatTools + `,"tool_choice":"none"`, chatTools + `,"tool_choice":"none"`},
	} {
		w := start(t, text("ok"))
		a, b := w.respond(`"input":"Hi",`+c.response), w.chat(c.chat)
		if a.status != 200 || b.status != 200 {
			t.Fatalf("%s, %s", a.body, b.body)
		}
		seen := w.coord.Seen()
		if !reflect.DeepEqual(seen[0].Params, seen[1].Params) || !reflect.DeepEqual(seen[0].Prompt, seen[1].Prompt) {
			t.Errorf("%s: %+v %q\nchat: %+v %q", c.response, seen[0].Params, readable(seen[0].Prompt), seen[1].Params, readable(seen[1].Prompt))
		}
	}
	w := start(t, text("ok"))
	for fields, param := range map[string]string{
		`"text":{"format":{"type":"json_schema","name":"n","schema":{"not":{}}}}`:                                 "text.format.schema",
		`"text":{"format":{"type":"json_schema","schema":{}}}`:                                                    "text.format.name",
		`"text":{"format":{"type":"json_schema","name":"n","strict":1}}`:                                          "text.format.strict",
		`"tools":[{"type":"function","name":"f","strict":true,"parameters":{"not":{}}}],"tool_choice":"required"`: "tools[0].parameters",
		`"tool_choice":"required"`: "tool_choice",
	} {
		if r := w.respond(`"input":"Hi",` + fields); r.status != 400 || at(r.json(t), "error", "param") != param || !strings.Contains(r.body, "'"+param+"'") {
			t.Errorf("%s: %d %s, want %s", fields, r.status, r.body, param)
		}
	}
}

func TestResponseLogprobsSpellTheText(t *testing.T) {
	w := start(t, text("aé!"))
	v := w.respond(`"input":"Hi","top_logprobs":2`).json(t)
	var raw []byte
	for _, e := range list(at(v, "output", 0, "content", 0, "logprobs")) {
		for _, b := range list(at(e, "bytes")) {
			n, _ := b.(json.Number).Int64()
			raw = append(raw, byte(n))
		}
		if len(list(at(e, "top_logprobs"))) != 2 {
			t.Errorf("%v", e)
		}
	}
	if string(raw) != "aé!" || v["top_logprobs"] != json.Number("2") {
		t.Errorf("%q, %v", raw, v["top_logprobs"])
	}
}

func TestResponseInput(t *testing.T) {
	w := start(t, text("ok"))
	for name, c := range map[string]struct{ fields, prompt string }{
		"text":  {`"input":"u"`, "<|im_start|>user\nu<|im_end|>\n<|im_start|>assistant\n"},
		"parts": {`"input":[{"role":"user","content":[{"type":"input_text","text":"a"},{"type":"input_text","text":"b"}]}]`, "<|im_start|>user\na\nb<|im_end|>"},
		"answers of earlier requests": {`"input":[{"role":"user","content":"u"},{"id":"msg_1","type":"message","role":"assistant","status":"completed",
			"content":[{"type":"output_text","text":"a","annotations":[]}]},{"type":"reasoning","id":"rs_1","summary":[]},{"type":"message","role":"user","content":"v"}]`,
			"<|im_start|>user\nu<|im_end|>\n<|im_start|>assistant\na<|im_end|>\n<|im_start|>user\nv<|im_end|>"},
		"instructions come first": {`"instructions":"I","input":[{"role":"user","content":"u"}]`, "<|im_start|>system\nI<|im_end|>\n<|im_start|>user\nu<|im_end|>"},
		"developer is system":     {`"input":[{"role":"developer","content":"S"},{"role":"user","content":"u"}]`, "<|im_start|>system\nS<|im_end|>"},
		"calls and their results": {`"input":[{"role":"user","content":"u"},{"type":"function_call","call_id":"c1","name":"f","arguments":"{\"a\": 1}"},
			{"type":"function_call","call_id":"c2","name":"g","arguments":"{}"},{"type":"function_call_output","call_id":"c1","output":"r1"},
			{"type":"function_call_output","call_id":"c2","output":[{"type":"input_text","text":"r2"}]}]`,
			"<|im_start|>assistant\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n</tool_call>\n<tool_call>\n{\"name\": \"g\", \"arguments\": {}}\n</tool_call><|im_end|>\n" +
				"<|im_start|>user\n<tool_response>\nr1\n</tool_response>\n<tool_response>\nr2\n</tool_response><|im_end|>\n<|im_start|>assistant\n"},
		"tools as templates want them": {`"input":"u","tools":[{"type":"function","name":"f","strict":true,"description":"d <b>","parameters":{"type":"object","properties":{"z":{"type":"string"},"a":{"type":"string"}}}}]`,
			`{"type": "function", "function": {"name": "f", "description": "d <b>", "parameters": {"type": "object", "properties": {"z": {"type": "string"}, "a": {"type": "string"}}}, "strict": true}}`},
	} {
		t.Run(name, func(t *testing.T) {
			before := len(w.coord.Seen())
			if r := w.respond(c.fields); r.status != 200 {
				t.Fatal(r.body)
			}
			if got := readable(w.coord.Seen()[before].Prompt); !strings.Contains(got, c.prompt) {
				t.Errorf("prompt %q lacks %q", got, c.prompt)
			}
		})
	}
}

func TestBadResponseRequests(t *testing.T) {
	w := start(t, text("ok"))
	for _, c := range []struct{ fields, param string }{
		{`"stream":false`, "input"},
		{`"input":null`, "input"},
		{`"input":7`, "input"},
		{`"input":[]`, "input"},
		{`"input":["x"]`, "input[0]"},
		{`"input":[{"role":"robot","content":"x"}]`, "input[0].role"},
		{`"input":[{"role":"user"}]`, "input[0].content"},
		{`"input":[{"role":"user","content":[{"type":"input_image","image_url":"x"}]}]`, "input[0].content[0].type"},
		{`"input":[{"role":"user","content":[{"type":"input_text"}]}]`, "input[0].content[0].text"},
		{`"input":[{"type":"item_reference","id":"msg_1"}]`, "input[0].type"},
		{`"input":[{"type":"web_search_call","id":"x"}]`, "input[0].type"},
		{`"input":[{"type":"function_call","name":"f"}]`, "input[0].call_id"},
		{`"input":[{"type":"function_call","call_id":"c"}]`, "input[0].name"},
		{`"input":[{"type":"function_call_output","call_id":"c"}]`, "input[0].output"},
		{`"input":"x","instructions":["a"]`, "instructions"},
		{`"input":"x","previous_response_id":"resp_1"`, "previous_response_id"},
		{`"input":"x","conversation":"conv_1"`, "conversation"},
		{`"input":"x","prompt":{"id":"p"}`, "prompt"},
		{`"input":"x","background":true`, "background"},
		{`"input":"x","store":"yes"`, "store"},
		{`"input":"x","metadata":"a"`, "metadata"},
		{`"input":"x","reasoning":"a"`, "reasoning"},
		{`"input":"x","truncation":"all"`, "truncation"},
		{`"input":"x","include":"a"`, "include"},
		{`"input":"x","top_logprobs":21`, "top_logprobs"},
		{`"input":"x","max_output_tokens":-1`, "max_output_tokens"},
		{`"input":"x","max_output_tokens":"a"`, "max_output_tokens"},
		{`"input":"x","max_output_tokens":4096`, "input"},
		{`"input":"x","temperature":3`, "temperature"},
		{`"input":"x","stream_options":{}`, "stream_options"},
		{`"input":"x","tools":[{"type":"web_search"}]`, "tools[0].type"},
		{`"input":"x","tools":[{"type":"function"}]`, "tools[0].name"},
		{`"input":"x","tools":[{"type":"function","name":"f","parameters":7}]`, "tools[0].parameters"},
		{`"input":"x","tool_choice":"maybe"`, "tool_choice"},
		{`"input":"x","tool_choice":{"type":"function","name":"f"}`, "tool_choice.name"},
		{`"input":"x","tool_choice":{"type":"file_search"}`, "tool_choice.type"},
		{`"input":"x","text":"a"`, "text"},
		{`"input":"x","text":{"format":"a"}`, "text.format"},
		{`"input":"x","text":{"format":{"type":"xml"}}`, "text.format.type"},
	} {
		r := w.respond(c.fields)
		v := r.json(t)
		if r.status != 400 || at(v, "error", "param") != c.param || at(v, "error", "type") != "invalid_request_error" {
			t.Errorf("%s: %d %s, want %s", c.fields, r.status, r.body, c.param)
		}
		if msg, _ := at(v, "error", "message").(string); strings.HasPrefix(msg, "Invalid value for") && !strings.Contains(msg, "'"+c.param+"'") {
			t.Errorf("%s: the message names another field: %s", c.fields, msg)
		}
	}
	if n := len(w.coord.Seen()); n != 0 {
		t.Errorf("%d bad requests were submitted", n)
	}
}

func TestResponseThatFails(t *testing.T) {
	w := start(t, text("0123456789"))
	w.coord.Break(5, wire.DeltaItem{ErrorCode: wire.CodeNumeric, Error: "not a number"})
	events := responseEvents(t, w.respond(`"input":"Hi","stream":true`))
	last := events[len(events)-1]
	if last["type"] != "response.failed" || at(last, "response", "status") != "failed" || at(last, "response", "error", "code") != "server_error" ||
		at(last, "response", "error", "message") != "not a number" {
		t.Errorf("%v", last)
	}
	w.coord.Refuse(wire.GenerateReply{Code: wire.CodeOverloaded, Message: "full"})
	if r := w.respond(`"input":"Hi","stream":true`); r.status != 503 || at(r.json(t), "error", "code") != "overloaded" {
		t.Errorf("%d %s", r.status, r.body)
	}
}

func TestResponsesAreBilledAlike(t *testing.T) {
	w := start(t, func([]int32, uint32, uint64) []int32 { return fake.Tokens("four") })
	a := at(w.respond(`"input":"Hi"`).json(t), "usage")
	b := at(w.chat("").json(t), "usage")
	if at(a, "input_tokens") != at(b, "prompt_tokens") || at(a, "output_tokens") != at(b, "completion_tokens") || at(a, "estimated_cost") != at(b, "estimated_cost") {
		t.Errorf("%v, %v", a, b)
	}
	if r := w.verify(); r.Requests != 2 {
		t.Errorf("%+v", r)
	}
}
