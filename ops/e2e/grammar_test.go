package e2e

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/shared"
)

// crew is what the answers must be: long enough that something can break in the middle.
type crew struct {
	Ship    string   `json:"ship"`
	Members []member `json:"members"`
}

type member struct {
	Name string  `json:"name"`
	Age  int     `json:"age"`
	Rank string  `json:"rank"`
	Note *string `json:"note"`
}

const crewSchema = `{"type":"object","properties":{
	"ship":{"type":"string","pattern":"^[A-Z][a-z]{2,12}$"},
	"members":{"type":"array","minItems":5,"maxItems":7,"items":{"$ref":"#/$defs/member"}}},
	"required":["ship","members"],"additionalProperties":false,
	"$defs":{"member":{"type":"object","properties":{
		"name":{"type":"string","minLength":1,"maxLength":24},"age":{"type":"integer","minimum":18,"maximum":99},
		"rank":{"enum":["captain","mate","cook"]},"note":{"anyOf":[{"type":"string","maxLength":40},{"type":"null"}]}},
		"required":["name","age","rank","note"],"additionalProperties":false}}}`

// check decodes a document and looks at everything that the schema asks for and Go's types do not.
func (w *crew) check(t *testing.T, document string) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(document))
	d.DisallowUnknownFields()
	if err := d.Decode(w); err != nil || d.More() {
		t.Fatalf("%q: %v", document, err)
	}
	if len(w.Ship) < 3 || len(w.Members) < 5 || len(w.Members) > 7 {
		t.Errorf("%q", document)
	}
	for _, m := range w.Members {
		if m.Name == "" || m.Age < 18 || m.Age > 99 || m.Rank != "captain" && m.Rank != "mate" && m.Rank != "cook" {
			t.Errorf("%+v", m)
		}
	}
}

func crewParams(t *testing.T, seed int64) openai.ChatCompletionNewParams {
	t.Helper()
	return openai.ChatCompletionNewParams{
		Model: "stagecoach-demo", Temperature: openai.Float(2), Seed: openai.Int(seed),
		Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("Tell me a long story.")},
		ResponseFormat: openai.ChatCompletionNewParamsResponseFormatUnion{OfJSONSchema: &shared.ResponseFormatJSONSchemaParam{
			JSONSchema: shared.ResponseFormatJSONSchemaJSONSchemaParam{Name: "crew", Strict: openai.Bool(true), Schema: json.RawMessage(crewSchema)}}},
	}
}

// A schema holds at temperature 2, and the answer is the same on one shard, on three, and through the death of one.
func TestSchemaHoldsThroughEverything(t *testing.T) {
	c := up(t)
	seeds := []int64{1, 2, 3, 4}
	want := map[int64]string{}
	for _, seed := range seeds {
		s := c.stream(crewParams(t, seed), -1, nil)
		if s.err != nil || s.finish != "stop" {
			t.Fatalf("seed %d: %q, %v", seed, s.finish, s.err)
		}
		new(crew).check(t, s.text)
		want[seed] = s.text
	}
	same := func(t *testing.T, seed int64, s streamed) {
		t.Helper()
		if s.err != nil || s.finish != "stop" || s.text != want[seed] {
			t.Errorf("seed %d: finish %q, %v\n%s\nwant\n%s", seed, s.finish, s.err, s.text, want[seed])
		}
	}
	t.Run("a shard dies", func(t *testing.T) {
		before := c.status()
		for _, seed := range seeds[:2] {
			same(t, seed, c.stream(crewParams(t, seed), 40, func() { c.kill("shard-2") }))
			c.waitReady(30 * time.Second)
		}
		if after := c.status(); after.Recovery <= before.Recovery {
			t.Errorf("%d recoveries, %d before", after.Recovery, before.Recovery)
		}
	})
	t.Run("one shard", func(t *testing.T) {
		c.mustOps("scale", "1")
		c.waitReady(30 * time.Second)
		for _, seed := range seeds {
			same(t, seed, c.stream(crewParams(t, seed), -1, nil))
		}
	})
	c.mustOps("usage", "verify")
}

// A named function is called with arguments of its schema, whatever the model would rather say.
func TestForcedCalls(t *testing.T) {
	c := up(t, "--shards", "2")
	tool := func(name string) openai.ChatCompletionToolUnionParam {
		return openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{Name: name, Parameters: shared.FunctionParameters{
			"type": "object", "properties": map[string]any{"city": map[string]any{"type": "string", "maxLength": 20}, "days": map[string]any{"type": "integer", "minimum": 1, "maximum": 9}},
			"required": []string{"city", "days"}, "additionalProperties": false}})
	}
	for seed := range int64(6) {
		p := openai.ChatCompletionNewParams{Model: "stagecoach-demo", Temperature: openai.Float(2), Seed: openai.Int(seed), MaxTokens: openai.Int(400),
			ParallelToolCalls: openai.Bool(seed%2 == 0),
			Messages:          []openai.ChatCompletionMessageParamUnion{openai.UserMessage("Hello!")},
			Tools:             []openai.ChatCompletionToolUnionParam{tool("weather"), tool("trains")}}
		if seed < 3 {
			p.ToolChoice = openai.ChatCompletionToolChoiceOptionUnionParam{OfAuto: openai.String("required")}
		} else {
			p.ToolChoice = openai.ToolChoiceOptionFunctionToolChoice(openai.ChatCompletionNamedToolChoiceFunctionParam{Name: "trains"})
		}
		r, err := c.client.Chat.Completions.New(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		calls := r.Choices[0].Message.ToolCalls
		if len(calls) == 0 || r.Choices[0].Message.Content != "" || seed%2 == 1 && len(calls) != 1 {
			t.Fatalf("seed %d: %s", seed, r.RawJSON())
		}
		for i, call := range calls {
			var args struct {
				City *string `json:"city"`
				Days int     `json:"days"`
			}
			d := json.NewDecoder(strings.NewReader(call.Function.Arguments))
			d.DisallowUnknownFields()
			cut := i == len(calls)-1 && r.Choices[0].FinishReason == "length"
			if err := d.Decode(&args); !cut && (err != nil || args.City == nil || args.Days < 1 || args.Days > 9) {
				t.Errorf("seed %d: %s: %v", seed, call.Function.Arguments, err)
			}
			if call.Function.Name != "trains" && (seed >= 3 || call.Function.Name != "weather") {
				t.Errorf("seed %d: %s is called", seed, call.Function.Name)
			}
		}
	}
}
