package api

import (
	"net/http"
	"strings"

	"github.com/stagecoach-llm/stagecoach/router/chat"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// responseFormat is the shape of /v1/responses: items of text and of tool calls, in the order in which the model wrote them. It
// belongs to one answer and collects its items, whether their events are sent or not.
type responseFormat struct {
	job  *job
	echo responseEcho

	events   []any
	sequence int
	output   []any // items that are complete
	status   string

	// The item that is not complete; at most one of both is there.
	message *messageItem
	call    *callItem
	text    strings.Builder // of either
	scores  []chatLogprob
}

func (f *responseFormat) param() string { return "input" }

func (f *responseFormat) marked() bool { return false }

func (f *responseFormat) opening() []any {
	f.emit(&responseEvent{eventHead{Type: "response.created"}, f.body(statusInProgress)})
	f.emit(&responseEvent{eventHead{Type: "response.in_progress"}, f.body(statusInProgress)})
	return f.take()
}

func (f *responseFormat) chunks(_ int, c *choice, p piece) []any {
	parts := p.parts
	if c.calls == nil {
		parts = []callPart{{Part: chat.Part{Text: p.text}}}
	}
	scores := logprobs(f.job.model, p.tokens)
	for _, part := range parts {
		switch part.Kind {
		case chat.Content:
			f.write(part.Text, scores)
			scores = nil // a piece's tokens are told once
		case chat.CallBegins:
			f.begin(c.calls.calls[part.call].id, part.Text)
		case chat.CallArguments:
			f.argue(part.Text)
		case chat.CallEnds:
			f.end(statusCompleted)
		}
	}
	if c.finish != "" {
		f.finish(c.finish)
	}
	return f.take()
}

// finish completes what is open; an answer without anything is an empty message.
func (f *responseFormat) finish(reason string) {
	f.status = statusCompleted
	if reason == wire.FinishLength {
		f.status = statusIncomplete
	}
	if len(f.output) == 0 && f.call == nil {
		f.open()
	}
	if f.call != nil { // its arguments have not ended
		f.end(statusIncomplete)
		return
	}
	f.end(f.status)
}

func (f *responseFormat) closing(u usage) []any {
	f.emit(&responseEvent{eventHead{Type: "response." + f.status}, f.ended(u)})
	return f.take()
}

func (f *responseFormat) failure(e *Error) []any {
	if f.sequence == 0 {
		f.events = f.opening()
	}
	b := f.body(statusFailed)
	b.Error = &responseError{Code: typeServer, Message: e.Message}
	f.emit(&responseEvent{eventHead{Type: "response.failed"}, b})
	return f.take()
}

func (f *responseFormat) whole(_ []answer, u usage) any { return f.ended(u) }

// wholeResponse is a response in one body.
type wholeResponse struct {
	format *responseFormat
	w      http.ResponseWriter
}

func (o *wholeResponse) piece(i int, c *choice, p piece) (wrote bool, err error) {
	o.format.chunks(i, c, p)
	return false, nil
}

func (o *wholeResponse) keepAlive() error { return nil }

func (o *wholeResponse) end(u usage) error {
	writeJSON(o.w, http.StatusOK, o.format.whole(nil, u))
	return nil
}

func (o *wholeResponse) fail(e *Error) { e.write(o.w) }
