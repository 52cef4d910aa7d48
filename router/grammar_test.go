package router_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/stagecoach-llm/stagecoach/shard/grammar"
)

const someTools = `"tools":[
	{"type":"function","function":{"name":"now"}},
	{"type":"function","function":{"name":"weather","parameters":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}}},
	{"type":"function","function":{"name":"odd","parameters":{"type":"object","minProperties":3}}}]`

// What a request demands travels to the last shard.
func TestGrammarOfRequest(t *testing.T) {
	weather := json.RawMessage(`{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}`)
	calls := []grammar.Call{{Name: "now"}, {Name: "weather", Parameters: weather}, {Name: "odd"}} // any object, where the schema cannot be enforced
	schema := json.RawMessage(`{"type":"object","properties":{"z":{"type":"integer"},"a":{"enum":["<x>"]}}}`)
	format := `"response_format":{"type":"json_schema","json_schema":{"name":"n","strict":true,"schema":` + string(schema) + `}}`
	for _, c := range []struct {
		name, fields string
		want         *grammar.Spec
	}{
		{"nothing", ``, nil},
		{"text", `"response_format":{"type":"text"}`, nil},
		{"auto", someTools, nil},
		{"auto, strict", `"tools":[{"type":"function","function":{"name":"weather","strict":true,"parameters":` + string(weather) + `}}]`,
			&grammar.Spec{Calls: calls[1:2], Many: true, Free: true}},
		{"any object", `"response_format":{"type":"json_object"}`, &grammar.Spec{Schema: grammar.AnyObject, Many: true}},
		{"no schema", `"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":null}}`, &grammar.Spec{Schema: grammar.AnyObject, Many: true}},
		{"schema", format, &grammar.Spec{Schema: schema, Many: true}},
		{"required", someTools + `,"tool_choice":"required"`, &grammar.Spec{Calls: calls, Many: true}},
		{"required, one", someTools + `,"tool_choice":"required","parallel_tool_calls":false`, &grammar.Spec{Calls: calls}},
		{"named", someTools + `,"tool_choice":{"type":"function","function":{"name":"weather"}}`, &grammar.Spec{Calls: calls[1:2]}},
		{"either", someTools + `,` + format, &grammar.Spec{Schema: schema, Calls: calls, Many: true}},
		{"no tools", someTools + `,"tool_choice":"none",` + format, &grammar.Spec{Schema: schema, Many: true}},
		{"calls only", someTools + `,"tool_choice":"required",` + format, &grammar.Spec{Calls: calls, Many: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := start(t, text("ok"))
			if r := w.chat(c.fields); r.status != 200 {
				t.Fatal(r.body)
			}
			sent := w.coord.Seen()[0].Params.Grammar
			if c.want == nil {
				if sent != "" {
					t.Error(sent)
				}
				return
			}
			var got grammar.Spec
			if err := json.Unmarshal([]byte(sent), &got); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(&got, c.want) {
				t.Errorf("%s", sent)
			}
		})
	}
}

// The message of a schema that cannot be enforced says which keyword is to blame, and where it is.
func TestSchemaErrorsNameTheKeyword(t *testing.T) {
	w := start(t, text("ok"))
	r := w.chat(`"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object","properties":{"list":{"type":"array","uniqueItems":true}}}}}`)
	if msg, _ := at(r.json(t), "error", "message").(string); r.status != 400 || !strings.Contains(msg, "#/properties/list/uniqueItems") {
		t.Errorf("%d %s", r.status, r.body)
	}
}
