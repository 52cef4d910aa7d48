package grammar

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// MaxSpec is the largest encoded Spec in bytes.
const MaxSpec = 128 << 10

// Spec is what an answer must be: a JSON document, one or more calls of functions, or either; or any text, in which calls are bound.
type Spec struct {
	// Schema is the document's JSON Schema; nil is none.
	Schema json.RawMessage `json:"schema,omitempty"`
	// Calls are the functions that may be called, each call written as
	//
	//	<tool_call>
	//	{"name": "get_weather", "arguments": {"city": "Paris"}}
	//	</tool_call>
	Calls []Call `json:"calls,omitempty"`
	// Many allows several calls, one after another.
	Many bool `json:"many,omitempty"`
	// Free allows any text before, between and after the calls, and no call at all: only what follows <tool_call> is bound.
	Free bool `json:"free,omitempty"`
}

// Call is one function.
type Call struct {
	Name string `json:"name"`
	// Parameters is the JSON Schema of the arguments; nil is any object.
	Parameters json.RawMessage `json:"parameters,omitempty"`
}

// AnyObject is the schema of any JSON object.
var AnyObject = json.RawMessage(`{"type":"object"}`)

// Error is a schema that cannot be enforced.
type Error struct {
	Path    string // JSON pointer to the subschema
	Keyword string // "" where it is not about one
	Reason  string
}

func (e *Error) Error() string {
	at := "#" + e.Path
	if e.Keyword != "" {
		at += "/" + e.Keyword
	}
	return fmt.Sprintf("grammar: %s: %s", at, e.Reason)
}

func fail(path, keyword, format string, args ...any) *Error {
	return &Error{Path: path, Keyword: keyword, Reason: fmt.Sprintf(format, args...)}
}

// Text encodes the spec as it travels.
func (s *Spec) Text() (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return "", fmt.Errorf("grammar: %w", err)
	}
	text := strings.TrimSuffix(b.String(), "\n")
	if len(text) > MaxSpec {
		return "", fail("", "", "%d bytes, at most %d", len(text), MaxSpec)
	}
	return text, nil
}

// Compile reads an encoded Spec. The error is an *Error where the schema is to blame.
func Compile(text string) (*Grammar, error) {
	if len(text) > MaxSpec {
		return nil, fail("", "", "%d bytes, at most %d", len(text), MaxSpec)
	}
	var s Spec
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return nil, fmt.Errorf("grammar: %w", err)
	}
	if s.Schema == nil && len(s.Calls) == 0 {
		return nil, fail("", "", "neither a schema nor a call is asked for")
	}
	b := newBuilder()
	var roots []int32
	if len(s.Calls) > 0 {
		calls, err := b.calls(&s)
		if err != nil {
			return nil, err
		}
		roots = append(roots, calls)
	}
	if s.Schema != nil {
		root, err := b.document(s.Schema)
		if err != nil {
			return nil, err
		}
		roots = append(roots, root)
	}
	return b.finish(b.alt(roots...))
}

// callTag begins a call.
const callTag = "<tool_call>"

// text is any text in which call follows each tag, or the only one, which then ends it.
func (b *builder) text(call int32, many bool) int32 {
	at := make([]int32, len(callTag)) // so many bytes of the tag have been said
	for n := range at {
		at[n] = b.add(inst{op: opAlt})
	}
	next := b.ret()
	if many {
		next = at[0]
	}
	for n := range at {
		to := b.call(call, next)
		if n+1 < len(at) {
			to = at[n+1]
		}
		c := callTag[n]
		edges := []edge{{c, c, to}, {0, c - 1, at[0]}, {c + 1, 255, at[0]}}
		if c != callTag[0] { // it may begin anew: no other part of the tag does
			edges = []edge{{c, c, to}, {callTag[0], callTag[0], at[1]}}
			edges = append(edges, b.others(c, callTag[0], at[0])...)
		}
		b.fill(at[n], b.ret(), b.bytes(edges...))
	}
	return at[0]
}

// others are all bytes but two.
func (b *builder) others(x, y byte, next int32) []edge {
	x, y = min(x, y), max(x, y)
	return []edge{{0, x - 1, next}, {x + 1, y - 1, next}, {y + 1, 255, next}}
}

// document lowers one schema to a rule.
func (b *builder) document(schema json.RawMessage) (int32, error) {
	l, err := newLowering(b, schema)
	if err != nil {
		return 0, err
	}
	rule := l.rule(l.root)
	if l.err != nil {
		return 0, l.err
	}
	return rule, nil
}

// calls lowers the functions to one rule.
func (b *builder) calls(s *Spec) (int32, error) {
	var alts []int32
	for i := range s.Calls {
		schema := s.Calls[i].Parameters
		if schema == nil {
			schema = AnyObject
		}
		args, err := b.document(schema)
		if err != nil {
			return 0, err
		}
		tail := b.lit("}\n</tool_call>", b.ret())
		tail = b.lit(`"arguments":`, b.space(b.call(args, tail)))
		tail = b.lit(",", b.blank(tail))
		alts = append(alts, b.lit(`"name":`, b.space(b.lit(quote(s.Calls[i].Name), tail))))
	}
	one := b.lit(callTag+"\n{", b.alt(alts...))
	if s.Free {
		return b.text(b.lit("\n{", b.alt(alts...)), s.Many), nil
	}
	if !s.Many {
		return one, nil
	}
	return b.call(one, b.rep(b.lit("\n", b.call(one, b.ret())), 0, -1, b.ret())), nil
}
