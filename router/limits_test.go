package router_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stagecoach-llm/stagecoach/router"
	"github.com/stagecoach-llm/stagecoach/router/account"
	"github.com/stagecoach-llm/stagecoach/router/internal/fake"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// newKey makes a key and returns its Authorization header.
func (w *world) newKey(n account.NewKey) string {
	w.t.Helper()
	n.Name = cmp.Or(n.Name, "a test's")
	secret, _, err := w.admin.CreateKey(context.Background(), n)
	if err != nil {
		w.t.Fatal(err)
	}
	return "Bearer " + secret
}

func (w *world) chatAs(auth, extra string) reply {
	w.t.Helper()
	return w.do("POST", "/v1/chat/completions", chatBody(extra), "Authorization", auth)
}

// verify has the books proved.
func (w *world) verify() account.Report {
	w.t.Helper()
	r, err := w.admin.Verify(context.Background())
	if err != nil || len(r.Problems) > 0 {
		w.t.Fatalf("the books are wrong: %v, %v", r.Problems, err)
	}
	return r
}

func TestKeys(t *testing.T) {
	w := start(t, text("ok"))
	ctx := context.Background()
	if r := w.chatAs("Bearer whatever", ""); r.status != 200 {
		t.Fatalf("open router: %d", r.status)
	}
	auth := w.newKey(account.NewKey{Name: "ann"})
	for name, c := range map[string]struct {
		auth   string
		status int
	}{"good": {auth, 200}, "none": {"", 401}, "wrong": {"Bearer sk-wrong", 401}, "scheme": {"Basic x", 401}} {
		r := w.chatAs(c.auth, "")
		if r.status != c.status {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
		if c.status == 401 && at(r.json(t), "error", "code") != "invalid_api_key" {
			t.Errorf("%s: %s", name, r.body)
		}
	}
	if r := w.do("GET", "/v1/models", ""); r.status != 401 {
		t.Errorf("models without a key: %d", r.status)
	}
	if r := w.do("GET", "/health", ""); r.status != 200 {
		t.Errorf("health needs a key: %d", r.status)
	}
	keys, err := w.admin.Keys(ctx)
	if err != nil || len(keys) != 1 || keys[0].Name != "ann" || keys[0].Hash != nil || keys[0].Spent == 0 {
		t.Errorf("keys %+v, %v", keys, err)
	}
	if _, err := w.admin.RevokeKey(ctx, "ann"); err != nil {
		t.Fatal(err)
	}
	if r := w.chatAs(auth, ""); r.status != 401 || at(r.json(t), "error", "message") != "This API key has been revoked." {
		t.Errorf("revoked key: %d %s", r.status, r.body)
	}
	if r := w.chatAs("", ""); r.status != 401 {
		t.Error("revoking the last key opened the router")
	}
	if _, err := w.admin.RevokeKey(ctx, "bob"); err == nil {
		t.Error("a key that does not exist was revoked")
	}
	w.verify()
}

// TestLogNamesRequests: what an operator needs to find a request is in the log, and what must not leak is not.
func TestLogNamesRequests(t *testing.T) {
	var log bytes.Buffer
	w := start(t, text("the answer"), func(o *router.Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	auth := w.newKey(account.NewKey{Name: "ann"})
	r := w.do("POST", "/v1/chat/completions", chatBody(`"user":"eve"`), "Authorization", auth, "X-Request-Id", "mine-1")
	id, _ := at(r.json(t), "id").(string)
	w.stop()
	for _, want := range []string{id, "request_id=mine-1", "status=ok", "completion_tokens=11"} {
		if id == "" || !strings.Contains(log.String(), want) {
			t.Errorf("%q is not in the log:\n%s", want, log.String())
		}
	}
	for _, secret := range []string{strings.TrimPrefix(auth, "Bearer "), "the answer", "Hi"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("%q is in the log:\n%s", secret, log.String())
		}
	}
}

func TestSecretsAreNotKept(t *testing.T) {
	w := start(t, text("ok"))
	secret := strings.TrimPrefix(w.newKey(account.NewKey{Name: "ann"}), "Bearer ")
	w.stop()
	files, err := filepath.Glob(filepath.Join(w.dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, []byte(secret)) {
			t.Errorf("%s contains the secret", f)
		}
	}
	info, err := os.Stat(filepath.Join(w.dir, "admin.json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("admin.json: %v, %v", info.Mode(), err)
	}
}

func TestBeyondLoopbackNeedsAKey(t *testing.T) {
	w := start(t, text("ok"), func(o *router.Options) {
		o.Listener.Close()
		o.Listener = listen(t, "0.0.0.0:0")
	})
	r := w.chatAs("", "")
	if msg, _ := at(r.json(t), "error", "message").(string); r.status != 401 || !strings.Contains(msg, "keys create") {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := w.chatAs(w.newKey(account.NewKey{}), ""); r.status != 200 {
		t.Errorf("with a key: %d %s", r.status, r.body)
	}
}

func TestGivenKey(t *testing.T) {
	w := start(t, text("ok"), func(o *router.Options) { o.APIKey = "sk-a-secret-of-mine" })
	if r := w.chatAs("Bearer sk-a-secret-of-mine", ""); r.status != 200 {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := w.chatAs("", ""); r.status != 401 {
		t.Errorf("%d", r.status)
	}
}

func TestAdminNeedsItsToken(t *testing.T) {
	w := start(t, text("ok"))
	var at struct{ URL, Token string }
	data, err := os.ReadFile(filepath.Join(w.dir, "admin.json"))
	if err == nil {
		err = json.Unmarshal(data, &at)
	}
	if err != nil || at.Token == "" {
		t.Fatal(string(data), err)
	}
	resp, err := http.Get(at.URL + "/keys")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("status %d", resp.StatusCode)
	}
	if r := w.do("GET", "/keys", ""); r.status != 404 {
		t.Errorf("the public listener has /keys: %d", r.status)
	}
}

func TestRequestsPerMinute(t *testing.T) {
	w := start(t, text("ok"))
	auth := w.newKey(account.NewKey{Limits: account.Limits{RPM: 2, TPM: 100000}})
	for i := range 2 {
		r := w.chatAs(auth, "")
		if r.status != 200 || r.header.Get("x-ratelimit-limit-requests") != "2" || r.header.Get("x-ratelimit-remaining-requests") != itoa(1-i) ||
			r.header.Get("x-ratelimit-limit-tokens") != "100000" || r.header.Get("x-ratelimit-reset-tokens") == "" {
			t.Fatalf("%d %v", r.status, r.header)
		}
	}
	r := w.chatAs(auth, "")
	if r.status != 429 || at(r.json(t), "error", "type") != "rate_limit_error" || at(r.json(t), "error", "code") != "rate_limit_exceeded" ||
		r.header.Get("Retry-After") == "" || r.header.Get("retry-after-ms") == "" || r.header.Get("x-ratelimit-remaining-requests") != "0" {
		t.Errorf("%d %v %s", r.status, r.header, r.body)
	}
}

func TestTokensPerMinute(t *testing.T) {
	w := start(t, text(strings.Repeat("x", 300)))
	auth := w.newKey(account.NewKey{Limits: account.Limits{TPM: 200}})
	r := w.chatAs(auth, "") // goes into debt, and is not cut
	if r.status != 200 || at(r.json(t), "usage", "completion_tokens") != json.Number("301") {
		t.Fatalf("%d %s", r.status, r.body)
	}
	if r := w.chatAs(auth, ""); r.status != 429 || r.header.Get("Retry-After") == "" {
		t.Errorf("in debt: %d %s", r.status, r.body)
	}
	long := `{"model":"demo/model","prompt":"` + strings.Repeat("y", 201) + `"}`
	r = w.do("POST", "/v1/completions", long, "Authorization", auth)
	if r.status != 429 || r.header.Get("x-should-retry") != "false" || r.header.Get("Retry-After") != "" {
		t.Errorf("a prompt that can never pass: %d %v", r.status, r.header)
	}
}

func TestBudgetIsHard(t *testing.T) {
	w := start(t, text(strings.Repeat("x", 1000)))
	// The prompt of 10 costs 5,900,000; 200 output tokens 158,000,000.
	auth := w.newKey(account.NewKey{Limits: account.Limits{Budget: 5_900_000 + 158_000_000}})
	body := `{"model":"demo/model","prompt":"0123456789","max_tokens":900}`
	r := w.do("POST", "/v1/completions", body, "Authorization", auth)
	v := r.json(t)
	if r.status != 200 || at(v, "choices", 0, "finish_reason") != "length" || at(v, "usage", "completion_tokens") != json.Number("200") {
		t.Fatalf("%d %s", r.status, r.body)
	}
	r = w.do("POST", "/v1/completions", body, "Authorization", auth)
	if r.status != 429 || at(r.json(t), "error", "type") != "insufficient_quota" || r.header.Get("x-should-retry") != "false" {
		t.Errorf("%d %s", r.status, r.body)
	}
	w.verify()
}

func TestConcurrency(t *testing.T) {
	w := start(t, text(strings.Repeat("x", 2000)))
	auth := w.newKey(account.NewKey{Limits: account.Limits{Concurrency: 1}})
	first := w.open(auth)
	r := w.chatAs(auth, "")
	if r.status != 429 || at(r.json(t), "error", "code") != "concurrency_limit" || r.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", r.status, r.body)
	}
	first.Body.Close()
	until(func() bool { return w.verify().Open == 0 })
	if r := w.chatAs(auth, `"max_tokens":1`); r.status != 200 {
		t.Errorf("after the first ended: %d %s", r.status, r.body)
	}
}

// open begins a stream and returns once its headers are here.
func (w *world) open(auth string) *http.Response {
	w.t.Helper()
	req, err := http.NewRequest("POST", w.url+"/v1/chat/completions", strings.NewReader(chatBody(`"stream":true`)))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", auth)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp
}

func TestDisconnectCancelsAndBills(t *testing.T) {
	w := start(t, text(strings.Repeat("x", 3000)))
	resp := w.open("")
	buf := make([]byte, 4000)
	if _, err := io.ReadFull(resp.Body, buf); err != nil {
		t.Fatal(err)
	}
	got := strings.Count(string(buf), `"content":"x"`)
	resp.Body.Close()
	until(func() bool { return w.coord.Live() == 0 && w.verify().Open == 0 })
	totals, err := w.admin.Usage(context.Background(), account.Query{})
	if err != nil || len(totals) != 1 {
		t.Fatal(totals, err)
	}
	if n := totals[0].Completion; n < got || n >= 3000 || totals[0].Prompt == 0 {
		t.Errorf("billed %d tokens and a prompt of %d, the client read %d", n, totals[0].Prompt, got)
	}
}

func TestDisconnectWithoutStreamBillsThePrompt(t *testing.T) {
	w := start(t, text(strings.Repeat("x", 3000)))
	ctx, cancel := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, "POST", w.url+"/v1/chat/completions", strings.NewReader(chatBody("")))
	if err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	go func() {
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			resp.Body.Close()
		}
		failed <- err
	}()
	until(func() bool {
		return strings.Contains(w.do("GET", "/metrics", "").body, "time_to_first_token_seconds_count 1")
	})
	cancel()
	if <-failed == nil {
		t.Fatal("the answer was complete before the client went away")
	}
	until(func() bool { return w.coord.Live() == 0 && w.verify().Open == 0 })
	totals, err := w.admin.Usage(context.Background(), account.Query{})
	if err != nil || len(totals) != 1 || totals[0].Prompt == 0 || totals[0].Completion != 0 {
		t.Errorf("%+v, %v", totals, err)
	}
}

func TestPipelineErrors(t *testing.T) {
	for _, c := range []struct {
		reply      wire.GenerateReply
		status     int
		kind, code string
		retry      bool
	}{
		{wire.GenerateReply{Code: wire.CodeOverloaded, Message: "full", RetryAfterMS: 3000}, 503, "server_error", "overloaded", true},
		{wire.GenerateReply{Code: wire.CodeNoPipeline, Message: "no shards"}, 503, "server_error", "no_pipeline", true},
		{wire.GenerateReply{Code: wire.CodeTooLong, Message: "too long"}, 400, "invalid_request_error", "context_length_exceeded", false},
		{wire.GenerateReply{Code: wire.CodeTimeout, Message: "late"}, 504, "server_error", "timeout", false},
		{wire.GenerateReply{Code: wire.CodeNumeric, Message: "inf"}, 500, "server_error", "numeric", false},
	} {
		t.Run(c.code, func(t *testing.T) {
			w := start(t, text("ok"))
			w.coord.Refuse(c.reply)
			r := w.chat("")
			v := r.json(t)
			if r.status != c.status || at(v, "error", "type") != c.kind || at(v, "error", "code") != c.code || (r.header.Get("Retry-After") != "") != c.retry {
				t.Errorf("%d %v %s", r.status, r.header, r.body)
			}
			totals, err := w.admin.Usage(context.Background(), account.Query{})
			if err != nil || len(totals) != 1 || totals[0].Cost != 0 {
				t.Errorf("a refused request cost %+v, %v", totals, err)
			}
		})
	}
}

func TestErrorInMidStream(t *testing.T) {
	w := start(t, text("0123456789"))
	w.coord.Break(5, wire.DeltaItem{ErrorCode: wire.CodeNumeric, Error: "not a number"})
	r := w.chat(`"stream":true`)
	ev := events(r.body)
	if r.status != 200 || len(ev) < 3 || ev[len(ev)-1] != "[DONE]" {
		t.Fatalf("%d %s", r.status, r.body)
	}
	last := reply{body: ev[len(ev)-2]}.json(t)
	if at(last, "error", "code") != "numeric" || at(last, "choices") != nil {
		t.Errorf("%v", last)
	}
	totals, err := w.admin.Usage(context.Background(), account.Query{})
	if err != nil || len(totals) != 1 || totals[0].Completion != 5 {
		t.Errorf("%+v, %v", totals, err)
	}
}

func TestTimeoutWithoutCoordinator(t *testing.T) {
	w := start(t, text("ok"), func(o *router.Options) { o.Timeout = 200 * time.Millisecond })
	w.coord.SetDeaf(true)
	r := w.chat("")
	if r.status != 504 || at(r.json(t), "error", "code") != "timeout" {
		t.Errorf("%d %s", r.status, r.body)
	}
	if w.verify().Cost != 0 {
		t.Error("it cost something")
	}
}

func TestUsageQueries(t *testing.T) {
	w := start(t, text("ok"))
	ctx := context.Background()
	a, b := w.newKey(account.NewKey{Name: "a"}), w.newKey(account.NewKey{Name: "b"})
	for i, c := range []struct{ auth, user string }{{a, "u1"}, {a, "u1"}, {a, "u2"}, {b, "u1"}} {
		if r := w.chatAs(c.auth, fmt.Sprintf(`"user":%q`, c.user)); r.status != 200 {
			t.Fatal(i, r.body)
		}
	}
	show := func(q account.Query) (out []string) {
		totals, err := w.admin.Usage(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range totals {
			out = append(out, fmt.Sprintf("%s/%s:%d", x.Name, x.User, x.Requests))
		}
		return out
	}
	hour := time.Now().Add(-time.Hour)
	for _, c := range []struct {
		q    account.Query
		want string
	}{
		{account.Query{}, "[a/:3 b/:1]"},
		{account.Query{ByUser: true}, "[a/u1:2 a/u2:1 b/u1:1]"},
		{account.Query{User: "u1"}, "[a/u1:2 b/u1:1]"},
		{account.Query{Since: hour}, "[a/:3 b/:1]"},
		{account.Query{Since: hour, ByUser: true}, "[a/u1:2 a/u2:1 b/u1:1]"},
		{account.Query{Since: time.Now().Add(time.Hour)}, "[]"},
	} {
		if got := fmt.Sprint(show(c.q)); got != c.want {
			t.Errorf("%+v: %s, want %s", c.q, got, c.want)
		}
	}
	if r := w.verify(); r.Requests != 4 || r.Open != 0 {
		t.Errorf("%+v", r)
	}
}

func TestAnswersSurviveFailures(t *testing.T) {
	want := strings.Repeat("0123456789", 40)
	w := start(t, func(prompt []int32, _ uint32, _ uint64) []int32 { return fake.Tokens(want) })
	for name, harm := range map[string]func(){
		"coordinator restarted": func() { w.coord.Restart() },
		"bus cut":               func() { w.net.Cut("router"); time.Sleep(120 * time.Millisecond); w.net.Heal("router") },
		"bus gone":              func() { w.net.CutAll(); time.Sleep(120 * time.Millisecond); w.net.HealAll() },
	} {
		t.Run(name, func(t *testing.T) {
			resp := w.open("")
			defer resp.Body.Close()
			first := make([]byte, 2000)
			if _, err := io.ReadFull(resp.Body, first); err != nil {
				t.Fatal(err)
			}
			harm()
			rest, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			if got := content(chunks(t, reply{body: string(first) + string(rest)}), 0); got != want {
				t.Errorf("%d bytes of %d: %q", len(got), len(want), got)
			}
		})
	}
	if r := w.verify(); r.Requests != 3 {
		t.Errorf("%+v", r)
	}
}

// TestShutdownTellsAndBills: a stream that outlives the grace ends with an error that says why, and what was delivered is billed.
func TestShutdownTellsAndBills(t *testing.T) {
	w := start(t, text(strings.Repeat("x", 4000)))
	resp := w.open("")
	defer resp.Body.Close()
	first := make([]byte, 2000)
	if _, err := io.ReadFull(resp.Body, first); err != nil {
		t.Fatal(err)
	}
	w.stop()
	rest, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	cs := chunks(t, reply{body: string(first) + string(rest)})
	if at(cs[len(cs)-1], "error", "message") != "The router is shutting down." {
		t.Errorf("%v", cs[len(cs)-1])
	}
	book, err := account.Open(w.dir, account.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	totals, err := book.Usage(context.Background(), account.Query{})
	if err != nil || len(totals) != 1 || totals[0].Completion != len(content(cs, 0)) {
		t.Errorf("%+v, %v; the client got %d", totals, err, len(content(cs, 0)))
	}
}

// TestLimitsOfUsersAndModels: the user of a request has limits of their own, and a key has its models.
func TestLimitsOfUsersAndModels(t *testing.T) {
	w := start(t, text("ok"))
	ctx := context.Background()
	auth := w.newKey(account.NewKey{Name: "ann", PerUser: account.Limits{Concurrency: 9, RPM: 1, BudgetDay: 1 << 40}})
	for _, user := range []string{"eve", "bob"} {
		if r := w.chatAs(auth, `"user":"`+user+`"`); r.status != 200 || r.header.Get("x-ratelimit-remaining-requests") != "0" {
			t.Fatalf("%s: %d %v %s", user, r.status, r.header, r.body)
		}
	}
	r := w.chatAs(auth, `"user":"eve"`)
	if msg, _ := at(r.json(t), "error", "message").(string); r.status != 429 || !strings.Contains(msg, "this user of the API key") ||
		r.header.Get("x-ratelimit-limit-requests") != "1" || r.header.Get("x-should-retry") != "" {
		t.Errorf("%d %v %s", r.status, r.header, r.body)
	}
	one := account.Pico(1)
	rich := -1
	change := account.KeyChange{Users: map[string]*account.LimitChange{"eve": {RPM: &rich, BudgetDay: &one}}}
	if _, err := w.admin.UpdateKey(ctx, "ann", change); err != nil {
		t.Fatal(err)
	}
	r = w.chatAs(auth, `"user":"eve"`)
	if msg, _ := at(r.json(t), "error", "message").(string); r.status != 429 || at(r.json(t), "error", "code") != "insufficient_quota" ||
		!strings.Contains(msg, "a day, is used up until") || r.header.Get("x-should-retry") != "false" || r.header.Get("Retry-After") != "" {
		t.Errorf("%d %v %s", r.status, r.header, r.body)
	}
	if _, err := w.admin.UpdateKey(ctx, "ann", account.KeyChange{Models: &[]string{"other"}}); err != nil {
		t.Fatal(err)
	}
	r = w.chatAs(auth, `"user":"cid"`)
	if r.status != 403 || at(r.json(t), "error", "type") != "permission_error" {
		t.Errorf("%d %s", r.status, r.body)
	}
	w.verify()
}

// TestKeyLifeOverAdmin: rotate, disable, enable and export as an administrator does.
func TestKeyLifeOverAdmin(t *testing.T) {
	w := start(t, text("ok"))
	ctx := context.Background()
	old := w.newKey(account.NewKey{Name: "ann"})
	secret, _, err := w.admin.RotateKey(ctx, "ann", 0)
	if err != nil {
		t.Fatal(err)
	}
	auth := "Bearer " + secret
	if r := w.chatAs(old, ""); r.status != 401 {
		t.Errorf("the old secret: %d", r.status)
	}
	for _, disabled := range []bool{true, false} {
		if _, err := w.admin.UpdateKey(ctx, "ann", account.KeyChange{Disabled: &disabled}); err != nil {
			t.Fatal(err)
		}
		r := w.chatAs(auth, "")
		if want := map[bool]int{true: 401, false: 200}[disabled]; r.status != want {
			t.Errorf("disabled %v: %d %s", disabled, r.status, r.body)
		}
	}
	rows, err := w.admin.Export(ctx, account.Export{By: []string{account.ByKey, account.ByModel, account.ByDay}})
	if err != nil || len(rows) != 1 || rows[0].Name != "ann" || rows[0].Model != model || rows[0].Requests != 1 || rows[0].Day == "" {
		t.Errorf("%+v, %v", rows, err)
	}
	if _, err := w.admin.Export(ctx, account.Export{By: []string{"colour"}}); err == nil {
		t.Error("exported by colour")
	}
}

// TestAdminRefusesWhatItDoesNotKnow: a misspelt limit is not no limit.
func TestAdminRefusesWhatItDoesNotKnow(t *testing.T) {
	w := start(t, text("ok"))
	var at struct{ URL, Token string }
	data, err := os.ReadFile(filepath.Join(w.dir, "admin.json"))
	if err == nil {
		err = json.Unmarshal(data, &at)
	}
	if err != nil {
		t.Fatal(err)
	}
	for body, want := range map[string]int{`{"name":"x","limits":{"rmp":1}}`: 400, `{"name":"x","limits":{"rpm":1}}`: 200, `{`: 400} {
		req, err := http.NewRequest("POST", at.URL+"/admin/keys", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+at.Token)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: %d", body, resp.StatusCode)
		}
	}
}

// TestRateHeadersOnEveryAnswer: whatever endpoint, streamed or not, an answer tells what is left and how long it took.
func TestRateHeadersOnEveryAnswer(t *testing.T) {
	w := start(t, text("ok"))
	auth := w.newKey(account.NewKey{Limits: account.Limits{RPM: 20, TPM: 100000}})
	for path, body := range map[string]string{
		"chat/completions": `"messages":[{"role":"user","content":"a"}]`, "completions": `"prompt":"a"`, "responses": `"input":"a"`,
	} {
		for _, stream := range []bool{false, true} {
			r := w.do("POST", "/v1/"+path, fmt.Sprintf(`{"model":"demo/model",%s,"stream":%v}`, body, stream), "Authorization", auth)
			for header, want := range map[string]string{"x-ratelimit-limit-requests": "20", "x-ratelimit-limit-tokens": "100000"} {
				if got := r.header.Get(header); got != want {
					t.Errorf("%s, stream %v: %s is %q, want %q", path, stream, header, got, want)
				}
			}
			for _, header := range []string{"x-ratelimit-remaining-requests", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-requests", "x-ratelimit-reset-tokens", "x-request-id", "openai-processing-ms"} {
				if r.header.Get(header) == "" {
					t.Errorf("%s, stream %v: no %s", path, stream, header)
				}
			}
		}
	}
}
