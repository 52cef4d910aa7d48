package api

import (
	"github.com/stagecoach-llm/stagecoach/router/chat"
)

// callFilter takes the tool calls out of one choice's text.
type callFilter struct {
	parser chat.ToolParser
	one    bool // further calls are dropped
	made   int
}

func newCallFilter(one bool) *callFilter { return &callFilter{one: one} }

// push takes the next piece of text, the last one with end, and returns what is content and the calls that are complete.
func (f *callFilter) push(text string, end bool) (string, []chatCall) {
	content, calls := f.parser.Push(text)
	if end {
		rest, more := f.parser.Flush()
		content, calls = content+rest, append(calls, more...)
	}
	var out []chatCall
	for _, c := range calls {
		if f.one && f.made > 0 {
			break
		}
		index := f.made
		f.made++
		out = append(out, chatCall{
			Index: &index, ID: newID("call_"), Type: "function", Function: chatFunction{Name: c.Name, Arguments: c.Arguments},
		})
	}
	return content, out
}
