package router_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stagecoach-llm/stagecoach/router/internal/fake"
)

// scoredChoice is one choice of a completion with echo and logprobs, put together from its chunks.
type scoredChoice struct {
	text    string
	finish  string
	tokens  []string
	lps     []any
	tops    []any
	offsets []int
}

func (w *world) scored(body string, stream bool, n int) ([]scoredChoice, map[string]any) {
	w.t.Helper()
	extra := `,"stream":false}`
	if stream {
		extra = `,"stream":true,"stream_options":{"include_usage":true}}`
	}
	r := w.do("POST", "/v1/completions", strings.TrimSuffix(body, "}")+extra)
	if r.status != 200 {
		w.t.Fatalf("%s: %d %s", body, r.status, r.body)
	}
	var parts []map[string]any
	if stream {
		parts = chunks(w.t, r)
	} else {
		parts = append(parts, r.json(w.t))
	}
	out := make([]scoredChoice, n)
	for _, p := range parts {
		for _, ch := range at(p, "choices").([]any) {
			i, _ := at(ch, "index").(json.Number).Int64()
			out[i].add(ch)
		}
	}
	usage, _ := at(parts[len(parts)-1], "usage").(map[string]any)
	return out, usage
}

func (c *scoredChoice) add(ch any) {
	c.text += at(ch, "text").(string)
	if f, ok := at(ch, "finish_reason").(string); ok {
		c.finish = f
	}
	list := func(key string) []any { l, _ := at(ch, "logprobs", key).([]any); return l }
	for _, s := range list("tokens") {
		c.tokens = append(c.tokens, s.(string))
	}
	c.lps, c.tops = append(c.lps, list("token_logprobs")...), append(c.tops, list("top_logprobs")...)
	for _, o := range list("text_offset") {
		n, _ := o.(json.Number).Int64()
		c.offsets = append(c.offsets, int(n))
	}
}

// TestEchoWithLogprobs: the prompt's tokens come before the answer's, the first without a score, streamed or not; all lists
// are as long as prompt and answer together, and the text is cut at the offsets into the tokens.
func TestEchoWithLogprobs(t *testing.T) {
	w := start(t, func(_ []int32, choice uint32, _ uint64) []int32 { return fake.Tokens("xyz"[choice:]) })
	for _, c := range []struct {
		prompt, extra string
		texts         []string
		answer        int // tokens of each answer
		finish        string
		bill          string // prompt, completion
	}{
		{`"hello"`, `"max_tokens":0`, []string{"hello"}, 0, "length", "5 0"},
		{`"hello"`, `"max_tokens":1`, []string{"hellox"}, 1, "length", "5 1"},
		{`"hello"`, ``, []string{"helloxyz"}, 4, "stop", "5 4"}, // with the end token, which is no text
		{`[104,105]`, `"max_tokens":0,"n":3`, []string{"hi", "hi", "hi"}, 0, "length", "2 0"},
		{`["ab","cdefghijk"]`, `"max_tokens":2,"n":2`, []string{"abxy", "abyz", "cdefghijkxy", "cdefghijkyz"}, 2, "length", "11 8"},
		{`"a"`, `"max_tokens":0,"n":2`, []string{"a", "a"}, 0, "length", "1 0"},
		{`"a"`, `"max_tokens":1`, []string{"ax"}, 1, "length", "1 1"},
		{`"aé"`, `"max_tokens":1`, []string{"aéx"}, 1, "length", "3 1"},
	} {
		body := fmt.Sprintf(`{"model":"demo/model","prompt":%s,"echo":true,"logprobs":2`, c.prompt)
		if c.extra != "" {
			body += "," + c.extra
		}
		for _, stream := range []bool{false, true} {
			got, usage := w.scored(body+"}", stream, len(c.texts))
			for i, ch := range got {
				if ch.text != c.texts[i] || ch.finish != c.finish {
					t.Errorf("%s (stream %v): choice %d is %q, %s", body, stream, i, ch.text, ch.finish)
				}
				checkLists(t, &ch, c.answer)
			}
			if b := fmt.Sprint(usage["prompt_tokens"], " ", usage["completion_tokens"]); b != c.bill {
				t.Errorf("%s (stream %v): billed %s, want %s", body, stream, b, c.bill)
			}
		}
	}
}

func checkLists(t *testing.T, c *scoredChoice, answer int) {
	t.Helper()
	n := len(c.tokens)
	if len(c.lps) != n || len(c.tops) != n || len(c.offsets) != n || c.lps[0] != nil || c.tops[0] != nil || c.offsets[0] != 0 {
		t.Fatalf("lists of %d, %d, %d, %d entries: %+v", n, len(c.lps), len(c.tops), len(c.offsets), c)
	}
	for i := 1; i < n; i++ {
		want := json.Number("-0.25")
		if i < n-answer {
			want = json.Number(fmt.Sprint(-i))
		}
		tops, _ := c.tops[i].(map[string]any)
		if c.lps[i] != want || tops[c.tokens[i]] != want || len(tops) < 1 {
			t.Errorf("%q: token %d has %v, %v, want %v", c.text, i, c.lps[i], tops, want)
		}
		if c.offsets[i] < c.offsets[i-1] || c.offsets[i] > len([]rune(c.text)) {
			t.Errorf("%q: offsets %v", c.text, c.offsets)
		}
	}
	if len(c.text) == len([]rune(c.text)) { // one byte, one character, one token
		for i, o := range c.offsets {
			if !strings.HasPrefix(c.text[o:], c.tokens[i]) && c.tokens[i] != "<|im_end|>" {
				t.Errorf("%q: token %d is %q, at %d", c.text, i, c.tokens[i], o)
			}
		}
	}
}

// One choice asks for all where nothing is sampled; the pipeline is told what is wanted.
func TestScoringAsksOnce(t *testing.T) {
	w := start(t, text("x"))
	w.scored(`{"model":"demo/model","prompt":"hello","echo":true,"logprobs":3,"max_tokens":0,"n":4}`, false, 4)
	seen := w.coord.Seen()
	if len(seen) != 1 || !seen[0].Score || seen[0].MaxTokens != 0 || len(seen[0].Choices) != 1 || seen[0].Params.Logprobs != 3 {
		t.Errorf("%+v", seen)
	}
	w.do("POST", "/v1/completions", `{"model":"demo/model","prompt":"hello","echo":true,"max_tokens":1}`)
	w.do("POST", "/v1/completions", `{"model":"demo/model","prompt":"hello","logprobs":1,"max_tokens":1}`)
	for _, g := range w.coord.Seen()[1:] {
		if g.Score {
			t.Errorf("scores are asked for that nobody wants: %+v", g)
		}
	}
}
