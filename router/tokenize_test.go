package router_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stagecoach-llm/stagecoach/router"
	"github.com/stagecoach-llm/stagecoach/router/account"
	"github.com/stagecoach-llm/stagecoach/router/internal/fake"
)

func TestTokenize(t *testing.T) {
	w := start(t, text("ok"))
	end, begin := itoa(fake.ImEnd), itoa(fake.ImStart)
	for _, c := range []struct{ path, body, want string }{
		{"/tokenize", `{"prompt":"aé"}`, `{"count":3,"max_model_len":4096,"tokens":[97,195,169],"token_strs":null}`},
		{"/tokenize", `{"model":"demo/model","prompt":"","add_special_tokens":true}`, `{"count":0,"max_model_len":4096,"tokens":[],"token_strs":null}`},
		{"/tokenize", `{"prompt":"aé","return_token_strs":true}`, `{"count":3,"max_model_len":4096,"tokens":[97,195,169],"token_strs":["a","` + "\uFFFD" + `","` + "\uFFFD" + `"]}`},
		{"/tokenize", `{"content":"é","with_pieces":true}`,
			`{"count":2,"max_model_len":4096,"tokens":[{"id":195,"piece":[195]},{"id":169,"piece":[169]}],"token_strs":null}`},
		{"/tokenize", `{"content":"b<|im_end|>","parse_special":true,"with_pieces":true}`,
			`{"count":2,"max_model_len":4096,"tokens":[{"id":98,"piece":"b"},{"id":` + end + `,"piece":"<|im_end|>"}],"token_strs":null}`},
		{"/tokenize", `{"messages":[{"role":"system","content":"s"}],"add_generation_prompt":false,"return_token_strs":true,"prompt":null}`,
			`{"count":11,"max_model_len":4096,"tokens":[` + begin + `,115,121,115,116,101,109,10,115,` + end + `,10],"token_strs":["<|im_start|>","s","y","s","t","e","m","\n","s","<|im_end|>","\n"]}`},
		{"/detokenize", `{"tokens":[97,195,169,` + end + `]}`, `{"prompt":"aé<|im_end|>","content":"aé<|im_end|>"}`},
		{"/detokenize", `{"tokens":[]}`, `{"prompt":"","content":""}`},
		{"/apply-template", `{"messages":[{"role":"system","content":"s"},{"role":"user","content":"<b>"}]}`,
			`{"prompt":"<|im_start|>system\ns<|im_end|>\n<|im_start|>user\n<b><|im_end|>\n<|im_start|>assistant\n"}`},
		{"/apply-template", `{"messages":[{"role":"system","content":"s"}],"add_generation_prompt":false}`, `{"prompt":"<|im_start|>system\ns<|im_end|>\n"}`},
	} {
		if r := w.do("POST", c.path, c.body); r.status != 200 || strings.TrimSpace(r.body) != c.want {
			t.Errorf("%s %s: %d %s\nwant %s", c.path, c.body, r.status, r.body, c.want)
		}
	}
	if r := w.do("POST", "/apply-template", `{"messages":[{"role":"user","content":"u"}],"tools":[{"type":"function","function":{"name":"f"}}]}`); !strings.Contains(r.body, `\"name\": \"f\"`) {
		t.Errorf("%s", r.body)
	}
	for _, c := range []struct{ path, body, param string }{
		{"/tokenize", `{}`, "prompt"},
		{"/tokenize", `{"prompt":["a"]}`, "prompt"},
		{"/tokenize", `{"content":7}`, "content"},
		{"/tokenize", `{"prompt":"a","add_special_tokens":"yes"}`, "add_special_tokens"},
		{"/tokenize", `{"prompt":"a","with_pieces":1}`, "with_pieces"},
		{"/tokenize", `{"messages":[]}`, "messages"},
		{"/tokenize", `{"messages":[{"role":"user","content":"x"}],"add_generation_prompt":1}`, "add_generation_prompt"},
		{"/detokenize", `{}`, "tokens"},
		{"/detokenize", `{"tokens":"a"}`, "tokens"},
		{"/detokenize", `{"tokens":[259]}`, "tokens"},
		{"/detokenize", `{"tokens":[-1]}`, "tokens"},
		{"/detokenize", `{"tokens":["a"]}`, "tokens"},
		{"/apply-template", `{}`, "messages"},
		{"/apply-template", `{"messages":[{"role":"user","content":"u"}],"tools":[]}`, "tools"},
	} {
		if r := w.do("POST", c.path, c.body); r.status != 400 || at(r.json(t), "error", "param") != c.param {
			t.Errorf("%s %s: %d %s, want %s", c.path, c.body, r.status, r.body, c.param)
		}
	}
	if r := w.do("POST", "/tokenize", `{"model":"other","prompt":"a"}`); r.status != 404 || at(r.json(t), "error", "code") != "model_not_found" {
		t.Errorf("%d %s", r.status, r.body)
	}
	if n := len(w.coord.Seen()); n != 0 {
		t.Errorf("%d requests went to the pipeline", n)
	}
}

// TestTokenizeIsWhatRuns: the ids are those with which a request of the same text or messages runs.
func TestTokenizeIsWhatRuns(t *testing.T) {
	w := start(t, text("ok"))
	const messages = `"messages":[{"role":"user","content":"a<|im_end|>é"}]`
	for _, c := range []struct{ path, fields string }{{"chat/completions", messages}, {"completions", `"prompt":"x<|im_end|>é"`}} {
		ids := at(w.do("POST", "/tokenize", `{`+c.fields+`}`).json(t), "tokens")
		before := len(w.coord.Seen())
		w.do("POST", "/v1/"+c.path, `{"model":"demo/model",`+c.fields+`}`)
		prompt, err := json.Marshal(w.coord.Seen()[before].Prompt)
		if err != nil {
			t.Fatal(err)
		}
		var want any
		dec := json.NewDecoder(strings.NewReader(string(prompt)))
		dec.UseNumber()
		if err := dec.Decode(&want); err != nil {
			t.Fatal(err)
		}
		if got, want := asJSON(ids), asJSON(want); got != want {
			t.Errorf("%s: %s, runs with %s", c.fields, got, want)
		}
	}
}

func asJSON(v any) string { b, _ := json.Marshal(v); return string(b) }

func TestOwnKey(t *testing.T) {
	w := start(t, text("ok"))
	body := `{"model":"demo/model","prompt":"0123456789","max_tokens":2,"user":"ann"}`
	if r := w.do("POST", "/v1/completions", body); r.status != 200 {
		t.Fatal(r.body)
	}
	v := w.do("GET", "/v1/key", "").json(t)
	if v["id"] != account.LocalKey || at(v, "limits", "budget") != nil || at(v, "usage", 0, "user") != "ann" || v["created"] != nil {
		t.Errorf("without a key: %v", v)
	}
	began := time.Now().UTC()
	auth := w.newKey(account.NewKey{Name: "team", Models: []string{model}, Limits: account.Limits{RPM: 10, TPM: 1000, Budget: 1_000_000_000, BudgetDay: 30_000_000, Concurrency: 3}})
	for _, user := range []string{"ann", "bob", "ann"} {
		r := w.do("POST", "/v1/completions", strings.Replace(body, "ann", user, 1), "Authorization", auth)
		if r.status != 200 {
			t.Fatal(r.body)
		}
	}
	// A request is 10 prompt tokens at 590,000 and 2 output tokens at 790,000.
	r := w.do("GET", "/v1/openai/key", "", "Authorization", auth)
	v = r.json(t)
	for _, c := range []struct {
		path []any
		want any
	}{
		{[]any{"object"}, "key"}, {[]any{"name"}, "team"}, {[]any{"expires"}, nil}, {[]any{"models", 0}, model}, {[]any{"has_more"}, false},
		{[]any{"limits", "requests_per_minute"}, json.Number("10")}, {[]any{"limits", "tokens_per_minute"}, json.Number("1000")},
		{[]any{"limits", "concurrency"}, json.Number("3")}, {[]any{"limits", "budget"}, json.Number("0.001")}, {[]any{"limits", "budget_month"}, nil},
		{[]any{"user_limits", "budget"}, nil}, {[]any{"spent", "total"}, json.Number("0.00002244")},
		{[]any{"remaining", "budget"}, json.Number("0.00097756")},
		{[]any{"remaining", "budget_month"}, nil},
		{[]any{"usage", 0, "user"}, "ann"}, {[]any{"usage", 0, "requests"}, json.Number("2")}, {[]any{"usage", 0, "prompt_tokens"}, json.Number("20")},
		{[]any{"usage", 1, "user"}, "bob"}, {[]any{"usage", 1, "completion_tokens"}, json.Number("2")}, {[]any{"usage", 1, "cost"}, json.Number("0.00000748")},
	} {
		if got := at(v, c.path...); got != c.want {
			t.Errorf("%v is %v, want %v", c.path, got, c.want)
		}
	}
	if n, _ := at(v, "remaining", "requests").(json.Number).Int64(); n < 7 || n > 10 || r.header.Get("x-ratelimit-remaining-requests") != itoa(int(n)) { // some may be back
		t.Errorf("%d requests remain, %v", n, r.header)
	}
	day, remaining := at(v, "spent", "day"), at(v, "remaining", "budget_day")
	if time.Now().UTC().Day() == began.Day() && (day != json.Number("0.00002244") || remaining != json.Number("0.00000756")) {
		t.Errorf("today %v, of which %v remain", day, remaining)
	}
	if strings.Contains(r.body, strings.TrimPrefix(auth, "Bearer ")) {
		t.Errorf("%v %s", r.header, r.body)
	}
	v = w.do("GET", "/v1/key?user=bob", "", "Authorization", auth).json(t)
	if rows := list(v["usage"]); len(rows) != 1 || at(rows[0], "user") != "bob" {
		t.Errorf("%v", rows)
	}
	if r := w.do("GET", "/v1/key", ""); r.status != 401 {
		t.Errorf("%d without a key", r.status)
	}
}

func TestOwnKeyShowsTheUsersLimits(t *testing.T) {
	w := start(t, text("ok"), func(o *router.Options) { o.Limits = account.Limits{RPM: 50} })
	auth := w.newKey(account.NewKey{PerUser: account.Limits{RPM: 5}})
	v := w.do("GET", "/v1/key?user=ann", "", "Authorization", auth).json(t)
	if at(v, "limits", "requests_per_minute") != json.Number("50") || at(v, "user_limits", "requests_per_minute") != json.Number("5") || at(v, "remaining", "requests") != json.Number("5") {
		t.Errorf("%v", v)
	}
}
