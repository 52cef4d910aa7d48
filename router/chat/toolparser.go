package chat

import (
	"strings"
	"unicode"
)

const (
	callOpen  = "<tool_call>"
	callClose = "</tool_call>"
)

// PartKind tells what a [Part] is.
type PartKind int

// Kinds of parts. A call is one CallBegins, any number of CallArguments whose texts joined are its arguments, and one CallEnds,
// which is missing only where the answer ended within the arguments.
const (
	Content PartKind = iota
	CallBegins
	CallArguments
	CallEnds
)

// Part is a piece of an answer.
type Part struct {
	Kind PartKind
	Text string // of the content or the arguments; of CallBegins the function's name
}

// ToolParser cuts an answer into content and the tool calls that it contains as
//
//	<tool_call>
//	{"name": "get_weather", "arguments": {"city": "Paris"}}
//	</tool_call>
//
// A call begins where the name is known and the object of its arguments opens. From there on every byte up to the object's end
// is handed out as it comes, also where it turns out to be no JSON: what has been sent cannot be taken back. What follows in the
// object is dropped. A block whose arguments come before the name, or in a string, or are missing, is one call
// when it is complete. A block that is none of that stays content, tags and all. White space between blocks and the answer's ends
// is dropped.
//
// The parts do not depend on how the answer is cut, but for how many there are of one kind in a row. The zero value is ready.
type ToolParser struct {
	text  string // not handed out yet; within a block it starts behind the opening tag
	state blockState
	scan  jsonScan
	out   []Part

	pushed int // bytes of the answer that have come; text is the last of them
	shown  int // bytes up to the last one that has been handed out

	called  bool   // a call has begun
	written bool   // content has been handed out
	space   string // white space that is content only where more content follows
}

// blockState is where the parser is.
type blockState int

const (
	outside     blockState = iota
	inBlock                // behind the opening tag, nothing of the block has been handed out
	inArguments            // of a call that has begun
	inRest                 // behind the arguments, in the object that has them
	inClosing              // behind that object: the closing tag should follow
)

// Push takes the next piece of the answer, cut anywhere, and returns what it makes certain.
func (p *ToolParser) Push(text string) []Part {
	p.text += text
	p.pushed += len(text)
	for p.step() {
	}
	return p.take()
}

// Held is how many bytes at the answer's end, as far as it has come, have shown nothing: they wait, or have been dropped.
func (p *ToolParser) Held() int { return p.pushed - p.shown }

// Flush ends the answer. A last block whose closing tag is missing counts if its JSON is complete. The parser can then start
// another answer.
func (p *ToolParser) Flush() []Part {
	switch p.state {
	case outside:
		p.content(p.text)
	case inBlock:
		if !p.wholeCall(p.text) {
			p.content(callOpen + p.text)
		}
	}
	if !p.called {
		p.add(Content, p.space)
	}
	out := p.take()
	*p = ToolParser{}
	return out
}

func (p *ToolParser) take() []Part {
	out := p.out
	p.out = nil
	return out
}

// cut takes the first n bytes off the text that has not been handed out.
func (p *ToolParser) cut(n int) string {
	head := p.text[:n]
	p.text = p.text[n:]
	return head
}

// add hands out a part, which ends where the text begins; content that goes on is one part.
func (p *ToolParser) add(kind PartKind, text string) {
	if text != "" {
		p.shown = p.pushed - len(p.text)
	}
	if n := len(p.out); kind == Content && n > 0 && p.out[n-1].Kind == Content {
		p.out[n-1].Text += text
		return
	}
	if text != "" || kind == CallEnds {
		p.out = append(p.out, Part{kind, text})
	}
}

// step moves on to the next state. It reports whether there may be more to do.
func (p *ToolParser) step() bool {
	switch p.state {
	case inBlock:
		return p.block()
	case inArguments:
		return p.arguments()
	case inRest:
		return p.rest()
	case inClosing:
		return p.closing()
	}
	return p.open()
}

// open looks for an opening tag.
func (p *ToolParser) open() bool {
	at := strings.Index(p.text, callOpen)
	if at < 0 {
		p.content(p.cut(len(p.text) - overlap(p.text, callOpen)))
		return false
	}
	p.content(p.cut(at))
	p.cut(len(callOpen))
	p.state, p.scan = inBlock, jsonScan{}
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
func (p *ToolParser) content(text string) {
	trimmed := strings.TrimRightFunc(text, unicode.IsSpace)
	if trimmed != "" {
		lead := p.space + trimmed
		if p.called && !p.written {
			lead = strings.TrimLeftFunc(lead, unicode.IsSpace)
		}
		p.add(Content, lead)
		p.shown -= len(text) - len(trimmed)
		p.written, p.space = true, ""
	}
	p.space += text[len(trimmed):]
}

// block looks for the arguments, or for the end of a block without.
func (p *ToolParser) block() bool {
	if start := strings.TrimLeftFunc(p.text, unicode.IsSpace); start != "" && start[0] != '{' {
		p.state = outside // someone speaks about the tag: nobody need wait for its end
		p.content(callOpen)
		return true
	}
	for p.scan.at < len(p.text) {
		switch tag(p.text[p.scan.at:], &p.scan) {
		case wholeTag:
			p.end(p.text[:p.scan.at])
			return true
		case halfTag:
			return false
		}
		if p.scan.depth == 1 && !p.scan.inString && p.text[p.scan.at] == '{' {
			if name, ok := opensArguments(p.text[:p.scan.at]); ok {
				p.cut(p.scan.at)
				p.begin(name)
				p.state, p.scan = inArguments, jsonScan{}
				return true
			}
		}
		p.scan.next(p.text)
	}
	return false
}

func (p *ToolParser) begin(name string) {
	p.called = true
	p.add(CallBegins, name)
}

// end closes a block that was complete before anything of it was handed out.
func (p *ToolParser) end(body string) {
	p.cut(len(body) + len(callClose))
	p.state = outside
	if !p.wholeCall(body) {
		p.content(callOpen + body + callClose)
	}
}

// wholeCall hands out a call at once, if body is one.
func (p *ToolParser) wholeCall(body string) bool {
	call, err := parseCall(body)
	if err != nil {
		return false
	}
	p.begin(call.Name)
	p.add(CallArguments, call.Arguments)
	p.add(CallEnds, "")
	return true
}

// arguments hands out what is certain of the arguments: all of it but what may be the closing tag of a block that ends too early.
func (p *ToolParser) arguments() bool {
	for p.scan.at < len(p.text) {
		switch tag(p.text[p.scan.at:], &p.scan) {
		case wholeTag:
			p.add(CallArguments, p.cut(p.scan.at))
			p.add(CallEnds, "")
			p.cut(len(callClose))
			p.state = outside
			return true
		case halfTag:
			p.add(CallArguments, p.cut(p.scan.at))
			p.scan.at = 0
			return false
		}
		if p.scan.next(p.text); p.scan.depth == 0 {
			p.add(CallArguments, p.cut(p.scan.at))
			p.add(CallEnds, "")
			p.state, p.scan = inRest, jsonScan{depth: 1}
			return true
		}
	}
	p.add(CallArguments, p.cut(len(p.text)))
	p.scan.at = 0
	return false
}

// rest drops the rest of the object that has the arguments.
func (p *ToolParser) rest() bool {
	for p.scan.at < len(p.text) {
		switch tag(p.text[p.scan.at:], &p.scan) {
		case wholeTag:
			p.text, p.state = p.text[p.scan.at:], inClosing
			return true
		case halfTag:
			return false
		}
		if p.scan.next(p.text); p.scan.depth == 0 {
			p.text, p.state = p.text[p.scan.at:], inClosing
			return true
		}
	}
	p.text, p.scan.at = "", 0
	return false
}

// closing drops the closing tag. Where something else follows, the block has ended without.
func (p *ToolParser) closing() bool {
	rest := strings.TrimLeftFunc(p.text, unicode.IsSpace)
	if rest == "" || (len(rest) < len(callClose) && strings.HasPrefix(callClose, rest)) {
		return false
	}
	if after, ok := strings.CutPrefix(rest, callClose); ok {
		p.text = after
	}
	p.state = outside
	return true
}
