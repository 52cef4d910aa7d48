package api

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stagecoach-llm/stagecoach/router/account"
	"github.com/stagecoach-llm/stagecoach/router/generate"
	"github.com/stagecoach-llm/stagecoach/router/internal/fake"
	"github.com/stagecoach-llm/stagecoach/transport/bus"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// endpoint is a server in front of a fake coordinator that answers everything with text, and its books.
type endpoint struct {
	*httptest.Server
	t    *testing.T
	book *account.Book
}

func serve(t *testing.T, text string, change ...func(*Options)) *endpoint {
	t.Helper()
	book, err := account.Open(t.TempDir(), account.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	m := testModel(t)
	o := Options{
		Ledger: book, Journal: book, Keys: book, Account: book, Generator: pipeline(t, text), Model: func() *Model { return m },
		Ready: func() (bool, string) { return true, "" }, Router: "router", Open: true, Logger: slog.New(slog.DiscardHandler),
	}
	for _, fn := range change {
		fn(&o)
	}
	e := &endpoint{httptest.NewServer(New(o)), t, book}
	t.Cleanup(func() {
		e.Close()
		if err := book.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// pipeline is a client of a fake coordinator.
func pipeline(t *testing.T, text string) *generate.Client {
	t.Helper()
	subjects := wire.Subjects{Cluster: "test"}
	mem := bus.NewNet(1)
	conn := mem.Connect("router", bus.Events{})
	coord, err := fake.Start(mem.Connect("coord", bus.Events{}), subjects, fake.Card(), time.Millisecond, func([]int32, uint32, uint64) []int32 {
		return fake.Tokens(text)
	})
	if err != nil {
		t.Fatal(err)
	}
	client := generate.New(generate.Options{Bus: conn, Subjects: subjects, Router: "router", Boot: "b"})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- client.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		coord.Stop()
	})
	return client
}

// post returns an answer's status and body.
func (e *endpoint) post(path, body string) (status int, text string) {
	e.t.Helper()
	resp, err := http.Post(e.URL+path, "application/json", strings.NewReader(body))
	if err != nil {
		e.t.Fatal(err)
	}
	defer resp.Body.Close()
	all, err := io.ReadAll(resp.Body)
	if err != nil {
		e.t.Fatal(err)
	}
	return resp.StatusCode, string(all)
}

// panicking is a journal with a bug.
type panicking struct{}

func (panicking) Deliver(uint64, ...account.Mark) error { panic("a bug") }

// TestPanicIsSettled: the handler of a request that was admitted fails alone, and leaves nothing reserved.
func TestPanicIsSettled(t *testing.T) {
	e := serve(t, "ok", func(o *Options) { o.Journal = panicking{} })
	if status, body := e.post("/v1/completions", `{"model":"m","prompt":"x"}`); status != 500 {
		t.Errorf("%d %s", status, body)
	}
	report, err := e.book.Verify()
	if err != nil || report.Open != 0 || report.Requests != 1 || len(report.Problems) > 0 {
		t.Errorf("%+v, %v", report, err)
	}
}

// full is a journal on a disk without room.
type full struct{}

func (full) Deliver(uint64, ...account.Mark) error {
	return fmt.Errorf("%w: %w", account.ErrUnavailable, &fs.PathError{Op: "write", Path: "journal", Err: syscall.ENOSPC})
}

// TestFullDisk: what cannot be accounted for is not answered, is worth another try, and the log says why.
func TestFullDisk(t *testing.T) {
	var log bytes.Buffer
	e := serve(t, "ok", func(o *Options) { o.Journal, o.Logger = full{}, slog.New(slog.NewTextHandler(&log, nil)) })
	for _, stream := range []string{"false", "true"} {
		status, body := e.post("/v1/completions", `{"model":"m","prompt":"x","stream":`+stream+`}`)
		if status != 503 || !strings.Contains(body, `"code":"overloaded"`) {
			t.Errorf("stream %s: %d %s", stream, status, body)
		}
	}
	e.Close()
	if n := strings.Count(log.String(), syscall.ENOSPC.Error()); n != 2 {
		t.Errorf("the log says it %d times:\n%s", n, log.String())
	}
}

// TestWithheldTextIsNoSilence: a client hears of a stream whose tokens come but show nothing yet.
func TestWithheldTextIsNoSilence(t *testing.T) {
	e := serve(t, `<tool_call>{"name":"f","arguments":"{`+strings.Repeat(" ", 300)+`}"}</tool_call>`, func(o *Options) { o.KeepAlive = 20 * time.Millisecond })
	status, body := e.post("/v1/chat/completions",
		`{"model":"m","messages":[{"role":"user","content":"x"}],"stream":true,"tools":[{"type":"function","function":{"name":"f"}}]}`)
	if n := strings.Count(body, ": keep-alive"); status != 200 || n < 5 || !strings.Contains(body, `"finish_reason":"tool_calls"`) {
		t.Errorf("%d, %d keep-alives: %s", status, n, body)
	}
}
