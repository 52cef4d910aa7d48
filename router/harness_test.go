package router_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/stagecoach-llm/stagecoach/router"
	"github.com/stagecoach-llm/stagecoach/router/account"
	"github.com/stagecoach-llm/stagecoach/router/admin"
	"github.com/stagecoach-llm/stagecoach/router/internal/fake"
	"github.com/stagecoach-llm/stagecoach/transport/bus"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

const model = "demo/model"

// world is a router in front of a coordinator.
type world struct {
	t     *testing.T
	net   *bus.Net
	coord *fake.Coordinator    // nil where it is a real one
	lead  *prometheus.Registry // of a real one
	url   string
	dir   string
	admin *admin.Client
	stop  func() // ends the router and waits for it

	connect func(name string) bus.Conn // nil: to net
	end     func()                     // ends the fake coordinator
}

var subjects = wire.Subjects{Cluster: "test"}

// text answers every prompt with the same text.
func text(s string) fake.Answer {
	return func([]int32, uint32, uint64) []int32 { return fake.Tokens(s) }
}

var prices = account.Prices{Prompt: 590_000, Completion: 790_000}

// start is a router in front of a fake coordinator.
func start(t *testing.T, answer fake.Answer, change ...func(*router.Options)) *world {
	t.Helper()
	mem := bus.NewNet(1)
	w := prepare(t, func(name string) bus.Conn { return mem.Connect(name, bus.Events{}) }, answer)
	w.net = mem
	w.serve(w.end, change...)
	return w
}

// prepare starts a fake coordinator on a bus.
func prepare(t *testing.T, connect func(name string) bus.Conn, answer fake.Answer) *world {
	t.Helper()
	w := &world{t: t, connect: connect, dir: t.TempDir()}
	conn := connect("coord")
	coord, err := fake.Start(conn, subjects, fake.Card(), time.Millisecond, answer)
	if err != nil {
		t.Fatal(err)
	}
	w.coord = coord
	w.end = func() {
		coord.Stop()
		conn.Close()
	}
	return w
}

// serve starts the router and waits until it is ready. end ends what is behind it.
func (w *world) serve(end func(), change ...func(*router.Options)) {
	w.t.Helper()
	w.begin(end, change...)
	w.waitReady()
	client, err := admin.Dial(w.dir)
	if err != nil {
		w.t.Fatal(err)
	}
	w.admin = client
}

// begin starts the router.
func (w *world) begin(end func(), change ...func(*router.Options)) {
	t := w.t
	t.Helper()
	connect := w.connect
	if connect == nil {
		connect = func(name string) bus.Conn { return w.net.Connect(name, bus.Events{}) }
	}
	conn := connect("router")
	o := router.Options{
		Bus: conn, Subjects: subjects, Listener: listen(t, "127.0.0.1:0"), AdminListener: listen(t, "127.0.0.1:0"), DataDir: w.dir,
		Prices: prices, Registry: prometheus.NewRegistry(), Logger: slog.New(slog.DiscardHandler), Version: "v0-test", Grace: 100 * time.Millisecond,
	}
	for _, fn := range change {
		fn(&o)
	}
	w.url = "http://" + o.Listener.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- router.Run(ctx, o) }()
	stopped := false
	w.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Error("router:", err)
		}
		conn.Close()
		end()
	}
	t.Cleanup(w.stop)
}

func listen(t *testing.T, addr string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// until waits for something that happens by itself; a test that never sees it ends with go test's own timeout.
func until(what func() bool) {
	for !what() {
		time.Sleep(2 * time.Millisecond)
	}
}

func (w *world) waitReady() {
	until(func() bool {
		resp, err := http.Get(w.url + "/ready")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

// reply is an answer that has been read.
type reply struct {
	status int
	header http.Header
	body   string
}

// json reads the body as a tree.
func (r reply) json(t *testing.T) map[string]any {
	t.Helper()
	var v map[string]any
	dec := json.NewDecoder(strings.NewReader(r.body))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%v in %q", err, r.body)
	}
	return v
}

// at follows a path of keys and indices.
func at(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

func (w *world) do(method, path, body string, header ...string) reply {
	w.t.Helper()
	req, err := http.NewRequest(method, w.url+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, string(b)}
}

// chat posts a chat request whose fields beside model and messages are extra, `"n":2`.
func (w *world) chat(extra string) reply {
	w.t.Helper()
	return w.do("POST", "/v1/chat/completions", chatBody(extra))
}

func chatBody(extra string) string {
	if extra != "" {
		extra = "," + extra
	}
	return `{"model":"` + model + `","messages":[{"role":"user","content":"Hi"}]` + extra + `}`
}

// events are the data lines of a stream, in order; comments are left out.
func events(body string) (out []string) {
	sc := bufio.NewScanner(strings.NewReader(body))
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		if data, ok := bytes.CutPrefix(sc.Bytes(), []byte("data: ")); ok {
			out = append(out, string(data))
		}
	}
	return out
}

// chunks are the JSON of a stream's events without the closing [DONE], which must be there.
func chunks(t *testing.T, r reply) (out []map[string]any) {
	t.Helper()
	ev := events(r.body)
	if len(ev) == 0 || ev[len(ev)-1] != "[DONE]" {
		t.Fatalf("stream does not end with [DONE]: %q", r.body)
	}
	for _, e := range ev[:len(ev)-1] {
		out = append(out, reply{body: e}.json(t))
	}
	return out
}

// content joins the deltas of one choice.
func content(cs []map[string]any, index int) string {
	var b strings.Builder
	for _, c := range cs {
		if ch := at(c, "choices", 0); ch != nil && at(ch, "index") == json.Number(itoa(index)) {
			s, _ := at(ch, "delta", "content").(string)
			b.WriteString(s)
		}
	}
	return b.String()
}

func itoa(n int) string { b, _ := json.Marshal(n); return string(b) }
