package api

import (
	"net/http"
	"time"

	"github.com/stagecoach-llm/stagecoach/router/account"
	"github.com/stagecoach-llm/stagecoach/router/sse"
)

const writeTimeout = 30 * time.Second

// format is what an endpoint's answers look like.
type format interface {
	// param is the field of the request that holds the prompt.
	param() string
	// opening are the chunks before the first text.
	opening() []any
	// chunks are what a piece of a choice becomes; the last ones where the choice has finished.
	chunks(index int, c *choice, p piece) []any
	// closing are the chunks after the last text.
	closing(u usage) []any
	// failure are the chunks of an error after which nothing comes.
	failure(e *Error) []any
	// marked tells whether [DONE] marks the end of a stream.
	marked() bool
	// whole is the answer in one body.
	whole(answers []answer, u usage) any
}

// answer is a whole choice.
type answer struct {
	text   string // less the calls
	tokens []tokenText
	finish string
	calls  *callFilter
}

// output is where a run's text goes.
type output interface {
	// piece takes what came out of a choice and tells whether the client got something of it.
	piece(index int, c *choice, p piece) (wrote bool, err error)
	keepAlive() error
	end(u usage) error
	fail(e *Error)
}

// stream is an answer as events.
type stream struct {
	format format
	sse    *sse.Writer
	w      http.ResponseWriter
	opened bool
}

func (s *stream) open() []any {
	if s.opened {
		return nil
	}
	s.opened = true
	return s.format.opening()
}

func (s *stream) piece(index int, c *choice, p piece) (wrote bool, err error) {
	events := append(s.open(), s.format.chunks(index, c, p)...)
	if len(events) == 0 {
		return false, nil
	}
	return true, s.sse.Events(events...)
}

func (s *stream) keepAlive() error { return s.sse.Comment("keep-alive") }

func (s *stream) end(u usage) error {
	if events := append(s.open(), s.format.closing(u)...); len(events) > 0 {
		if err := s.sse.Events(events...); err != nil {
			return err
		}
	}
	return s.mark()
}

func (s *stream) mark() error {
	if !s.format.marked() {
		return nil
	}
	return s.sse.Done()
}

// fail is an ordinary error as long as nothing has been sent.
func (s *stream) fail(e *Error) {
	if !s.sse.Started() {
		e.write(s.w)
		return
	}
	if s.sse.Events(s.format.failure(e)...) == nil {
		_ = s.mark() // the client may be gone; there is nobody else to tell
	}
}

// whole is an answer in one body.
type whole struct {
	format  format
	w       http.ResponseWriter
	answers []answer
}

func (o *whole) piece(index int, c *choice, p piece) (wrote bool, err error) {
	a := &o.answers[index]
	if c.calls == nil {
		a.text += p.text
	} else {
		content, _ := callDeltas(c.calls, p.parts)
		a.text += content
	}
	a.tokens = append(a.tokens, p.tokens...)
	a.finish, a.calls = c.finish, c.calls
	return false, nil
}

// keepAlive has nothing to send: a body has no comments.
func (o *whole) keepAlive() error { return nil }

func (o *whole) end(u usage) error {
	writeJSON(o.w, http.StatusOK, o.format.whole(o.answers, u))
	return nil
}

func (o *whole) fail(e *Error) { e.write(o.w) }

// usage is the bill of an answer.
type usage struct {
	Prompt     int          `json:"prompt_tokens"`
	Completion int          `json:"completion_tokens"`
	Total      int          `json:"total_tokens"`
	Details    promptDetail `json:"prompt_tokens_details"`
	Cost       account.Pico `json:"estimated_cost"`
}

type promptDetail struct {
	Cached int `json:"cached_tokens"`
}

func newUsage(o account.Outcome, p account.Prices) usage {
	return usage{
		Prompt: o.Prompt, Completion: o.Completion, Total: o.Prompt + o.Completion,
		Details: promptDetail{o.Cached}, Cost: p.Cost(o.Prompt, o.Completion),
	}
}
