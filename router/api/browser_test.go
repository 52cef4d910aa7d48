package api

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/stagecoach-llm/stagecoach/router/account"
)

// page sends a request as a browser does for a page, with what needs no preflight.
func (e *endpoint) page(host, origin, key string) (status int) {
	e.t.Helper()
	req, err := http.NewRequest("POST", e.URL+"/v1/completions", strings.NewReader(`{"model":"m","prompt":"x","max_tokens":1}`))
	if err != nil {
		e.t.Fatal(err)
	}
	req.Host = host
	req.Header.Set("Content-Type", "text/plain")
	for name, value := range map[string]string{"Origin": origin, "Authorization": key} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		e.t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// TestPagesOfOthers: no web page uses a router that needs no key, neither from its own origin nor under a name that it has had resolved
// to the router's address; with a key, names and origins do not matter.
func TestPagesOfOthers(t *testing.T) {
	closed := serve(t, "ok")
	some := serve(t, "ok", func(o *Options) { o.Origins = []string{"https://chat.example.com"} })
	all := serve(t, "ok", func(o *Options) { o.Origins = []string{"*"} })
	keyed := serve(t, "ok")
	secret, _, err := keyed.book.CreateKey(context.Background(), account.NewKey{Name: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		e                 *endpoint
		host, origin, key string
		want              int
	}{
		{closed, "", "", "", 200},
		{closed, "localhost:8080", "", "", 200},
		{closed, "LocalHost", "", "", 200},
		{closed, "me.localhost", "", "", 200},
		{closed, "192.168.1.7:8080", "", "", 200},
		{closed, "[::1]:8080", "", "", 200},
		{closed, "[fe80::1]", "", "", 200},
		{closed, "router:8080", "", "", 200}, // of a container
		{closed, "evil.example", "", "", 403},
		{closed, "evil.example:8080", "", "", 403},
		{closed, "evil.example:8080", "http://evil.example:8080", "", 403},
		{closed, "evil.example.", "", "", 403},
		{closed, "localhost.evil.example", "", "", 403},
		{closed, "127.0.0.1.evil.example", "", "", 403},
		{closed, "evil.example", "", "Bearer sk-whatever", 403},
		{closed, "localhost", "https://evil.example", "", 403},
		{closed, "localhost", "null", "", 403},
		{closed, "localhost", "http://localhost.evil.example", "", 403},
		{closed, "localhost", "http://10.0.0.1", "", 403},
		{closed, "localhost", "http://localhost:3000", "", 200}, // behind a proxy of this machine
		{closed, "localhost", "http://[::1]:3000", "", 200},
		{some, "localhost", "https://chat.example.com", "", 200},
		{some, "chat.example.com", "https://chat.example.com", "", 200},
		{some, "chat.example.com", "https://evil.example", "", 403},
		{some, "evil.example", "", "", 403},
		{all, "evil.example", "https://evil.example", "", 200},
		{keyed, "any.example", "https://evil.example", "Bearer " + secret, 200},
		{keyed, "any.example", "https://evil.example", "", 401},
	} {
		if got := c.e.page(c.host, c.origin, c.key); got != c.want {
			t.Errorf("host %q, origin %q, %q: %d, want %d", c.host, c.origin, c.key, got, c.want)
		}
	}
}
