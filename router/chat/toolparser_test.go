package chat

import (
	"slices"
	"strings"
	"testing"
)

type parsed struct {
	content string
	calls   []ToolCall
	cut     bool // the answer ended within the arguments of the last call
	held    int  // bytes, when all had come
}

// add puts parts together as a client does.
func (p *parsed) add(parts []Part) {
	for _, part := range parts {
		switch part.Kind {
		case Content:
			p.content += part.Text
		case CallBegins:
			p.calls = append(p.calls, ToolCall{Name: part.Text})
			p.cut = true
		case CallArguments:
			p.calls[len(p.calls)-1].Arguments += part.Text
		case CallEnds:
			p.cut = false
		}
	}
}

// parseAnswer pushes an answer in pieces of n bytes.
func parseAnswer(answer string, n int) parsed {
	var p ToolParser
	var out parsed
	for len(answer) > 0 {
		k := min(n, len(answer))
		out.add(p.Push(answer[:k]))
		answer = answer[k:]
	}
	out.held = p.Held()
	out.add(p.Flush())
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
			if got.content != c.content || !slices.Equal(got.calls, c.calls) || got.cut {
				t.Errorf("%s in pieces of %d: %+v, want %q and %v", c.name, n, got, c.content, c.calls)
			}
		}
	}
}

// What has been handed out of a call cannot be taken back: it stays a call, whatever follows.
func TestCallsThatGoWrong(t *testing.T) {
	cases := []struct {
		name, answer, content, args string
		cut                         bool
	}{
		{"cut off in the arguments", `<tool_call>{"name":"f","arguments":{"a":"b`, "", `{"a":"b`, true},
		{"cut off behind the arguments", `<tool_call>{"name":"f","arguments":{"a":1}`, "", `{"a":1}`, false},
		{"cut off in the closing tag", `<tool_call>{"name":"f","arguments":{"a":1}}</tool_c`, "", `{"a":1}`, false},
		{"half a tag in the arguments", `<tool_call>{"name":"f","arguments":{"a":1</tool_`, "", `{"a":1`, true},
		{"closed too early", `<tool_call>{"name":"f","arguments":{"a":1</tool_call>Yes.`, "Yes.", `{"a":1`, false},
		{"no closing tag", `<tool_call>{"name":"f","arguments":{"a":1}} Yes.`, "Yes.", `{"a":1}`, false},
		{"outer object not closed", `<tool_call>{"name":"f","arguments":{"a":1}</tool_call> Yes.`, "Yes.", `{"a":1}`, false},
		{"no JSON in the arguments", `<tool_call>{"name":"f","arguments":{"a": yes <b>}}</tool_call>`, "", `{"a": yes <b>}`, false},
		{"keys behind the arguments", `<tool_call>{"name":"f","arguments":{},"x":{"y":"</tool_call>"}}</tool_call>!`, "!", `{}`, false},
		{"twice", `<tool_call>{"name":"f","arguments":{"a":1},"arguments":{"a":2}}</tool_call>`, "", `{"a":1}`, false},
	}
	for _, c := range cases {
		for n := 1; n <= len(c.answer)+1; n++ {
			got := parseAnswer(c.answer, n)
			if got.content != c.content || !slices.Equal(got.calls, []ToolCall{{Name: "f", Arguments: c.args}}) || got.cut != c.cut {
				t.Errorf("%s in pieces of %d: %+v, want %q and %s", c.name, n, got, c.content, c.args)
			}
		}
	}
}

// Content must not wait for the end of an answer that calls nothing.
func TestContentIsNotHeldBack(t *testing.T) {
	var p ToolParser
	for _, c := range [][2]string{{"Hello", "Hello"}, {" ", ""}, {"world <", " world"}, {"b>", " <b>"}, {"<tool_", ""}, {"kit>", "<tool_kit>"}, {"<tool_call> is", "<tool_call> is"}} {
		var got parsed
		if got.add(p.Push(c[0])); got.content != c[1] {
			t.Errorf("push %q: %q, want %q", c[0], got.content, c[1])
		}
	}
}

// Arguments come as they are written, the name as soon as they begin.
func TestArgumentsAreNotHeldBack(t *testing.T) {
	var p ToolParser
	begins := func(name string) Part { return Part{CallBegins, name} }
	args := func(s string) Part { return Part{CallArguments, s} }
	for _, c := range []struct {
		push string
		want []Part
	}{
		{`Sure. <tool_call>`, []Part{{Content, "Sure."}}},
		{"\n{\"name\": \"f\", \"argum", nil},
		{`ents": {`, []Part{begins("f"), args("{")}},
		{`"a": "<`, []Part{args(`"a": "<`)}},
		{`/tool_call>\"`, []Part{args(`/tool_call>\"`)}},
		{`", "b": [1, {}], "c": <`, []Part{args(`", "b": [1, {}], "c": `)}},
		{`i>}`, []Part{args("<i>}"), {CallEnds, ""}}},
		{"}\n</tool_call>\n<tool_call>", nil},
		{`{"name":"g"}`, nil},
		{`</tool_call>`, []Part{begins("g"), args("{}"), {CallEnds, ""}}},
		{"\nDone.\n", []Part{{Content, " \n\nDone."}}},
	} {
		if got := p.Push(c.push); !slices.Equal(got, c.want) {
			t.Errorf("push %q: %+v, want %+v", c.push, got, c.want)
		}
	}
	if got := p.Flush(); len(got) != 0 {
		t.Errorf("at the end: %+v", got)
	}
}

// What shows nothing, because it waits or because it is dropped, is told until something behind it shows.
func TestHeld(t *testing.T) {
	var p ToolParser
	for _, c := range []struct {
		push string
		held int
	}{
		{"Sure. ", 1}, {"\n<tool", 7}, {"_call>\n{\"name\": \"f\", ", 28}, {`"arguments": {`, 0}, {`"a": 1, "b": <`, 1}, {`/too`, 5}, {`l>}`, 0},
		{"}\n</tool_call>", 14}, {" <tool_call>{}", 28}, {"</tool_call>", 0}, {"\n", 1}, {"Done", 0},
	} {
		if p.Push(c.push); p.Held() != c.held {
			t.Errorf("push %q: %d held, want %d", c.push, p.Held(), c.held)
		}
	}
}

func TestCallsComeWhenTheyAreComplete(t *testing.T) {
	var p ToolParser
	if parts := p.Push(`<tool_call>{"name":"f"}</tool_call`); len(parts) != 0 {
		t.Error("too early")
	}
	var got parsed
	if got.add(p.Push(`>`)); len(got.calls) != 1 {
		t.Error("too late")
	}
	if parts := p.Flush(); len(parts) != 0 {
		t.Error("twice")
	}
	if got.add(p.Push(" again")); got.content != " again" {
		t.Errorf("after a flush: %q", got.content)
	}
}

func FuzzToolParser(f *testing.F) {
	f.Add(`a <tool_call>{"name":"f","arguments":{"a":"\""}}</tool_call> b`, 3)
	f.Add(`<tool_call><tool_call>{"name":"f"}</tool_call></tool_call>`, 1)
	f.Add(`<tool_call>{"name":"f","arguments":{"a":1</tool_call>{"name":"g","parameters":{}}}<tool_call>`, 5)
	f.Fuzz(func(t *testing.T, answer string, n int) {
		one := parseAnswer(answer, len(answer)+1)
		cut := parseAnswer(answer, max(1, n))
		if one.content != cut.content || !slices.Equal(one.calls, cut.calls) || one.cut != cut.cut || one.held != cut.held {
			t.Fatalf("whole %+v, in pieces %+v", one, cut)
		}
		if one.held < 0 || one.held > len(answer) {
			t.Fatalf("%d of %d bytes are held", one.held, len(answer))
		}
		if len(one.calls) == 0 && one.content != answer {
			t.Fatalf("without a call %q became %q", answer, one.content)
		}
		for _, c := range one.calls {
			if c.Name == "" || !strings.HasPrefix(strings.TrimLeft(c.Arguments, " \t\r\n"), "{") {
				t.Fatalf("call %+v", c)
			}
		}
		if !strings.Contains(answer, callOpen) && len(one.calls) > 0 {
			t.Fatalf("%v out of nothing", one.calls)
		}
	})
}
