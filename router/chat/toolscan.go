package chat

import (
	"encoding/json"
	"errors"
	"strings"
	"unicode"
)

// jsonScan follows JSON that comes in pieces far enough to know what is within a string and how deep it is.
type jsonScan struct {
	at       int // the next byte
	depth    int // of objects and arrays
	inString bool
	escaped  bool
}

// next takes one byte of text.
func (s *jsonScan) next(text string) {
	c := text[s.at]
	s.at++
	switch {
	case s.escaped:
		s.escaped = false
	case c == '\\' && s.inString:
		s.escaped = true
	case c == '"':
		s.inString = !s.inString
	case s.inString:
	case c == '{' || c == '[':
		s.depth++
	case c == '}' || c == ']':
		s.depth--
	}
}

type tagMatch int

const (
	noTag tagMatch = iota
	halfTag
	wholeTag
)

// tag reports whether rest begins with the closing tag, or may once more of it has come. Within a string it is text.
func tag(rest string, s *jsonScan) tagMatch {
	switch {
	case s.inString || rest[0] != '<':
		return noTag
	case strings.HasPrefix(rest, callClose):
		return wholeTag
	case strings.HasPrefix(callClose, rest):
		return halfTag
	}
	return noTag
}

// opensArguments reports whether an object that starts behind head is the arguments of a call, and the function's name.
func opensArguments(head string) (name string, ok bool) {
	key, colon := strings.CutSuffix(strings.TrimRightFunc(head, unicode.IsSpace), ":")
	key = strings.TrimRightFunc(key, unicode.IsSpace)
	if !colon || !(strings.HasSuffix(key, `"arguments"`) || strings.HasSuffix(key, `"parameters"`)) {
		return "", false
	}
	var c call
	err := json.Unmarshal([]byte(head+"{}}"), &c)
	return c.Name, err == nil && c.Name != "" && string(c.arguments()) == "{}"
}

// call is the JSON of a block.
type call struct {
	Name       string          `json:"name"`
	Arguments  json.RawMessage `json:"arguments"`
	Parameters json.RawMessage `json:"parameters"` // what some models call them
}

func (c *call) arguments() json.RawMessage {
	if c.Arguments == nil {
		return c.Parameters
	}
	return c.Arguments
}

// parseCall reads a whole block.
func parseCall(body string) (ToolCall, error) {
	var c call
	if err := json.Unmarshal([]byte(body), &c); err != nil {
		return ToolCall{}, err
	}
	if c.Name == "" {
		return ToolCall{}, errors.New("a call without a name")
	}
	args, err := argumentText(c.arguments())
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
