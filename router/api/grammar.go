package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/stagecoach-llm/stagecoach/shard/grammar"
)

// readGrammar reads what the answer must be: response_format, and the calls that tool_choice demands. With tools to choose from, an answer in
// a format may be calls instead; without a format it is any text, in which calls obey their schemas where a function is strict.
func readGrammar(o *object, tools []json.RawMessage, choice toolChoice, parallel bool, s *sampling) {
	spec := grammar.Spec{Schema: readResponseFormat(o), Many: parallel && choice.named == ""}
	if choice.mode == chooseRequired {
		spec.Schema = nil
	} else if spec.Schema == nil {
		spec.Free = true
	}
	if o.err != nil || spec.Free && !anyStrict(tools) {
		return
	}
	if spec.Calls = readCallable(o, tools, choice); o.err != nil {
		return
	}
	text, err := spec.Text()
	if err == nil && len(spec.Calls) > 0 { // a schema alone has been compiled, calls one by one
		_, err = grammar.Compile(text)
	}
	if err != nil {
		o.fail(enforced(o), "%s", reason(err))
	}
	if len(s.params.StopIDs) == 0 || o.boolean("ignore_eos", false) {
		o.fail("ignore_eos", "an answer of a given form ends with the model's end token")
	}
	s.params.Grammar = text
}

// enforced is the field that the answer's form comes from.
func enforced(o *object) string {
	if o.has("response_format") {
		return "response_format"
	}
	return "tools"
}

// reason is why a schema cannot be enforced, and where in it.
func reason(err error) string {
	var e *grammar.Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	return strings.TrimPrefix(e.Error(), "grammar: ")
}

// readResponseFormat returns the schema that the answer must satisfy, nil for any text.
func readResponseFormat(o *object) json.RawMessage {
	raw, ok := o.raw("response_format")
	if !ok {
		return nil
	}
	f := o.at("response_format", raw)
	defer func() { o.take(f.err) }()
	switch f.oneOf("type", "", "text", "json_object", "json_schema") {
	case "json_object":
		return grammar.AnyObject
	case "json_schema":
		return readJSONSchema(f)
	}
	return nil
}

func readJSONSchema(f *object) json.RawMessage {
	raw, ok := f.raw("json_schema")
	if !ok {
		f.fail("json_schema", "it is required")
		return nil
	}
	j := f.at(f.name("json_schema"), raw)
	defer func() { f.take(j.err) }()
	if name := j.str("name", ""); !toolName.MatchString(name) {
		j.fail("name", "%.80q is not 1 to 64 letters, digits, _, . and -", name)
	}
	j.str("description", "")
	j.boolean("strict", false) // it is enforced in any case
	schema, ok := j.raw("schema")
	if !ok {
		return grammar.AnyObject
	}
	if err := compiles(grammar.Spec{Schema: schema}); err != nil {
		j.fail("schema", "%s", reason(err))
	}
	return schema
}

// anyStrict tells whether a function's arguments must obey its schema whenever it is called.
func anyStrict(tools []json.RawMessage) bool {
	return slices.ContainsFunc(tools, func(raw json.RawMessage) bool {
		var t struct{ Function struct{ Strict bool } }
		return json.Unmarshal(raw, &t) == nil && t.Function.Strict
	})
}

// readCallable are the functions that may be called. Where a schema cannot be enforced, arguments are any object, unless the
// function is strict.
func readCallable(o *object, tools []json.RawMessage, choice toolChoice) (out []grammar.Call) {
	for i, raw := range tools {
		t := o.at(fmt.Sprintf("tools[%d]", i), raw)
		fn, _ := t.raw("function")
		f := t.at(t.name("function"), fn)
		call := grammar.Call{Name: f.str("name", "")}
		if choice.named != "" && choice.named != call.Name {
			continue
		}
		call.Parameters, _ = f.raw("parameters")
		strict := f.boolean("strict", false)
		if err := compiles(grammar.Spec{Calls: []grammar.Call{call}}); err != nil {
			if strict {
				f.fail("parameters", "%s", reason(err))
			}
			call.Parameters = nil
		}
		o.take(f.err)
		out = append(out, call)
	}
	return out
}

func compiles(s grammar.Spec) error {
	text, err := s.Text()
	if err == nil {
		_, err = grammar.Compile(text)
	}
	return err
}
