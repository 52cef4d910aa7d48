package router_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stagecoach-llm/stagecoach/router/internal/fake"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// field is a row of the contract's table: values that are good, with what the pipeline is told, and values that are refused.
type field struct {
	name  string
	also  string // other fields that the values need
	param string // what a refusal names; "" is the field
	show  func(g *wire.Generate) any
	// good are pairs of a value and what show gives. null and a missing field are tried with every field, and give the last.
	good [][2]string
	bad  []string
}

func ofParams[T any](get func(p *wire.Params) T) func(*wire.Generate) any {
	return func(g *wire.Generate) any { return get(&g.Params) }
}

func number(get func(p *wire.Params) float64) func(*wire.Generate) any { return ofParams(get) }

// both are the fields of chat and text completions.
var both = []field{
	{name: "max_tokens", show: func(g *wire.Generate) any { return g.MaxTokens },
		good: [][2]string{{"1", "1"}, {"2.0", "2"}, {"3e0", "3"}}, bad: []string{"-1", "1000001", "1.5", `"5"`, "true", "[1]", "{}", "1e300", "9223372036854775808"}},
	{name: "max_completion_tokens", also: `"max_tokens":9`, show: func(g *wire.Generate) any { return g.MaxTokens },
		good: [][2]string{{"1", "1"}, {"20", "20"}, {"null", "9"}}, bad: []string{"-1", "1000001", "1.5", `"5"`}},
	{name: "temperature", show: number(func(p *wire.Params) float64 { return p.Temperature }),
		good: [][2]string{{"0", "0"}, {"2", "2"}, {"0.7", "0.7"}, {"1e-31", "0"}, {"null", "1"}}, bad: []string{"-0.0001", "2.0001", `"1"`, "true", "[1]", "1e400"}},
	{name: "top_p", show: number(func(p *wire.Params) float64 { return p.TopP }),
		good: [][2]string{{"0.0001", "0.0001"}, {"1", "1"}, {"null", "1"}}, bad: []string{"0", "-0.1", "1.0001", `"1"`, "true"}},
	{name: "top_k", show: ofParams(func(p *wire.Params) int { return p.TopK }),
		good: [][2]string{{"-1", "0"}, {"0", "0"}, {"1", "1"}, {"999", "999"}, {"null", "0"}}, bad: []string{"-2", "1000", "1.5", `"1"`, "true"}},
	{name: "min_p", show: number(func(p *wire.Params) float64 { return p.MinP }),
		good: [][2]string{{"0", "0"}, {"1", "1"}, {"0.05", "0.05"}, {"null", "0"}}, bad: []string{"-0.0001", "1.0001", `"1"`, "[]"}},
	{name: "repetition_penalty", show: number(func(p *wire.Params) float64 { return p.Repetition }),
		good: [][2]string{{"0.01", "0.01"}, {"5", "5"}, {"null", "1"}}, bad: []string{"0.0099", "5.0001", "-1", `"1"`}},
	{name: "presence_penalty", show: number(func(p *wire.Params) float64 { return p.Presence }),
		good: [][2]string{{"-2", "-2"}, {"2", "2"}, {"null", "0"}}, bad: []string{"-2.0001", "2.0001", `"1"`, "true"}},
	{name: "frequency_penalty", show: number(func(p *wire.Params) float64 { return p.Frequency }),
		good: [][2]string{{"-2", "-2"}, {"2", "2"}, {"null", "0"}}, bad: []string{"-2.0001", "2.0001", `"1"`, "true"}},
	{name: "seed", show: func(g *wire.Generate) any { return g.Choices[0].Seed },
		good: [][2]string{{"0", "0"}, {"9223372036854775807", "9223372036854775807"}, {"9007199254740993", "9007199254740993"}, {"12.0", "12"}},
		bad:  []string{"-1", "9223372036854775808", "1.5", `"1"`, "true", "{}"}},
	{name: "stop", good: [][2]string{{`"x"`, ""}, {`["a","b","c","d"]`, ""}, {"[]", ""}, {`"</s>"`, ""}},
		bad: []string{`""`, `["a",""]`, `["a","b","c","d","e"]`, "1", "[1]", "[null]", "{}", "true"}},
	{name: "n", show: func(g *wire.Generate) any { return len(g.Choices) },
		good: [][2]string{{"1", "1"}, {"128", "128"}, {"2.0", "2"}, {"null", "1"}}, bad: []string{"0", "129", "-1", "1.5", `"1"`, "true"}},
	{name: "stream", good: [][2]string{{"true", ""}, {"false", ""}}, bad: []string{`"true"`, "1", "{}"}},
	{name: "stream_options", also: `"stream":true`, good: [][2]string{{"{}", ""}, {`{"include_usage":true}`, ""}, {`{"include_usage":null,"other":1}`, ""}}, bad: []string{"true", "[]"}},
	{name: "stream_options", bad: []string{"{}", `{"include_usage":true}`}},
	{name: "stream_options", also: `"stream":true`, param: "stream_options.include_usage", bad: []string{`{"include_usage":1}`, `{"include_usage":"yes"}`}},
	{name: "logit_bias", show: ofParams(func(p *wire.Params) []wire.Bias { return p.LogitBias }),
		good: [][2]string{{"{}", "[]"}, {`{"0":-100,"258":100}`, "[{0 -100} {258 100}]"}, {"null", "[]"}}, bad: []string{`{"259":1}`, `{"-1":1}`, `{"x":1}`, `{"01":1}`, "[]", `"5"`}},
	{name: "logit_bias", param: "logit_bias.5", bad: []string{`{"5":100.5}`, `{"5":-101}`, `{"5":"1"}`, `{"5":true}`}},
	{name: "user", good: [][2]string{{`"ann"`, ""}, {`""`, ""}, {`"` + strings.Repeat("u", 512) + `"`, ""}}, bad: []string{"7", `["ann"]`, `"` + strings.Repeat("u", 513) + `"`}},
	{name: "stop_token_ids", show: ofParams(func(p *wire.Params) []int32 { return p.StopIDs }),
		good: [][2]string{{"[]", "[256 258]"}, {"[0,258,0]", "[0 256 258]"}, {"null", "[256 258]"}}, bad: []string{"[259]", "[-1]", "[1.5]", `["1"]`, "1", "[" + strings.Repeat("1,", 256) + "1]"}},
	{name: "ignore_eos", show: ofParams(func(p *wire.Params) []int32 { return p.StopIDs }),
		good: [][2]string{{"true", "[]"}, {"false", "[256 258]"}, {"null", "[256 258]"}}, bad: []string{"1", `"true"`}},
	{name: "min_tokens", also: `"max_tokens":3`, show: ofParams(func(p *wire.Params) int { return p.MinTokens }),
		good: [][2]string{{"0", "0"}, {"3", "3"}, {"null", "0"}}, bad: []string{"-1", "4", "1000001", "1.5", `"1"`}},
	{name: "include_stop_str_in_output", good: [][2]string{{"true", ""}, {"false", ""}}, bad: []string{"1", `"true"`}},
	{name: "skip_special_tokens", good: [][2]string{{"true", ""}, {"false", ""}}, bad: []string{"0", `"true"`}},
	{name: "cache_salt", show: func(g *wire.Generate) any { return g.Salt }, good: [][2]string{{`"s"`, "s"}, {"null", ""}}, bad: []string{"1", "{}"}},
	{name: "priority", show: func(g *wire.Generate) any { return g.Priority },
		good: [][2]string{{"-1000", "-1000"}, {"1000", "1000"}, {"null", "0"}}, bad: []string{"-1001", "1001", "0.5", `"1"`}},
	{name: "model", bad: []string{"null", `""`, "1", `["demo/model"]`, "{}"}},
}

// chatOnly are the fields of chat completions alone.
var chatOnly = []field{
	{name: "logprobs", show: ofParams(func(p *wire.Params) int { return p.Logprobs }),
		good: [][2]string{{"true", "0"}, {"false", "-1"}, {"null", "-1"}}, bad: []string{"1", `"true"`, "{}"}},
	{name: "top_logprobs", also: `"logprobs":true`, show: ofParams(func(p *wire.Params) int { return p.Logprobs }),
		good: [][2]string{{"0", "0"}, {"20", "20"}, {"null", "0"}}, bad: []string{"-1", "21", "1.5", `"1"`}},
	{name: "top_logprobs", bad: []string{"0", "5"}},
	{name: "tools", good: [][2]string{{`[{"type":"function","function":{"name":"f"}}]`, ""}, {`[{"type":"function","function":{"name":"a.b-C_1","description":null,"parameters":null,"strict":null}}]`, ""}},
		bad: []string{"[]", "{}", `"f"`, "1"}},
	{name: "tools", param: "tools[0]", bad: []string{"[1]", "[null]", `["f"]`}},
	{name: "tools", param: "tools[0].type", bad: []string{`[{}]`, `[{"type":"web_search"}]`, `[{"type":1}]`}},
	{name: "tools", param: "tools[0].function", bad: []string{`[{"type":"function"}]`, `[{"type":"function","function":"f"}]`}},
	{name: "tools", param: "tools[0].function.name", bad: []string{`[{"type":"function","function":{}}]`, `[{"type":"function","function":{"name":"a b"}}]`,
		`[{"type":"function","function":{"name":""}}]`, `[{"type":"function","function":{"name":"` + strings.Repeat("f", 65) + `"}}]`}},
	{name: "tools", param: "tools[0].function.parameters", bad: []string{`[{"type":"function","function":{"name":"f","parameters":"x"}}]`}},
	{name: "tool_choice", good: [][2]string{{`"none"`, ""}, {`"auto"`, ""}}, bad: []string{`"required"`, `"maybe"`, "1", "[]", "true"}},
	{name: "tool_choice", param: "tool_choice.function.name", also: `"tools":[{"type":"function","function":{"name":"f"}}]`, bad: []string{`{"type":"function","function":{"name":"g"}}`, `{"type":"function"}`}},
	{name: "tool_choice", param: "tool_choice.type", also: `"tools":[{"type":"function","function":{"name":"f"}}]`, bad: []string{`{"type":"magic"}`, `{}`}},
	{name: "parallel_tool_calls", good: [][2]string{{"true", ""}, {"false", ""}}, bad: []string{"1", `"true"`}},
	{name: "response_format", good: [][2]string{{`{"type":"text"}`, ""}}, bad: []string{`"text"`, "[]", "1"}},
	{name: "response_format", param: "response_format.type", bad: []string{"{}", `{"type":"xml"}`, `{"type":1}`}},
	{name: "modalities", good: [][2]string{{`["text"]`, ""}, {`[]`, ""}}, bad: []string{`["text","audio"]`, `"text"`, "{}"}},
	{name: "audio", bad: []string{`{"voice":"alloy","format":"wav"}`}},
	{name: "messages", param: "messages[0]", bad: []string{`["x"]`, "[null]"}},
	{name: "messages", bad: []string{"null", "[]", `"x"`, "{}", "1"}},
	{name: "messages", param: "messages[0].role", bad: []string{`[{"content":"x"}]`, `[{"role":null,"content":"x"}]`, `[{"role":"function","content":"x"}]`, `[{"role":1,"content":"x"}]`}},
	{name: "messages", param: "messages[0].content", bad: []string{`[{"role":"user"}]`, `[{"role":"user","content":null}]`, `[{"role":"user","content":7}]`, `[{"role":"user","content":{}}]`,
		`[{"role":"assistant"}]`, `[{"role":"assistant","content":null,"tool_calls":[]}]`, `[{"role":"tool","tool_call_id":"1"}]`}},
	{name: "messages", param: "messages[0].content[1].type", bad: []string{
		`[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"x"}}]}]`, `[{"role":"user","content":[{"type":"text","text":"a"},{"type":"input_audio"}]}]`,
		`[{"role":"user","content":[{"type":"text","text":"a"},{}]}]`}},
	{name: "messages", param: "messages[0].tool_calls", bad: []string{`[{"role":"assistant","content":"x","tool_calls":{}}]`}},
	{name: "messages", good: [][2]string{{`[{"role":"user","content":""}]`, ""}, {`[{"role":"user","content":[]}]`, ""}, {`[{"role":"assistant","content":"x"},{"role":"user","content":"y","name":"n"}]`, ""},
		{`[{"role":"assistant","content":null,"refusal":"no"}]`, ""}}},
}

// textOnly are the fields of text completions alone.
var textOnly = []field{
	{name: "logprobs", show: ofParams(func(p *wire.Params) int { return p.Logprobs }),
		good: [][2]string{{"0", "0"}, {"20", "20"}, {"null", "-1"}}, bad: []string{"-1", "21", "1.5", "true", `"1"`}},
	{name: "echo", good: [][2]string{{"true", ""}, {"false", ""}}, bad: []string{"1", `"true"`}},
	{name: "suffix", bad: []string{`"x"`, "1"}},
	{name: "prompt", show: func(g *wire.Generate) any { return g.Prompt },
		good: [][2]string{{`"ab"`, "[97 98]"}, {`["ab"]`, "[97 98]"}, {"[97,98]", "[97 98]"}, {"[[97,98]]", "[97 98]"}, {"[258]", "[258]"}, {`"<|im_end|>"`, fmt.Sprint([]byte("<|im_end|>"))}},
		bad:  []string{"null", `""`, "[]", "[[]]", `[""]`, "7", "{}", "true", "[true]", "[259]", "[-1]", "[1.5]", `["a",1]`, `[1,"a"]`, `[[1],["a"]]`, "[null]", `[{}]`}},
}

// responseOnly are the fields of responses alone.
var responseOnly = []field{
	{name: "max_output_tokens", show: func(g *wire.Generate) any { return g.MaxTokens },
		good: [][2]string{{"0", ""}, {"1", "1"}, {"2.0", "2"}}, bad: []string{"-1", "1000001", "1.5", `"5"`, "true"}},
	{name: "top_logprobs", show: ofParams(func(p *wire.Params) int { return p.Logprobs }),
		good: [][2]string{{"0", "0"}, {"20", "20"}, {"null", "-1"}}, bad: []string{"-1", "21", "1.5", `"1"`}},
	{name: "include", show: ofParams(func(p *wire.Params) int { return p.Logprobs }),
		good: [][2]string{{"[]", "-1"}, {`["message.output_text.logprobs"]`, "0"}, {`["reasoning.encrypted_content"]`, "-1"}, {"null", "-1"}}, bad: []string{`"a"`, "[1]", "{}", "true"}},
	{name: "instructions", good: [][2]string{{`"i"`, ""}, {`""`, ""}}, bad: []string{"1", "[]", "{}"}},
	{name: "store", good: [][2]string{{"true", ""}, {"false", ""}}, bad: []string{"1", `"true"`}},
	{name: "background", good: [][2]string{{"false", ""}}, bad: []string{"true", "1", `"false"`}},
	{name: "metadata", good: [][2]string{{"{}", ""}, {`{"a":"b"}`, ""}}, bad: []string{"[]", `"a"`, "1"}},
	{name: "reasoning", good: [][2]string{{"{}", ""}, {`{"effort":"high","summary":"auto"}`, ""}}, bad: []string{"[]", `"high"`}},
	{name: "truncation", good: [][2]string{{`"auto"`, ""}, {`"disabled"`, ""}}, bad: []string{`"all"`, "true", "1"}},
	{name: "text", good: [][2]string{{"{}", ""}, {`{"format":null,"verbosity":"low"}`, ""}, {`{"format":{"type":"text"}}`, ""}}, bad: []string{"[]", `"text"`, "1"}},
	{name: "text", param: "text.format.type", bad: []string{`{"format":{}}`, `{"format":{"type":"xml"}}`}},
	{name: "tools", good: [][2]string{{"[]", ""}, {`[{"type":"function","name":"f"}]`, ""}, {`[{"type":"function","name":"f","description":null,"parameters":null,"strict":null}]`, ""}}, bad: []string{"{}", `"f"`, "1"}},
	{name: "tool_choice", good: [][2]string{{`"none"`, ""}, {`"auto"`, ""}}, bad: []string{`"required"`, `"maybe"`, "1", "[]"}},
	{name: "parallel_tool_calls", good: [][2]string{{"true", ""}, {"false", ""}}, bad: []string{"1", `"true"`}},
	{name: "previous_response_id", bad: []string{`"resp_1"`, "1"}},
	{name: "conversation", bad: []string{`"conv_1"`, `{"id":"conv_1"}`}},
	{name: "input", bad: []string{"null", "[]", "1", "{}", "true"}},
}

// notOfResponses are fields that /v1/responses does not have: whatever they say is ignored.
var notOfResponses = map[string]bool{"max_tokens": true, "max_completion_tokens": true, "n": true}

func ofResponses() (out []field) {
	for _, f := range both {
		if !notOfResponses[f.name] {
			f.also = strings.ReplaceAll(f.also, "max_tokens", "max_output_tokens")
			out = append(out, f)
		}
	}
	return out
}

// TestFields tries every row of the contract's table at its edges and beyond, on the endpoints that have it.
func TestFields(t *testing.T) {
	w := start(t, text("x"))
	for path, fields := range map[string][][]field{
		"chat/completions": {both, chatOnly}, "completions": {both, textOnly}, "responses": {ofResponses(), responseOnly},
	} {
		base := map[string]string{"model": `"demo/model"`}
		switch path {
		case "completions":
			base["prompt"] = `"a"`
		case "responses":
			base["input"] = `"a"`
		default:
			base["messages"] = `[{"role":"user","content":"Hi"}]`
		}
		for _, f := range append(fields[0], fields[1]...) {
			t.Run(path+"/"+f.name, func(t *testing.T) { tryField(t, w, path, base, &f) })
		}
	}
}

// request is the body of a request with a field of this value.
func (f *field) request(base map[string]string, value string) string {
	var parts []string
	for name, v := range base {
		if name != f.name {
			parts = append(parts, fmt.Sprintf("%q:%s", name, v))
		}
	}
	if f.also != "" {
		parts = append(parts, f.also)
	}
	if value != "" {
		parts = append(parts, fmt.Sprintf("%q:%s", f.name, value))
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func tryField(t *testing.T, w *world, path string, base map[string]string, f *field) {
	good := f.good
	if base[f.name] == "" { // what is required cannot be null
		last := ""
		if n := len(good); n > 0 && good[n-1][0] == "null" {
			last = good[n-1][1]
		}
		good = append(good, [2]string{"null", last}, [2]string{"", last})
	}
	for _, g := range good {
		body := f.request(base, g[0])
		before := len(w.coord.Seen())
		r := w.do("POST", "/v1/"+path, body)
		if r.status != 200 {
			t.Errorf("%s: %d %s", body, r.status, r.body)
			continue
		}
		if seen := w.coord.Seen(); f.show != nil && g[1] != "" {
			if got := fmt.Sprint(f.show(&seen[before])); got != g[1] {
				t.Errorf("%s is passed on as %s, want %s", body, got, g[1])
			}
		}
	}
	param := f.param
	if param == "" {
		param = f.name
	}
	before := len(w.coord.Seen())
	for _, value := range f.bad {
		body := f.request(base, value)
		r := w.do("POST", "/v1/"+path, body)
		v := r.json(t)
		if r.status != 400 || at(v, "error", "param") != param || at(v, "error", "type") != "invalid_request_error" || at(v, "error", "message") == "" {
			t.Errorf("%s: %d %s, want param %s", body, r.status, r.body, param)
		}
	}
	if n := len(w.coord.Seen()); n != before {
		t.Errorf("%d refused requests were submitted", n-before)
	}
}

// TestContextEdge: prompt and answer may fill the context, and not one token more; nothing is ever cut out of a prompt.
func TestContextEdge(t *testing.T) {
	w := start(t, func(prompt []int32, _ uint32, _ uint64) []int32 {
		return fake.Tokens(strings.Repeat("x", fake.Context))
	})
	prompt := strings.Repeat("a", fake.Context-3)
	for _, c := range []struct {
		prompt, extra string
		status        int
	}{
		{prompt, `,"max_tokens":3`, 200}, {prompt, `,"max_tokens":4`, 400}, {prompt, ``, 200}, {prompt + "abc", `,"max_tokens":0`, 200},
		{prompt + "abc", ``, 400}, {prompt + "abcd", `,"max_tokens":0`, 400}, {"a", `,"max_tokens":1000000`, 400},
	} {
		r := w.do("POST", "/v1/completions", `{"model":"demo/model","prompt":"`+c.prompt+`"`+c.extra+`}`)
		v := r.json(t)
		if r.status != c.status || (c.status == 400 && (at(v, "error", "code") != "context_length_exceeded" || at(v, "error", "param") != "prompt")) {
			t.Errorf("%d tokens%s: %d %s", len(c.prompt), c.extra, r.status, r.body)
		}
		if c.status == 200 && at(v, "choices", 0, "finish_reason") != "length" {
			t.Errorf("%v", at(v, "choices", 0, "finish_reason"))
		}
	}
	for _, g := range w.coord.Seen() {
		if len(g.Prompt) < fake.Context-3 {
			t.Errorf("a prompt of %d tokens was submitted", len(g.Prompt))
		}
	}
}

// TestFieldsWithoutEffect are accepted, whatever they say.
func TestFieldsWithoutEffect(t *testing.T) {
	w := start(t, text("ok"))
	r := w.chat(`"safety_identifier":"s","prompt_cache_key":"k","metadata":{"a":"b"},"store":true,"service_tier":"flex","reasoning_effort":"high",
		"verbosity":"low","prediction":{"type":"content","content":"x"},"unheard_of":{"a":[1]}`)
	plain := w.chat("")
	if r.status != 200 || at(r.json(t), "choices", 0, "message", "content") != at(plain.json(t), "choices", 0, "message", "content") {
		t.Errorf("%d %s", r.status, r.body)
	}
	seen := w.coord.Seen()
	if a, b := fmt.Sprint(seen[0].Params, seen[0].Prompt), fmt.Sprint(seen[1].Params, seen[1].Prompt); a != b {
		t.Errorf("%s, without %s", a, b)
	}
}
