package chat

import (
	"encoding/json"
	"errors"
	"strings"
	"unicode"
)

const (
	callOpen  = "<tool_call>"
	callClose = "</tool_call>"
)

// ToolParser cuts an answer into content and the tool calls that it contains as
//
//	<tool_call>
//	{"name": "get_weather", "arguments": {"city": "Paris"}}
//	</tool_call>
//
// A block that is not such JSON stays content, tags and all. White space between blocks and the answer's ends is dropped.
// The zero value is ready.
type ToolParser struct {
	text   string // not handed out yet; inside a block it starts behind the opening tag
	inside bool

	called  bool   // a call has been found
	written bool   // content has been handed out
	space   string // white space that is content only where more content follows

	// How far the block is scanned, and where that is: a string may contain the closing tag.
	scanned  int
	inString bool
	escaped  bool
}

// Push takes the next piece of the answer, cut anywhere, and returns the content and the calls that it completes. A
// call's ID is empty.
func (p *ToolParser) Push(text string) (content string, calls []ToolCall) {
	p.text += text
	var out strings.Builder
	for p.step(&out, &calls) {
	}
	return out.String(), calls
}

// Flush ends the answer. A last block whose closing tag is missing counts if its JSON is complete. The parser can then
// start another answer.
func (p *ToolParser) Flush() (content string, calls []ToolCall) {
	var out strings.Builder
	if p.inside {
		if call, err := parseCall(p.text); err == nil {
			calls = append(calls, call)
		} else {
			p.content(&out, callOpen+p.text)
		}
	} else {
		p.content(&out, p.text)
	}
	if !p.called && len(calls) == 0 {
		out.WriteString(p.space)
	}
	*p = ToolParser{}
	return out.String(), calls
}

// step handles the text up to the next tag. It reports whether there may be more to do.
func (p *ToolParser) step(out *strings.Builder, calls *[]ToolCall) bool {
	if p.inside {
		return p.block(out, calls)
	}
	at := strings.Index(p.text, callOpen)
	if at < 0 {
		n := len(p.text) - overlap(p.text, callOpen)
		p.content(out, p.text[:n])
		p.text = p.text[n:]
		return false
	}
	p.content(out, p.text[:at])
	p.text = p.text[at+len(callOpen):]
	p.inside, p.scanned, p.inString, p.escaped = true, 0, false, false
	return true
}

// overlap returns the length of the longest end of s that begins tag.
func overlap(s, tag string) int {
	for n := min(len(s), len(tag)-1); n > 0; n-- {
		if strings.HasSuffix(s, tag[:n]) {
			return n
		}
	}
	return 0
}

// content hands out text, but holds back the white space at its end.
func (p *ToolParser) content(out *strings.Builder, text string) {
	trimmed := strings.TrimRightFunc(text, unicode.IsSpace)
	if trimmed != "" {
		lead := p.space + trimmed
		if p.called && !p.written {
			lead = strings.TrimLeftFunc(lead, unicode.IsSpace)
		}
		out.WriteString(lead)
		p.written, p.space = true, ""
	}
	p.space += text[len(trimmed):]
}

// block looks for the end of a block.
func (p *ToolParser) block(out *strings.Builder, calls *[]ToolCall) bool {
	if start := strings.TrimLeftFunc(p.text, unicode.IsSpace); start != "" && start[0] != '{' {
		p.inside = false // someone speaks about the tag: nobody need wait for its end
		p.content(out, callOpen)
		return true
	}
	for p.scanned < len(p.text) {
		c := p.text[p.scanned]
		if c == '<' && !p.inString {
			rest := p.text[p.scanned:]
			if strings.HasPrefix(rest, callClose) {
				p.end(out, calls)
				return true
			}
			if strings.HasPrefix(callClose, rest) {
				return false
			}
		}
		switch {
		case p.escaped:
			p.escaped = false
		case c == '\\' && p.inString:
			p.escaped = true
		case c == '"':
			p.inString = !p.inString
		}
		p.scanned++
	}
	return false
}

// end closes the block that ends where the scan is.
func (p *ToolParser) end(out *strings.Builder, calls *[]ToolCall) {
	body := p.text[:p.scanned]
	p.text = p.text[p.scanned+len(callClose):]
	p.inside = false
	call, err := parseCall(body)
	if err != nil {
		p.content(out, callOpen+body+callClose)
		return
	}
	*calls = append(*calls, call)
	p.called = true
}

// parseCall reads the JSON of a block.
func parseCall(body string) (ToolCall, error) {
	var c struct {
		Name       string          `json:"name"`
		Arguments  json.RawMessage `json:"arguments"`
		Parameters json.RawMessage `json:"parameters"`
	}
	if err := json.Unmarshal([]byte(body), &c); err != nil {
		return ToolCall{}, err
	}
	if c.Name == "" {
		return ToolCall{}, errors.New("a call without a name")
	}
	raw := c.Arguments
	if raw == nil {
		raw = c.Parameters
	}
	args, err := argumentText(raw)
	return ToolCall{Name: c.Name, Arguments: args}, err
}

// argumentText is the text of an arguments object. Some models write it as a string; no arguments are {}.
func argumentText(raw json.RawMessage) (string, error) {
	text := string(raw)
	if strings.HasPrefix(text, `"`) {
		if err := json.Unmarshal(raw, &text); err != nil {
			return "", err
		}
	}
	switch text {
	case "", "null":
		return "{}", nil
	}
	var object map[string]json.RawMessage
	return text, json.Unmarshal([]byte(text), &object)
}
