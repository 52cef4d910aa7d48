package api

import (
	"github.com/stagecoach-llm/stagecoach/router/chat"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// callFilter takes the tool calls out of one choice's text.
type callFilter struct {
	parser chat.ToolParser
	one    bool // the answer ends with its first call
	calls  []madeCall
	begun  int  // calls, those that are dropped included
	within bool // the last call's arguments have not ended
}

// madeCall is a call that has begun.
type madeCall struct {
	id        string
	name      string
	arguments []byte // so far
}

// callPart is a piece of an answer: content, or some of calls[call].
type callPart struct {
	chat.Part
	call int
}

func newCallFilter(one bool) *callFilter { return &callFilter{one: one} }

// push takes the next piece of text, the last one with end, and returns what it makes certain, in the order of the answer.
func (f *callFilter) push(text string, end bool) []callPart {
	parts := f.parser.Push(text)
	if end {
		parts = append(parts, f.parser.Flush()...)
	}
	out := make([]callPart, 0, len(parts))
	for _, p := range parts {
		if f.note(p) {
			out = append(out, callPart{p, f.begun - 1})
		}
	}
	return out
}

// note keeps account of the calls. It reports whether a part is wanted.
func (f *callFilter) note(p chat.Part) bool {
	if p.Kind == chat.Content {
		return true
	}
	if p.Kind == chat.CallBegins {
		f.begun++
	}
	if f.one && f.begun > 1 {
		return false
	}
	switch p.Kind {
	case chat.CallBegins:
		f.calls = append(f.calls, madeCall{id: newID("call_"), name: p.Text})
		f.within = true
	case chat.CallArguments:
		c := &f.calls[len(f.calls)-1]
		c.arguments = append(c.arguments, p.Text...)
	case chat.CallEnds:
		f.within = false
	}
	return true
}

// enough reports whether the only call that is wanted is there.
func (f *callFilter) enough() bool { return f.one && len(f.calls) > 0 && !f.within }

// reason is why an answer with calls ended: tool_calls where calls were made, unless the last one was cut off.
func (f *callFilter) reason(finish string) string {
	if len(f.calls) == 0 || (f.within && finish == wire.FinishLength) {
		return finish
	}
	return finishToolCalls
}
