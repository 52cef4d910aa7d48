package sse_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stagecoach-llm/stagecoach/router/sse"
)

func TestStream(t *testing.T) {
	rec := httptest.NewRecorder()
	s := sse.NewWriter(rec, httptest.NewRequest("POST", "/", nil), time.Second)
	if s.Started() {
		t.Error("started by itself")
	}
	steps := []error{
		s.Comment("keep-alive"), s.Events(map[string]string{"a": "<b>\n\u2028"}, 2), s.Done(),
	}
	if err := errors.Join(steps...); err != nil || !s.Started() || rec.Code != http.StatusOK {
		t.Fatal(err, rec.Code)
	}
	want := ": keep-alive\n\ndata: {\"a\":\"<b>\\n\\u2028\"}\n\ndata: 2\n\ndata: [DONE]\n\n"
	if got := rec.Body.String(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if h := rec.Header(); h.Get("Content-Type") != "text/event-stream; charset=utf-8" || h.Get("X-Accel-Buffering") != "no" {
		t.Errorf("%v", h)
	}
}

// protocols runs a test with a server of each.
func protocols(t *testing.T, h http.HandlerFunc, test func(t *testing.T, srv *httptest.Server)) {
	for proto := 1; proto <= 2; proto++ {
		t.Run(fmt.Sprint("HTTP ", proto), func(t *testing.T) {
			srv := httptest.NewUnstartedServer(h)
			srv.EnableHTTP2 = proto == 2
			srv.StartTLS()
			defer srv.Close()
			test(t, srv)
		})
	}
}

// TestSilence: a stream that has nothing to say for longer than a write may take goes on.
func TestSilence(t *testing.T) {
	protocols(t, func(w http.ResponseWriter, r *http.Request) {
		s := sse.NewWriter(w, r, 50*time.Millisecond)
		err := s.Events(1)
		time.Sleep(200 * time.Millisecond)
		if err := errors.Join(err, s.Done()); err != nil {
			t.Error(err)
		}
	}, func(t *testing.T, srv *httptest.Server) {
		resp, err := srv.Client().Get(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if b, err := io.ReadAll(resp.Body); err != nil || string(b) != "data: 1\n\ndata: [DONE]\n\n" {
			t.Errorf("%s: %q, %v", resp.Proto, b, err)
		}
	})
}

// TestSlowReader: a client that does not read ends the stream instead of holding it.
func TestSlowReader(t *testing.T) {
	failed := make(chan error, 1)
	protocols(t, func(w http.ResponseWriter, r *http.Request) {
		s := sse.NewWriter(w, r, 50*time.Millisecond)
		big := make([]byte, 1<<20)
		for {
			if err := s.Events(big); err != nil {
				again := s.Done()
				failed <- errors.Join(err, again)
				if again == nil {
					t.Error("a stream that failed can be written to")
				}
				return
			}
		}
	}, func(t *testing.T, srv *httptest.Server) {
		resp, err := srv.Client().Get(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if err := <-failed; err == nil {
			t.Error("no error")
		}
	})
}

func TestValueThatIsNoJSON(t *testing.T) {
	rec := httptest.NewRecorder()
	if err := sse.NewWriter(rec, httptest.NewRequest("POST", "/", nil), time.Second).Events(func() {}); err == nil || rec.Body.Len() != 0 {
		t.Errorf("%v, %q", err, rec.Body)
	}
}
