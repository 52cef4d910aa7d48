package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestBenchRefusesNothing(t *testing.T) {
	for _, c := range []benchEndpointCmd{{Clients: 0, Tokens: 1}, {Clients: -1, Requests: 5, Tokens: 1}, {Clients: 1, Requests: -1, Tokens: 1}, {Clients: 1}} {
		c.URL = "http://127.0.0.1:1" // nobody is there
		if err := c.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "at least 1 client") {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// TestBenchEnds: an interrupt ends it while every client is busy.
func TestBenchEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var begun atomic.Int32
		c := benchEndpointCmd{Clients: 2}
		c.drive(ctx, 10, func(int) sample {
			begun.Add(1)
			time.Sleep(time.Minute)
			return sample{}
		})
		if n := begun.Load(); n != 2 {
			t.Errorf("%d requests were begun, not only the 2 before the interrupt", n)
		}
	})
}

// TestAnInterruptedBenchHasNoResult: half a measurement is none.
func TestAnInterruptedBenchHasNoResult(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			_, _ = w.Write([]byte(`{"data":[{"id":"m"}]}`))
			return
		}
		cancel()
	}))
	defer s.Close()
	c := benchEndpointCmd{Clients: 1, Requests: 3, Tokens: 1}
	c.URL = s.URL
	if err := c.Run(ctx); !errors.Is(err, context.Canceled) || err.Error() != context.Canceled.Error() {
		t.Errorf("%v", err)
	}
}
