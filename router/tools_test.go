package router_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

const twoTools = `"tools":[{"type":"function","function":{"name":"weather","parameters":{"type":"object"}}},{"type":"function","function":{"name":"now"}}]`

// called is a tool call as a client puts it together.
type called struct{ id, name, arguments string }

// streamedCalls puts the calls of choice 0 together and says how many deltas had arguments. What a client relies on is checked:
// each call is announced once, with its id, type and name and no arguments.
func streamedCalls(t *testing.T, cs []map[string]any) (calls []called, deltas int) {
	t.Helper()
	for _, c := range cs {
		for _, d := range list(at(c, "choices", 0, "delta", "tool_calls")) {
			index, ok := at(d, "index").(json.Number)
			if !ok {
				t.Fatalf("a delta without an index: %v", d)
			}
			i, _ := index.Int64()
			args, _ := at(d, "function", "arguments").(string)
			if int(i) == len(calls) {
				if at(d, "type") != "function" || args != "" {
					t.Errorf("call %d is announced as %v", i, d)
				}
				calls = append(calls, called{id: at(d, "id").(string), name: at(d, "function", "name").(string)})
				continue
			}
			if int(i) != len(calls)-1 || at(d, "id") != nil || at(d, "type") != nil || at(d, "function", "name") != nil || args == "" {
				t.Errorf("delta of call %d of %d: %v", i, len(calls), d)
				continue
			}
			calls[i].arguments += args
			deltas++
		}
	}
	return calls, deltas
}

// TestStreamedCallsAreTheWholeOnes: whatever the model writes, the deltas of a stream put together are what the answer in one body
// has, byte for byte, and no part of a tag shows that is not content.
func TestStreamedCallsAreTheWholeOnes(t *testing.T) {
	const city = "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\":  \"K\\u00f6ln, 東京 <b>\", \"n\": [1.50, 1e3]}}\n</tool_call>"
	const now = "<tool_call>\n{\"name\": \"now\"}\n</tool_call>"
	for _, c := range []struct {
		answer, extra, content, finish string
		calls                          []string // name and arguments
	}{
		{answer: city, finish: "tool_calls", calls: []string{`weather{"city":  "K\u00f6ln, 東京 <b>", "n": [1.50, 1e3]}`}},
		{answer: "Let me see.\n" + city + "\n" + now, content: "Let me see.", finish: "tool_calls",
			calls: []string{`weather{"city":  "K\u00f6ln, 東京 <b>", "n": [1.50, 1e3]}`, "now{}"}},
		{answer: city + now, extra: `,"parallel_tool_calls":false`, finish: "tool_calls", calls: []string{`weather{"city":  "K\u00f6ln, 東京 <b>", "n": [1.50, 1e3]}`}},
		{answer: now, finish: "tool_calls", calls: []string{"now{}"}},
		{answer: "I have no <tool_call> for that", content: "I have no <tool_call> for that", finish: "stop"},
		{answer: `<tool_call>{"name": now}</tool_call>`, content: `<tool_call>{"name": now}</tool_call>`, finish: "stop"},
		{answer: city, extra: `,"max_tokens":70`, finish: "length", calls: []string{`weather{"city":  "K\u00f6ln, 東`}},
		{answer: city, extra: `,"stop":"n\":"`, finish: "tool_calls", calls: []string{`weather{"city":  "K\u00f6ln, 東京 <b>", "`}},
		{answer: city, extra: `,"tool_choice":"none"`, content: city, finish: "stop"},
	} {
		t.Run(c.answer+c.extra, func(t *testing.T) {
			w := start(t, text(c.answer))
			v := w.chat(twoTools + c.extra).json(t)
			message := at(v, "choices", 0, "message")
			var whole []string
			for _, call := range list(at(message, "tool_calls")) {
				whole = append(whole, fmt.Sprint(at(call, "function", "name"), at(call, "function", "arguments")))
			}
			content1, _ := at(message, "content").(string)
			if finish := at(v, "choices", 0, "finish_reason"); fmt.Sprint(whole) != fmt.Sprint(c.calls) || content1 != c.content || finish != c.finish {
				t.Errorf("%q, %q, %v; want %q, %q, %s", whole, content1, finish, c.calls, c.content, c.finish)
			}

			w.coord.SetPace(5 * time.Millisecond) // deltas that are due together come together
			cs := chunks(t, w.chat(twoTools+c.extra+`,"stream":true`))
			calls, deltas := streamedCalls(t, cs)
			var streamed []string
			for _, call := range calls {
				if !strings.HasPrefix(call.id, "call_") {
					t.Errorf("id %q", call.id)
				}
				streamed = append(streamed, call.name+call.arguments)
			}
			if finish := at(cs[len(cs)-1], "choices", 0, "finish_reason"); fmt.Sprint(streamed) != fmt.Sprint(whole) || content(cs, 0) != c.content || finish != c.finish {
				t.Errorf("streamed %q, %q, %v", streamed, content(cs, 0), finish)
			}
			if strings.HasPrefix(c.answer, city) && len(calls) > 0 && deltas < 5 {
				t.Errorf("the arguments came in %d deltas", deltas)
			}
		})
	}
}

// TestOneCallEndsTheAnswer: where one call is wanted at most, nothing is computed or billed behind it.
func TestOneCallEndsTheAnswer(t *testing.T) {
	const call = "<tool_call>{\"name\":\"now\",\"arguments\":{}"
	w := start(t, text(call+"}</tool_call>"+strings.Repeat(nowCall, 60)))
	for i, stream := range []bool{false, true} {
		extra := twoTools + fmt.Sprintf(`,"parallel_tool_calls":false,"stream":%v`, stream)
		if stream {
			extra += `,"stream_options":{"include_usage":true}`
		}
		r := w.chat(extra)
		var usage any
		if stream {
			cs := chunks(t, r)
			calls, _ := streamedCalls(t, cs)
			if len(calls) != 1 || calls[0].arguments != "{}" {
				t.Errorf("%v", calls)
			}
			usage = cs[len(cs)-1]["usage"]
		} else {
			v := r.json(t)
			if len(list(at(v, "choices", 0, "message", "tool_calls"))) != 1 || at(v, "choices", 0, "finish_reason") != "tool_calls" {
				t.Errorf("%v", v)
			}
			usage = v["usage"]
		}
		until(func() bool { return w.coord.Live() == 0 })
		if n := len(w.coord.Cancels()); n != i+1 {
			t.Errorf("%d choices were cancelled", n)
		}
		if billed, _ := at(usage, "completion_tokens").(json.Number).Int64(); billed < int64(len(call)) || billed > int64(len(call)+100) {
			t.Errorf("%d tokens are billed for a call of %d", billed, len(call))
		}
	}
	w.verify()
}
