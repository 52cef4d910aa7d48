// Package sse writes server-sent events (the WHATWG "event stream" form) as OpenAI's clients read them: `data:` lines with one
// JSON value each, named by an `event:` line where the value has a name, `data: [DONE]` at the end, comment lines in between to keep proxies awake, and neither `id:` nor `retry:`.
//
// Every write has a deadline: a client that does not read for that long counts as gone. Between writes a stream may be silent for longer.
//
// # Caveats
//
// A [Writer] belongs to one goroutine. After an error nothing more can be written.
package sse

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// Writer is one response as an event stream.
type Writer struct {
	w       http.ResponseWriter
	rc      *http.ResponseController
	timeout time.Duration
	resets  bool // a deadline that passes ends the stream, though nothing is being written
	buf     bytes.Buffer
	started bool
	err     error
}

// NewWriter prepares a stream that answers r; nothing is sent before Start or the first event. timeout bounds each write.
func NewWriter(w http.ResponseWriter, r *http.Request, timeout time.Duration) *Writer {
	return &Writer{w: w, rc: http.NewResponseController(w), timeout: timeout, resets: r.ProtoMajor > 1}
}

// Started reports whether the status line has gone out, so that an error can only be an event.
func (s *Writer) Started() bool { return s.started }

// Start sends the headers.
func (s *Writer) Start() error {
	if s.started {
		return s.err
	}
	s.started = true
	h := s.w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Accel-Buffering", "no") // nginx would collect the events
	s.w.WriteHeader(http.StatusOK)
	return s.send(nil)
}

// Named is a value whose event has a name, on an `event:` line.
type Named interface{ EventName() string }

// Events sends one event for each value, in one write.
func (s *Writer) Events(values ...any) error {
	s.buf.Reset()
	for _, v := range values {
		if n, ok := v.(Named); ok {
			s.buf.WriteString("event: " + n.EventName() + "\n")
		}
		s.buf.WriteString("data: ")
		// Encode ends with one newline; JSON has no others, so that an event is one line.
		enc := json.NewEncoder(&s.buf)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(v); err != nil {
			return fmt.Errorf("sse: %w", err)
		}
		s.buf.WriteByte('\n')
	}
	return s.flush()
}

// Comment sends a line that clients ignore.
func (s *Writer) Comment(text string) error {
	s.buf.Reset()
	s.buf.WriteString(": " + text + "\n\n")
	return s.flush()
}

// Done ends the stream.
func (s *Writer) Done() error {
	s.buf.Reset()
	s.buf.WriteString("data: [DONE]\n\n")
	return s.flush()
}

func (s *Writer) flush() error {
	if err := s.Start(); err != nil {
		return err
	}
	return s.send(s.buf.Bytes())
}

func (s *Writer) send(b []byte) error {
	if s.err != nil {
		return s.err
	}
	// Not every ResponseWriter (a recorder in a test) has deadlines or flushes by itself.
	_ = s.rc.SetWriteDeadline(time.Now().Add(s.timeout))
	if len(b) > 0 {
		if _, err := s.w.Write(b); err != nil {
			s.err = fmt.Errorf("sse: %w", err)
			return s.err
		}
	}
	if err := s.rc.Flush(); err != nil {
		s.err = fmt.Errorf("sse: %w", err)
		return s.err
	}
	if s.resets { // over HTTP/1 it stays, for the end that net/http writes
		_ = s.rc.SetWriteDeadline(time.Time{})
	}
	return nil
}
