package api

import (
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/stagecoach-llm/stagecoach/router/account"
)

// responseWriter notes the status and adds how long it took to the headers.
type responseWriter struct {
	http.ResponseWriter
	began  time.Time
	status int
}

// WriteHeader implements http.ResponseWriter.
func (w *responseWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
		w.Header().Set("openai-processing-ms", strconv.FormatInt(time.Since(w.began).Milliseconds(), 10))
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *responseWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (w *responseWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// preflight adds the CORS headers for the pages of origins that may call, and answers their browsers' question. Others get neither,
// and what they send without asking needs a key (browser.go).
func (s *Server) preflight(w http.ResponseWriter, r *http.Request) bool {
	h := w.Header()
	if len(s.Origins) > 0 {
		h.Add("Vary", "Origin")
	}
	origin := r.Header.Get("Origin")
	switch {
	case origin == "":
		return false
	case slices.Contains(s.Origins, "*"):
		origin = "*"
	case !slices.Contains(s.Origins, origin):
		return false
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Expose-Headers", "*")
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	h.Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
	// The SDKs send x-stainless-*, whose number grows: what is asked for is allowed.
	h.Set("Access-Control-Allow-Headers", r.Header.Get("Access-Control-Request-Headers"))
	h.Set("Access-Control-Max-Age", "86400")
	h.Add("Vary", "Access-Control-Request-Headers")
	w.WriteHeader(http.StatusNoContent)
	return true
}

// requestID is the client's own, where it is fit for a log, or a new one.
func requestID(r *http.Request) string {
	id := r.Header.Get("x-request-id")
	if id == "" || len(id) > 128 {
		return newID("req_")
	}
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return newID("req_")
		}
	}
	return id
}

var idAlphabet = base32.NewEncoding("abcdefghijkmnpqrstuvwxyz23456789").WithPadding(base32.NoPadding)

// newID is a prefix and 120 random bits.
func newID(prefix string) string {
	var b [15]byte
	rand.Read(b[:])
	return prefix + idAlphabet.EncodeToString(b[:])
}

// quotaHeaders tell the state of a key's rate limits, as far as it has any.
func quotaHeaders(h http.Header, q account.Quota) {
	set := func(what string, limit, left int, reset time.Duration) {
		if limit > 0 {
			h.Set("x-ratelimit-limit-"+what, strconv.Itoa(limit))
			h.Set("x-ratelimit-remaining-"+what, strconv.Itoa(left))
			h.Set("x-ratelimit-reset-"+what, reset.Round(time.Millisecond).String())
		}
	}
	set("requests", q.RequestLimit, q.RequestsLeft, q.RequestReset)
	set("tokens", q.TokenLimit, q.TokensLeft, q.TokenReset)
}

func byteCount(n int64) string {
	if n >= 1<<20 {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d bytes", n)
}
