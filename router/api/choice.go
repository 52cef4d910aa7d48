package api

import (
	"cmp"
	"strings"
	"unicode/utf8"

	"github.com/stagecoach-llm/stagecoach/router/generate"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// Finish reasons of the contract that are not the coordinator's.
const finishToolCalls = "tool_calls"

// choice turns one choice's tokens into text. What it has released never changes: text that may still become part of a stop
// string or of a character waits.
type choice struct {
	model       *Model
	stop        stopMatcher
	includeStop bool
	showSpecial bool
	stopIDs     map[int32]bool

	raw      []byte  // bytes of all tokens that are shown
	tokens   []token // all tokens, in order
	looked   int     // raw up to here has no whole stop string
	released int     // raw up to here has been given out, or to calls
	shown    int     // raw up to here has been given out
	given    int     // tokens up to here have had their log-probability given out
	finish   string  // "" while it runs
	running  bool    // counted in run.open
	runes    int     // characters in raw before the next token to be given

	echo piece // of a scored prompt, to be given out before anything else
	all  bool  // each token has its log-probability given out, also those that are not shown

	credit    int // output tokens leased
	delivered int // tokens whose text has begun to be given out
	calls     *callFilter
}

// token is one output token and where its bytes lie in raw.
type token struct {
	id         int32
	start, end int
	lp         *wire.Logprob
	hidden     bool // a control token, or the one that ended the answer
}

// piece is what came out of a choice since the last one.
type piece struct {
	text   string
	parts  []callPart  // text, cut into content and calls; where the answer may have calls
	tokens []tokenText // where log-probabilities are wanted
}

// tokenText is the log-probability of one shown token.
type tokenText struct {
	bytes []byte
	at    int           // characters of the choice before it
	lp    *wire.Logprob // nil for the first token of a prompt
}

func newChoice(m *Model, s *sampling) *choice {
	c := &choice{model: m, stop: newStopMatcher(s.stops), includeStop: s.includeStop, showSpecial: s.showSpecial, all: s.scored,
		stopIDs: make(map[int32]bool, len(s.params.StopIDs))}
	for _, id := range s.params.StopIDs {
		c.stopIDs[id] = true
	}
	return c
}

// push takes an event. When it returns stopped, a stop string has ended the choice: the pipeline does not know yet.
func (c *choice) push(ev generate.Event) (stopped bool) {
	for i, id := range ev.Tokens {
		var lp *wire.Logprob
		if ev.Logprobs != nil {
			lp = &ev.Logprobs[i]
		}
		last := i == len(ev.Tokens)-1
		c.append(id, lp, last && ev.Finish == wire.FinishStop)
		if c.matchStop() {
			return true
		}
	}
	c.finish = cmp.Or(c.finish, ev.Finish)
	return false
}

func (c *choice) append(id int32, lp *wire.Logprob, ends bool) {
	t := token{id: id, start: len(c.raw), lp: lp}
	special := c.model.Tokens.IsControl(id) && !c.showSpecial
	t.hidden = special || (ends && c.stopIDs[id] && !c.includeStop)
	if !t.hidden {
		c.raw = append(c.raw, c.model.Tokens.TokenBytes(id)...)
	}
	t.end = len(c.raw)
	c.tokens = append(c.tokens, t)
}

// matchStop cuts the text at a stop string, once.
func (c *choice) matchStop() bool {
	start, end, ok := c.stop.find(c.raw, c.looked)
	c.looked = len(c.raw)
	if !ok {
		return false
	}
	if !c.includeStop {
		end = start
	}
	c.raw = c.raw[:max(end, c.released)]
	c.finish = wire.FinishStop
	return true
}

// take releases what can be shown now; all of it once the choice has finished.
func (c *choice) take() piece {
	to := len(c.raw)
	if c.finish == "" {
		to -= c.stop.held(c.raw)
		to = c.released + wholeLen(c.raw[c.released:to])
	}
	var p piece
	p, c.echo = c.echo, piece{}
	p.text += string(appendText(nil, c.raw[c.released:to]))
	c.released = to
	if c.calls == nil {
		c.shown = to
	} else {
		c.takeCalls(&p)
	}
	p.tokens = append(p.tokens, c.takeTokens()...)
	for c.delivered < len(c.tokens) && (c.finish != "" || c.tokens[c.delivered].start < c.shown) {
		c.delivered++
	}
	return p
}

// takeCalls cuts a piece's text into content and calls. What may still become either waits, with its tokens.
func (c *choice) takeCalls(p *piece) {
	before := c.calls.parser.Held()
	p.parts = c.calls.push(p.text, c.finish != "")
	c.shown += rawLen(c.raw[c.shown:c.released], before+len(p.text)-c.calls.parser.Held())
}

// takeTokens releases the log-probabilities of tokens whose bytes have all been given out. A token that a stop string cut in two shows
// the bytes that are left of it, so that the tokens' bytes are the content.
func (c *choice) takeTokens() []tokenText {
	var out []tokenText
	for c.given < len(c.tokens) {
		t := &c.tokens[c.given]
		end := min(t.end, len(c.raw))
		if end > c.shown {
			break
		}
		switch {
		case t.lp == nil:
		case t.hidden && c.all:
			out = append(out, tokenText{bytes: c.model.Tokens.TokenBytes(t.id), at: c.runes, lp: t.lp})
		case !t.hidden && t.start < end:
			out = append(out, tokenText{bytes: c.raw[t.start:end], at: c.runes, lp: t.lp})
		}
		for _, b := range c.raw[min(t.start, end):end] {
			if utf8.RuneStart(b) {
				c.runes++
			}
		}
		c.given++
	}
	return out
}

// reason is the finish reason as the contract has it.
func (c *choice) reason() *string {
	reason := c.finish
	if c.calls != nil {
		reason = c.calls.reason(reason)
	}
	return &reason
}

// tokenString is how a single token is shown: bytes that are no text by themselves are U+FFFD.
func tokenString(b []byte) string { return strings.ToValidUTF8(string(b), "\uFFFD") }
