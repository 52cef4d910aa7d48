package api

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stagecoach-llm/stagecoach/router/account"
)

func (e *endpoint) newKey(l account.Limits) string {
	e.t.Helper()
	secret, _, err := e.book.CreateKey(context.Background(), account.NewKey{Name: "a test's", Limits: l})
	if err != nil {
		e.t.Fatal(err)
	}
	return secret
}

// ask sends a request with size bytes of white space in its body.
func (e *endpoint) ask(key, path string, size int) (status int) {
	e.t.Helper()
	req, err := http.NewRequest("POST", e.URL+path, strings.NewReader(`{"model":"m","prompt":"x","max_tokens":1`+strings.Repeat(" ", size)+"}"))
	if err != nil {
		e.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		e.t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// dribble sends all but the end of a body, and returns once it has been read so far.
func (e *endpoint) dribble(s *Server, key, path string, size int) net.Conn {
	e.t.Helper()
	before := s.queue.sum()
	conn, err := net.Dial("tcp", strings.TrimPrefix(e.URL, "http://"))
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { conn.Close() })
	if _, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n{%s",
		path, key, size+1000, strings.Repeat(" ", size-1)); err != nil {
		e.t.Fatal(err)
	}
	for want := int64(max(0, size-freeBody)); ; time.Sleep(time.Millisecond) {
		if now := s.queue.sum(); now.requests > before.requests && now.bytes >= before.bytes+want {
			return conn
		}
	}
}

// sum is what all keys have in the queue.
func (q *queue) sum() (sum queued) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, k := range q.keys {
		sum.requests += k.requests
		sum.bytes += k.bytes
	}
	if sum.bytes != q.bytes {
		panic("bytes are lost")
	}
	return sum
}

// slow is an endpoint that takes few requests, and its server.
func slow(t *testing.T) (*endpoint, *Server) {
	e := serve(t, "ok", func(o *Options) { o.MaxRequests, o.MaxBody, o.MaxBodies = 12, 512<<10, 1200<<10 })
	s, _ := e.Config.Handler.(*Server)
	return e, s
}

const completionsPath = "/v1/completions"

// TestSlowRequestsOfOneKey: who sends requests slowly takes no more slots than its share, and not more than it may run at once.
func TestSlowRequestsOfOneKey(t *testing.T) {
	e, s := slow(t)
	one, many, other := e.newKey(account.Limits{Concurrency: 1}), e.newKey(account.Limits{}), e.newKey(account.Limits{})
	e.dribble(s, one, completionsPath, 10)
	if status := e.ask(one, completionsPath, 0); status != 429 {
		t.Errorf("a second request of a key that may run one: %d", status)
	}
	if status := e.ask(one, "/tokenize", 0); status != 200 {
		t.Errorf("its tokens, which it need not run: %d", status)
	}
	var last net.Conn
	for _, path := range []string{completionsPath, "/tokenize", completionsPath} {
		last = e.dribble(s, many, path, 10)
	}
	for _, path := range []string{completionsPath, "/tokenize"} {
		if status := e.ask(many, path, 0); status != 429 {
			t.Errorf("%s beyond the share: %d", path, status)
		}
		if status := e.ask(other, path, 0); status != 200 {
			t.Errorf("%s of another key: %d", path, status)
		}
	}
	last.Close()
	for s.queue.sum().requests > 3 {
		time.Sleep(time.Millisecond)
	}
	if status := e.ask(many, completionsPath, 0); status != 200 {
		t.Errorf("after one has gone: %d", status)
	}
}

// TestLargeBodies: bodies that are being read are bounded together, small ones always pass, and what was read is given back.
func TestLargeBodies(t *testing.T) {
	const large = 400 << 10
	e, s := slow(t)
	one, two, three := e.newKey(account.Limits{}), e.newKey(account.Limits{}), e.newKey(account.Limits{})
	first := e.dribble(s, one, completionsPath, large)
	if status := e.ask(one, completionsPath, large); status != 503 {
		t.Errorf("beyond the share of a key: %d", status)
	}
	e.dribble(s, two, completionsPath, large)
	e.dribble(s, two, completionsPath, freeBody)
	if status := e.ask(three, completionsPath, large); status != 200 {
		t.Errorf("of a third key: %d", status)
	}
	e.dribble(s, three, completionsPath, large)
	four := e.newKey(account.Limits{})
	if status := e.ask(four, "/tokenize", large); status != 503 {
		t.Errorf("beyond what bodies may take: %d", status)
	}
	if status := e.ask(four, completionsPath, freeBody/2); status != 200 {
		t.Errorf("a small one: %d", status)
	}
	first.Close()
	for s.queue.sum().requests > 3 {
		time.Sleep(time.Millisecond)
	}
	if status := e.ask(four, completionsPath, large); status != 200 {
		t.Errorf("after one has gone: %d", status)
	}
}

// Where no key was made all requests are one key's, which keeps nobody out: it may have all slots.
func TestWithoutKeysAllSlotsAreForAll(t *testing.T) {
	_, s := slow(t)
	r, err := http.NewRequest("POST", "/v1/completions", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		key    string
		others int
	}{{account.LocalKey, s.MaxRequests}, {"key_a", s.queue.share}} {
		for range c.others {
			ticket, _ := s.queue.enter(c.key, 0, http.NoBody)
			defer ticket.leave()
		}
		if e := s.queued(r, c.key, 0, func() *Error { return nil }); (e != nil) != (c.key != account.LocalKey) {
			t.Errorf("%s: %+v", c.key, e)
		}
	}
}
