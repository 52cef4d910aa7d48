package generate

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// request is one live request; it belongs to Client.Run.
type request struct {
	ask      wire.Generate // without choices
	choices  map[uint32]*choice
	stream   *Stream
	deadline time.Time
	scored   int // prompt tokens that need no score (any more); the first never does

	attempt  uint32
	pending  bool      // to be submitted when due
	due      time.Time // not before
	accepted bool      // of this attempt
	term     uint64    // of the coordinator that accepted it
	heard    time.Time // of its progress, or of its acceptance
	pause    time.Duration
	patience time.Duration
	reason   string // of the last resubmission
	code     string // the coordinator's, of the last resubmission; "" where it said none
}

// choice is one answer of a request.
type choice struct {
	index     uint32
	seed      uint64
	emitted   []int32 // everything that came, in order
	credit    uint32
	delivered uint32
	finished  bool
}

// scoring reports whether scores of the prompt are missing. Tokens come after them.
func (r *request) scoring() bool { return r.scored < len(r.ask.Prompt) }

// hungry reports whether the coordinator owes something: scores, or tokens of a choice that runs and has credit.
func (r *request) hungry() bool {
	if r.scoring() {
		return true
	}
	for _, ch := range r.choices {
		if !ch.finished && uint32(len(ch.emitted)) < ch.credit {
			return true
		}
	}
	return false
}

func (r *request) running() bool {
	for _, ch := range r.choices {
		if !ch.finished {
			return true
		}
	}
	return false
}

func (r *request) begun() bool {
	if r.ask.Score && r.scored > 1 {
		return true
	}
	for _, ch := range r.choices {
		if len(ch.emitted) > 0 {
			return true
		}
	}
	return false
}

// late is the error of a request whose deadline has passed.
func (r *request) late() *Error {
	switch {
	case r.code != "":
		return &Error{Code: r.code, Message: r.reason}
	case r.reason != "":
		return &Error{Code: wire.CodeTimeout, Message: "the request's deadline has passed; last: " + r.reason}
	}
	return &Error{Code: wire.CodeTimeout, Message: "the request's deadline has passed"}
}

// message is the submission of the current attempt: the choices that are not finished, with what they have.
func (r *request) message(now time.Time) ([]byte, error) {
	g := r.ask
	g.Attempt = r.attempt
	if g.Score {
		g.Scored = r.scored
	}
	g.RemainingMS = max(1, r.deadline.Sub(now).Milliseconds())
	for _, ch := range r.choices {
		if !ch.finished {
			g.Choices = append(g.Choices, wire.Choice{Index: ch.index, Seed: ch.seed, Emitted: ch.emitted, Credit: ch.credit})
		}
	}
	slices.SortFunc(g.Choices, func(x, y wire.Choice) int { return int(x.Index) - int(y.Index) })
	return json.Marshal(g)
}
