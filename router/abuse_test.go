package router_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stagecoach-llm/stagecoach/router"
	"github.com/stagecoach-llm/stagecoach/router/account"
	"github.com/stagecoach-llm/stagecoach/transport/bus"
)

// impatient gives clients little time, so that tests of those that take more are short.
func impatient(o *router.Options) {
	o.Limit = router.ClientLimits{Header: 200 * time.Millisecond, Body: 200 * time.Millisecond, Write: 200 * time.Millisecond}
}

// dial opens a connection on which a test writes what no HTTP client would.
func (w *world) dial() *net.TCPConn {
	w.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { conn.Close() })
	return conn.(*net.TCPConn)
}

// post is a chat request as text, with a Content-Length that may be more than its body has.
func post(body string, length int) string {
	return "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: " + strconv.Itoa(length) + "\r\n\r\n" + body
}

func send(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
}

// answers reads responses until the server closes the connection.
func answers(conn net.Conn) (statuses []int) {
	in := bufio.NewReader(conn)
	for {
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			return statuses
		}
		_, _ = io.Copy(io.Discard, resp.Body) // the next response begins behind it
		resp.Body.Close()
		statuses = append(statuses, resp.StatusCode)
	}
}

// small has the connections that it accepts hold little of what the client does not read.
type small struct{ net.Listener }

func (l small) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		err = c.(*net.TCPConn).SetWriteBuffer(4 << 10)
	}
	return c, err
}

// TestSlowReader: who does not read is given up, is billed no more than was journalled, and holds nothing of the pipeline.
func TestSlowReader(t *testing.T) {
	w := start(t, text(strings.Repeat("x", 5000)), impatient, func(o *router.Options) { o.Listener = small{o.Listener} })
	conn := w.dial()
	if err := conn.SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	body := chatBody(`"stream":true,"logprobs":true,"top_logprobs":20`)
	send(t, conn, post(body, len(body)))
	until(func() bool { return w.coord.Live() == 1 })
	until(func() bool { return w.coord.Live() == 0 && w.verify().Open == 0 })
	totals, err := w.admin.Usage(context.Background(), account.Query{})
	if err != nil || len(totals) != 1 || totals[0].Completion == 0 || totals[0].Completion >= 5000 {
		t.Errorf("%+v, %v", totals, err)
	}
}

// TestHalfClosed: a client that has nothing more to say is one that goes; what was written until then is billed, no more.
func TestHalfClosed(t *testing.T) {
	w := start(t, text(strings.Repeat("x", 5000)))
	conn := w.dial()
	body := chatBody(`"stream":true`)
	send(t, conn, post(body, len(body)))
	in := bufio.NewReader(conn)
	if _, err := in.Peek(3000); err != nil {
		t.Fatal(err)
	}
	if err := conn.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Count(string(all), `"content":"x"`)
	until(func() bool { return w.coord.Live() == 0 && w.verify().Open == 0 })
	totals, err := w.admin.Usage(context.Background(), account.Query{})
	if err != nil || len(totals) != 1 || got == 0 || totals[0].Completion < got || got >= 5000 {
		t.Errorf("read %d, accounted %+v, %v", got, totals, err)
	}
}

func TestSlowLoris(t *testing.T) {
	w := start(t, text("ok"), impatient)
	for name, c := range map[string]struct {
		first string
		want  string
	}{
		"nothing":            {"", "[]"},
		"half a header":      {"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nX-A", "[400]"},
		"half a body":        {post(`{"model":`, 100), "[408]"},
		"a body nobody read": {"GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nx", "[200]"},
	} {
		t.Run(name, func(t *testing.T) {
			conn := w.dial()
			send(t, conn, c.first)
			if got := fmt.Sprint(answers(conn)); got != c.want { // ends when the router closes
				t.Errorf("answered %s, want %s", got, c.want)
			}
		})
	}
	if r := w.chat(""); r.status != 200 {
		t.Errorf("afterwards: %d", r.status)
	}
}

func TestOversized(t *testing.T) {
	w := start(t, text("ok"))
	if r := w.do("POST", "/v1/chat/completions", strings.Repeat(" ", 17<<20)); r.status != 413 || at(r.json(t), "error", "type") != "request_too_large" {
		t.Errorf("body: %d %s", r.status, r.body)
	}
	if r := w.do("GET", "/health", "", "X-Large", strings.Repeat("a", 80<<10)); r.status != 431 {
		t.Errorf("header: %d", r.status)
	}
}

func TestGarbage(t *testing.T) {
	w := start(t, text("ok"), impatient)
	good := "GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
	body := chatBody("")
	for text, want := range map[string]string{
		"\x16\x03\x01\x02\x00\x01\x00":                                                                        "[400]", // TLS
		good + good + "\x00\x01\x02 /\r\n\r\n":                                                                "[200 200 400]",
		good + "GET / HTTP/1.1\r\n\r\n" + good:                                                                "[200 400]", // no Host
		post(body, len(body)) + post(`{"model":`, 9) + "NONSENSE\n":                                           "[200 400 400]",
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nzz":             "[404]", // the length does not count
		"GET /v1/models/" + strings.Repeat("%00", 1000) + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n": "[404]",
	} {
		conn := w.dial()
		send(t, conn, text)
		if got := fmt.Sprint(answers(conn)); got != want { // ends when the router closes
			t.Errorf("%.60q: %s, want %s", text, got, want)
		}
	}
	if r := w.chat(""); r.status != 200 {
		t.Errorf("afterwards: %d", r.status)
	}
	w.verify()
}

// idleStreams is how many streams a test holds at once: STAGECOACH_STREAMS or a thousand, as far as the system lets it open files, two for
// each.
func idleStreams(t *testing.T) int {
	n := 1000
	if v, err := strconv.Atoi(os.Getenv("STAGECOACH_STREAMS")); err == nil && v > 0 {
		n = v
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if most := (int(limit.Cur) - 200) / 2; n > most {
		t.Logf("the system lets a process open %d files: %d streams", limit.Cur, most)
		n = most
	}
	return n
}

// perStream bounds what an idle stream may cost in bytes, both ends of its connection together.
const perStream = 96 << 10

// TestIdleStreams: streams that get nothing cost little, and are gone without a trace when their clients are.
func TestIdleStreams(t *testing.T) {
	n := idleStreams(t)
	server := startNATS(t)
	connect := func(name string) bus.Conn { return connectNATS(t, server, name) }
	w := prepare(t, connect, text(strings.Repeat("x", 5000)))
	w.serve(w.end, func(o *router.Options) { o.MaxRequests = n + 10 })
	body := chatBody(`"stream":true`)
	request := post(body, len(body))
	before, goroutines := inUse(), runtime.NumGoroutine()
	w.coord.SetStalled(true)
	conns := make([]net.Conn, n)
	for i := range conns {
		conns[i] = w.dial()
		send(t, conns[i], request)
	}
	until(func() bool { return w.coord.Live() == n })
	each := (inUse() - before) / n
	t.Logf("%d idle streams: %d bytes and %.1f goroutines each", n, each, float64(runtime.NumGoroutine()-goroutines)/float64(n))
	if each > perStream {
		t.Errorf("an idle stream costs %d bytes", each)
	}
	if r := w.chat(`"model":"none"`); r.status != 404 {
		t.Errorf("beside them: %d", r.status)
	}
	for _, c := range conns {
		c.Close()
	}
	until(func() bool { return w.coord.Live() == 0 && w.verify().Open == 0 })
	http.DefaultClient.CloseIdleConnections()
	until(func() bool { return runtime.NumGoroutine() <= goroutines+2 }) // the test's own connections
	if r := w.verify(); r.Requests != n || r.Cost != 0 {
		t.Errorf("%+v", r)
	}
}

// inUse is the memory of heap and stacks after a collection.
func inUse() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc + m.StackInuse)
}

// syncBuffer is a log that is read while it is written.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// TestLogHasNoTexts: whatever is asked, and however it fails, neither texts nor secrets are in the log, at any level.
func TestLogHasNoTexts(t *testing.T) {
	const secret, prompt, answer = "sk-WHISPERED-WHISPERED", "CONFIDED", "REVEALED"
	log := &syncBuffer{}
	w := start(t, text(answer), func(o *router.Options) {
		o.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		o.APIKey = secret
	})
	auth := "Bearer " + secret
	chat := func(extra, content string) string {
		return `{"model":"` + model + `","messages":[{"role":"user","content":"` + content + `"}]` + extra + `}`
	}
	for _, c := range []struct {
		path, body, auth string
		status           int
	}{
		{"/v1/chat/completions", chat("", prompt), auth, 200},
		{"/v1/chat/completions", chat(`,"stream":true`, prompt), auth, 200},
		{"/v1/completions", `{"model":"` + model + `","prompt":"` + prompt + `"}`, auth, 200},
		{"/v1/chat/completions", chat(`,"temperature":"`+prompt+`"`, prompt), auth, 400},
		{"/v1/chat/completions", chat("", strings.Repeat(prompt, 5000)), auth, 400},
		{"/v1/chat/completions", chat(",", prompt), auth, 400},
		{"/v1/chat/completions", chat("", prompt), "Bearer sk-" + prompt, 401},
		{"/v1/chat/completions?q=" + prompt, chat("", prompt), "", 401},
		{"/nowhere/" + prompt, prompt, auth, 404},
	} {
		if r := w.do("POST", c.path, c.body, "Authorization", c.auth, "User-Agent", prompt); r.status != c.status {
			t.Errorf("%s %.80s: %d %s", c.path, c.body, r.status, r.body)
		}
	}
	w.stop()
	for _, text := range []string{secret, "WHISPERED", prompt, answer} {
		if strings.Contains(log.String(), text) {
			t.Errorf("%q is in the log:\n%s", text, log.String())
		}
	}
	if !strings.Contains(log.String(), "status=ok") {
		t.Error("the log is empty")
	}
}
