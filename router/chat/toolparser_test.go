package chat

import (
	"slices"
	"strings"
	"testing"
)

type parsed struct {
	content string
	calls   []ToolCall
}

// parseAnswer pushes an answer in pieces of n bytes.
func parseAnswer(answer string, n int) parsed {
	var p ToolParser
	var out parsed
	add := func(content string, calls []ToolCall) {
		out.content += content
		out.calls = append(out.calls, calls...)
	}
	for len(answer) > 0 {
		k := min(n, len(answer))
		add(p.Push(answer[:k]))
		answer = answer[k:]
	}
	add(p.Flush())
	return out
}

func TestToolParser(t *testing.T) {
	call := func(name, args string) ToolCall { return ToolCall{Name: name, Arguments: args} }
	cases := []struct {
		name, answer, content string
		calls                 []ToolCall
	}{
		{"none", "  Hello <b>!\n\n", "  Hello <b>!\n\n", nil},
		{"empty", "", "", nil},
		{"one", "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\":  1}}\n</tool_call>", "", []ToolCall{call("f", `{"a":  1}`)}},
		{"text before", "Let me look.\n<tool_call>{\"name\": \"f\", \"arguments\": {}}</tool_call>", "Let me look.", []ToolCall{call("f", "{}")}},
		{"two", "\n<tool_call>{\"name\":\"f\",\"arguments\":{}}</tool_call>\n<tool_call>{\"name\":\"g\",\"arguments\":{}}</tool_call>\n", "", []ToolCall{call("f", "{}"), call("g", "{}")}},
		{"text after", "<tool_call>{\"name\":\"f\"}</tool_call>\nDone.", "Done.", []ToolCall{call("f", "{}")}},
		{"text around", "A\n<tool_call>{\"name\":\"f\"}</tool_call>\nB\n", "A\n\nB", []ToolCall{call("f", "{}")}},
		{"null arguments", `<tool_call>{"name":"f","arguments":null}</tool_call>`, "", []ToolCall{call("f", "{}")}},
		{"arguments in a string", `<tool_call>{"name":"f","arguments":"{\"a\":\"ü\"}"}</tool_call>`, "", []ToolCall{call("f", `{"a":"ü"}`)}},
		{"parameters", `<tool_call>{"name":"f","parameters":{"a":1}}</tool_call>`, "", []ToolCall{call("f", `{"a":1}`)}},
		{"closing tag in a string", `<tool_call>{"name":"f","arguments":{"a":"</tool_call>\""}}</tool_call>`, "", []ToolCall{call("f", `{"a":"</tool_call>\""}`)}},
		{"not closed", "<tool_call>\n{\"name\":\"f\",\"arguments\":{\"a\":1}}\n", "", []ToolCall{call("f", `{"a":1}`)}},
		{"cut off", `<tool_call>{"name":"f","argum`, `<tool_call>{"name":"f","argum`, nil},
		{"not JSON", "Use <tool_call>name</tool_call> for that. ", "Use <tool_call>name</tool_call> for that. ", nil},
		{"not JSON, then a call", `<tool_call>{"name":}</tool_call><tool_call>{"name":"f"}</tool_call>`, `<tool_call>{"name":}</tool_call>`, []ToolCall{call("f", "{}")}},
		{"no name", `<tool_call>{"arguments":{}}</tool_call>`, `<tool_call>{"arguments":{}}</tool_call>`, nil},
		{"arguments are a list", `<tool_call>{"name":"f","arguments":[1]}</tool_call>`, `<tool_call>{"name":"f","arguments":[1]}</tool_call>`, nil},
		{"arguments are text", `<tool_call>{"name":"f","arguments":"x"}</tool_call>`, `<tool_call>{"name":"f","arguments":"x"}</tool_call>`, nil},
		{"almost a tag", "<tool_cal", "<tool_cal", nil},
		{"opening tag alone", "a <tool_call>", "a <tool_call>", nil},
		{"spoken about", "Write <tool_call> \"so. <tool_call>{\"name\":\"f\"}</tool_call>", "Write <tool_call> \"so.", []ToolCall{call("f", "{}")}},
		{"nested", `<tool_call><tool_call>{"name":"f"}</tool_call></tool_call>`, "<tool_call></tool_call>", []ToolCall{call("f", "{}")}},
		{"less-than in JSON", `<tool_call>{"name":"f","arguments":{"a":"</tool"}}</tool_call>`, "", []ToolCall{call("f", `{"a":"</tool"}`)}},
	}
	for _, c := range cases {
		for n := 1; n <= len(c.answer)+1; n++ {
			got := parseAnswer(c.answer, n)
			if got.content != c.content || !slices.Equal(got.calls, c.calls) {
				t.Errorf("%s in pieces of %d: %+v, want %q and %v", c.name, n, got, c.content, c.calls)
			}
		}
	}
}

// Content must not wait for the end of an answer that calls nothing.
func TestContentIsNotHeldBack(t *testing.T) {
	var p ToolParser
	for _, c := range [][2]string{{"Hello", "Hello"}, {" ", ""}, {"world <", " world"}, {"b>", " <b>"}, {"<tool_", ""}, {"kit>", "<tool_kit>"}, {"<tool_call> is", "<tool_call> is"}} {
		if got, _ := p.Push(c[0]); got != c[1] {
			t.Errorf("push %q: %q, want %q", c[0], got, c[1])
		}
	}
}

func TestCallsComeWhenTheyAreComplete(t *testing.T) {
	var p ToolParser
	if _, calls := p.Push(`<tool_call>{"name":"f"}</tool_call`); len(calls) != 0 {
		t.Error("too early")
	}
	if _, calls := p.Push(`>`); len(calls) != 1 {
		t.Error("too late")
	}
	if content, calls := p.Flush(); content != "" || len(calls) != 0 {
		t.Error("twice")
	}
	if content, _ := p.Push(" again"); content != " again" {
		t.Errorf("after a flush: %q", content)
	}
}

func FuzzToolParser(f *testing.F) {
	f.Add(`a <tool_call>{"name":"f","arguments":{"a":"\""}}</tool_call> b`, 3)
	f.Add(`<tool_call><tool_call>{"name":"f"}</tool_call></tool_call>`, 1)
	f.Fuzz(func(t *testing.T, answer string, n int) {
		one := parseAnswer(answer, len(answer)+1)
		cut := parseAnswer(answer, max(1, n))
		if one.content != cut.content || !slices.Equal(one.calls, cut.calls) {
			t.Fatalf("whole %+v, in pieces %+v", one, cut)
		}
		if len(one.calls) == 0 && one.content != answer {
			t.Fatalf("without a call %q became %q", answer, one.content)
		}
		if !strings.Contains(answer, callOpen) && len(one.calls) > 0 {
			t.Fatalf("%v out of nothing", one.calls)
		}
	})
}
