package api

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stagecoach-llm/stagecoach/router/generate"
	"github.com/stagecoach-llm/stagecoach/router/internal/fake"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

func testModel(t testing.TB) *Model {
	t.Helper()
	m, err := NewModel("m", fake.Card())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// show passes text through a choice, token by token (tokens are bytes), and returns what came out and how far each piece went.
func show(t testing.TB, m *Model, s *sampling, text string) (out string, c *choice) {
	t.Helper()
	c = newChoice(m, s)
	var b strings.Builder
	for i, id := range fake.Tokens(text) {
		ev := generate.Event{Position: i, Tokens: []int32{id}, Logprobs: []wire.Logprob{{LP: -1}}}
		if id == fake.ImEnd {
			ev.Finish = wire.FinishStop
		}
		before := c.delivered
		stopped := c.push(ev)
		p := c.take()
		if !utf8.ValidString(p.text) {
			t.Errorf("piece %q is not UTF-8", p.text)
		}
		if p.text != "" && c.delivered == before {
			t.Errorf("piece %q without a token", p.text)
		}
		b.WriteString(p.text)
		if stopped {
			break
		}
	}
	return b.String(), c
}

func options(stops ...string) *sampling {
	return &sampling{stops: stops, params: wire.Params{StopIDs: []int32{fake.ImEnd}}}
}

func TestTextIsHeldOnlyAsLongAsNeeded(t *testing.T) {
	m := testModel(t)
	c := newChoice(m, options("STOP"))
	for _, step := range []struct{ in, want string }{
		{"a", "a"}, {"S", ""}, {"T", ""}, {"x", "STx"}, {"S", ""}, {"S", "S"}, {"T", ""}, {"é"[:1], "ST"}, {"é"[1:], "é"}, {"STO", ""},
	} {
		for i := range len(step.in) {
			c.push(generate.Event{Tokens: []int32{int32(step.in[i])}})
		}
		if got := c.take().text; got != step.want {
			t.Errorf("after %q: %q, want %q", step.in, got, step.want)
		}
	}
	if !c.push(generate.Event{Tokens: []int32{'P', 'x'}}) || c.finish != wire.FinishStop {
		t.Error("not stopped")
	}
	if got := c.take(); got.text != "" || c.delivered != len(c.tokens) || c.tokens[len(c.tokens)-1].id != 'P' {
		t.Errorf("%q, %d of %d tokens: what follows the stop string is not delivered", got.text, c.delivered, len(c.tokens))
	}
}

// TestWithheldCallsAreNotDelivered: tokens count, and tell their log-probabilities, once something of them or behind them shows.
func TestWithheldCallsAreNotDelivered(t *testing.T) {
	c := newChoice(testModel(t), options())
	c.calls = newCallFilter(false)
	var text string
	for _, part := range []struct {
		text string
		held bool // until the next part's first byte, or the answer's end
	}{
		{"\xffé", false}, {" \n<tool_call>\n{\"name\": \"f\", \"arguments\": ", true}, {"{\"a\": \"", false},
		{"\xe2\x82", true}, {"\"}", false}, {"}\n</tool_call> <tool_call>{\"a\":\xff}</tool_call", true}, {">", false}, {" ", true}, {"b", false}, {" <tool_c", true},
	} {
		shown := len(text)
		for i := range len(part.text) {
			text += part.text[i : i+1]
			c.push(generate.Event{Tokens: []int32{int32(part.text[i])}, Logprobs: []wire.Logprob{{}}})
			c.take()
			if !part.held && wholeLen([]byte(text)) == len(text) {
				shown = len(text)
			}
			if c.delivered != shown || c.given != shown {
				t.Errorf("after %q: %d delivered, %d log-probabilities, want %d", text, c.delivered, c.given, shown)
			}
		}
	}
	c.finish = wire.FinishLength
	if c.take(); c.delivered != len(text) || c.given != len(text) {
		t.Errorf("at the end: %d delivered, %d log-probabilities of %d", c.delivered, c.given, len(text))
	}
}

func TestSpecialTokensAreHidden(t *testing.T) {
	m := testModel(t)
	ids := []int32{'a', fake.ImStart, 'b', fake.EndOfText}
	for _, showSpecial := range []bool{false, true} {
		s := options()
		s.showSpecial = showSpecial
		c := newChoice(m, s)
		c.push(generate.Event{Tokens: ids, Finish: wire.FinishLength})
		want := "ab"
		if showSpecial {
			want = "a<|im_start|>b<|endoftext|>"
		}
		if got := c.take().text; got != want || c.delivered != 4 {
			t.Errorf("show %v: %q, %d tokens", showSpecial, got, c.delivered)
		}
	}
	s := options()
	s.showSpecial = true
	c := newChoice(m, s)
	c.push(generate.Event{Tokens: []int32{'a', fake.ImEnd}, Finish: wire.FinishStop})
	if got := c.take().text; got != "a" {
		t.Errorf("the token that ended the answer shows: %q", got)
	}
}

// FuzzStop compares with looking at the whole text at once.
func FuzzStop(f *testing.F) {
	f.Add("one two three", "two", "ee", false)
	f.Add("aaaaab", "aab", "b", true)
	f.Add("日本語", "本", "\xe6\x9c", false)
	f.Add("abab\xff\xe2\x82", "ba", "x", false)
	m := testModel(f)
	f.Fuzz(func(t *testing.T, text, s1, s2 string, include bool) {
		if s1 == "" || s2 == "" || len(text) > 2000 {
			return
		}
		s := options(s1, s2)
		s.includeStop = include
		got, c := show(t, m, s, text)
		want := string(appendText(nil, []byte(reference(text, include, s1, s2))))
		if got != want {
			t.Errorf("%q with stops %q, %q: %q, want %q", text, s1, s2, got, want)
		}
		if c.finish != wire.FinishStop || c.delivered != len(c.tokens) {
			t.Errorf("finish %q, %d of %d delivered", c.finish, c.delivered, len(c.tokens))
		}
	})
}

// reference cuts text at the stop string that is complete first.
func reference(text string, include bool, stops ...string) string {
	for end := 1; end <= len(text); end++ {
		at := -1
		for _, s := range stops {
			if strings.HasSuffix(text[:end], s) && (at < 0 || end-len(s) < at) {
				at = end - len(s)
			}
		}
		if at >= 0 && include {
			return text[:end]
		}
		if at >= 0 {
			return text[:at]
		}
	}
	return text
}

func FuzzLogprobsSpellTheContent(f *testing.F) {
	f.Add("héllo 🙂 STOP x", "STOP")
	f.Add("\xff\xfe", "zz")
	m := testModel(f)
	f.Fuzz(func(t *testing.T, text, stop string) {
		if stop == "" || len(text) > 2000 {
			return
		}
		c := newChoice(m, options(stop))
		var spelled []byte
		var out string
		for _, id := range fake.Tokens(text) {
			ev := generate.Event{Tokens: []int32{id}, Logprobs: []wire.Logprob{{LP: -1}}}
			if id == fake.ImEnd {
				ev.Finish = wire.FinishStop
			}
			stopped := c.push(ev)
			p := c.take()
			out += p.text
			for _, tt := range p.tokens {
				spelled = append(spelled, tt.bytes...)
			}
			if stopped {
				break
			}
		}
		if got := string(appendText(nil, spelled)); got != out {
			t.Errorf("content %q, log-probabilities spell %q", out, got)
		}
	})
}

func FuzzWholeLen(f *testing.F) {
	f.Add([]byte("aé"), 2)
	f.Add([]byte{0xe2, 0x82, 0xff}, 1)
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		if cut < 0 || cut > len(b) {
			return
		}
		// Text in two pieces, cut where characters are whole, is the text.
		n := wholeLen(b[:cut])
		two := appendText(appendText(nil, b[:n]), b[n:])
		if whole := appendText(nil, b); !bytes.Equal(whole, two) || cut-n > 3 {
			t.Errorf("%q cut at %d: %q, %q", b, n, whole, two)
		}
		if !utf8.Valid(two) {
			t.Errorf("%q is not UTF-8", two)
		}
		if got := rawLen(b, len(appendText(nil, b[:n]))); got != n {
			t.Errorf("the text of %q is said to come from %d bytes", b[:n], got)
		}
	})
}

// FuzzRequests: whatever comes, a request is read or refused with a 4xx that says something, and never panics.
func FuzzRequests(f *testing.F) {
	for _, s := range []string{
		`{"model":"m","messages":[{"role":"user","content":"x"}]}`,
		`{"messages":[{"role":"assistant","content":null,"tool_calls":[{"function":{"name":"f","arguments":"{}"}}]},{"role":"tool","content":[{"type":"text","text":"a"}]}]}`,
		`{"messages":[{"role":"user","content":""}],"tools":[{"type":"function","function":{"name":"f","parameters":{}}}],"tool_choice":"auto"}`,
		`{"prompt":[[1,2],"x"],"echo":true,"stop":["a"],"logit_bias":{"1":2},"stream":true,"stream_options":{"include_usage":true}}`,
		`{"prompt":[1e2,3.0],"seed":9223372036854775807,"n":2,"max_tokens":0}`, `{"prompt":"a","stop_token_ids":[1],"temperature":null}`, `[`, `{"stop":{}}`,
		`{"input":"x","instructions":"i","max_output_tokens":3,"text":{"format":{"type":"text"}},"include":["message.output_text.logprobs"],"store":true}`,
		`{"input":[{"role":"user","content":[{"type":"input_text","text":"a"}]},{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},
		{"type":"function_call_output","call_id":"c","output":"r"}],"tools":[{"type":"function","name":"f","parameters":{}}],"tool_choice":"auto"}`,
	} {
		f.Add([]byte(s))
	}
	m := testModel(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := parseObject(data)
		if err != nil {
			checkRefusal(t, err)
			return
		}
		for _, read := range []reader{readChat, readCompletion, readResponse} {
			o := &object{fields: o.fields}
			j, err := read(o, m, Neutral())
			if err != nil {
				checkRefusal(t, err)
				continue
			}
			if j.n < 1 || j.n*len(j.prompts) > maxChoices || j.params.Temperature < 0 || j.params.TopP <= 0 || len(j.stops) > maxStops || slices.Contains(j.stops, "") {
				t.Errorf("%s is read as %+v", data, j.sampling)
			}
		}
	})
}

// FuzzTokenize: a request is read or refused with a 400, and what is read gives the text back.
func FuzzTokenize(f *testing.F) {
	for _, s := range []string{
		`{"prompt":"héllo <|im_end|>","return_token_strs":true}`, `{"content":"\ud800","with_pieces":true,"add_special":true,"parse_special":true}`,
		`{"messages":[{"role":"user","content":"x"}],"add_generation_prompt":false,"tools":[{"type":"function","function":{"name":"f"}}]}`,
		`{"tokens":[1,2,258]}`, `{"tokens":{}}`, `{"prompt":7}`,
	} {
		f.Add([]byte(s))
	}
	m := testModel(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := parseObject(data)
		if err != nil {
			return
		}
		list, err := readTokens(&object{fields: o.fields}, m)
		if err != nil {
			checkRefusal(t, err)
		} else if list.Count < 0 || (list.Strings != nil && len(list.Strings) != list.Count) {
			t.Errorf("%s: %+v", data, list)
		}
		var prompt string
		if json.Unmarshal(o.fields["prompt"], &prompt) == nil && err == nil && !o.has("messages") && !o.has("with_pieces") {
			if got := m.Tokens.Decode(list.Tokens.([]int32)); o.has("prompt") && got != prompt {
				t.Errorf("%q comes back as %q", prompt, got)
			}
		}
		ids := &object{fields: o.fields}
		if readIDs(ids, m); ids.err != nil {
			checkRefusal(t, ids.err)
		}
	})
}

func checkRefusal(t *testing.T, e *Error) {
	if e.Status != 400 || e.Message == "" || e.Type != typeInvalid {
		t.Errorf("%+v", e)
	}
}
