package api

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/stagecoach-llm/stagecoach/router/account"
)

// queue bounds what requests take before they are admitted, when no limit of their keys holds yet: one key has a share of the slots,
// and no more than it may run at once, and bodies are bounded together, so that neither slots nor memory go to who sends slowly.
type queue struct {
	share  int   // requests of a key
	bodies int64 // bytes of all bodies, less the first freeBody of each
	each   int64 // of them a key's

	mu    sync.Mutex // never held while anything waits
	keys  map[string]*queued
	bytes int64
}

// queued is what a key has in the queue.
type queued struct {
	requests, runs int // runs are those that wait to be admitted; the others, as of tokens, never are
	bytes          int64
}

const (
	shares   = 4 // a key has one of so many
	freeBody = 64 << 10
)

func newQueue(o *Options) *queue {
	return &queue{
		share: max(1, o.MaxRequests/shares), bodies: o.MaxBodies, each: max(o.MaxBodies/shares, o.MaxBody), keys: map[string]*queued{},
	}
}

// ticket is a request's place in the queue, and its body.
type ticket struct {
	io.ReadCloser
	q     *queue
	key   string
	runs  int   // 1 or 0
	read  int64 // of the body
	bytes int64 // that count
}

// enter gives a request a place. of is what its key has with it.
func (q *queue) enter(key string, runs int, body io.ReadCloser) (t *ticket, of queued) {
	q.mu.Lock()
	defer q.mu.Unlock()
	k := q.keys[key]
	if k == nil {
		k = &queued{}
		q.keys[key] = k
	}
	k.requests++
	k.runs += runs
	return &ticket{ReadCloser: body, q: q, key: key, runs: runs}, *k
}

func (t *ticket) leave() {
	t.q.mu.Lock()
	defer t.q.mu.Unlock()
	k := t.q.keys[t.key]
	k.requests--
	k.runs -= t.runs
	k.bytes -= t.bytes
	t.q.bytes -= t.bytes
	if k.requests == 0 {
		delete(t.q.keys, t.key)
	}
}

// errBodies is returned by Read when bodies take all the memory that they may.
var errBodies = errors.New("too many large bodies at once")

// Read reads the body as far as there is room for it.
func (t *ticket) Read(b []byte) (int, error) {
	n, err := t.ReadCloser.Read(b)
	if !t.take(int64(n)) {
		return 0, errBodies
	}
	return n, err
}

func (t *ticket) take(n int64) bool {
	t.q.mu.Lock()
	defer t.q.mu.Unlock()
	t.read += n
	more := max(0, t.read-freeBody) - t.bytes
	k := t.q.keys[t.key]
	if t.q.bytes+more > t.q.bodies || k.bytes+more > t.q.each {
		return false
	}
	t.bytes += more
	k.bytes += more
	t.q.bytes += more
	return true
}

// queued has do work on a request that has not been admitted. runs is 1 where it will be.
func (s *Server) queued(r *http.Request, key string, runs int, do func() *Error) *Error {
	t, of := s.queue.enter(key, runs, r.Body)
	defer t.leave()
	// Where no key was made, all are one, and nobody is kept out by another.
	if most := s.queue.share; key != account.LocalKey && of.requests > most {
		return s.tooMany(most)
	}
	if of.runs > 1 && runs > 0 { // one alone need not be looked up
		st, err := s.Account.Standing(r.Context(), key, "")
		if err != nil {
			return fromLedger(err)
		}
		if most := st.Limits.Concurrency; most > 0 && of.runs > most {
			return s.tooMany(most)
		}
	}
	r.Body = t
	return do()
}

func (s *Server) tooMany(most int) *Error {
	s.metrics.refused.WithLabelValues(string(account.ScopeConcurrency)).Inc()
	return &Error{Status: http.StatusTooManyRequests, Type: typeRateLimit, Code: "concurrency_limit", After: time.Second,
		Message: fmt.Sprintf("This API key may have %d requests at once that are not admitted yet.", most)}
}
