package router_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/responses"
	"github.com/openai/openai-go/v3/shared"

	"github.com/stagecoach-llm/stagecoach/router/account"
	"github.com/stagecoach-llm/stagecoach/router/internal/fake"
)

// sdk is the official client with a key of its own, or what else the options say.
func (w *world) sdk(options ...option.RequestOption) openai.Client {
	w.t.Helper()
	secret := strings.TrimPrefix(w.newKey(account.NewKey{Name: "sdk"}), "Bearer ")
	return openai.NewClient(append([]option.RequestOption{option.WithBaseURL(w.url + "/v1/"), option.WithAPIKey(secret)}, options...)...)
}

func params(content string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{
		Model:    model,
		Messages: []openai.ChatCompletionMessageParamUnion{openai.SystemMessage("S"), openai.UserMessage(content)},
		Seed:     param.NewOpt(int64(7)),
	}
}

func TestSDKChat(t *testing.T) {
	w := start(t, text("Hello, 世界!"))
	c := w.sdk()
	p := params("Hi")
	p.Logprobs, p.TopLogprobs = param.NewOpt(true), param.NewOpt(int64(2))
	r, err := c.Chat.Completions.New(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	choice := r.Choices[0]
	if choice.Message.Content != "Hello, 世界!" || choice.FinishReason != "stop" || r.Usage.CompletionTokens != 15 || r.Usage.TotalTokens == 0 {
		t.Errorf("%+v", r)
	}
	if len(choice.Logprobs.Content) != 14 || len(choice.Logprobs.Content[0].TopLogprobs) != 2 {
		t.Errorf("log-probabilities %+v", choice.Logprobs)
	}
}

func TestSDKStream(t *testing.T) {
	w := start(t, text("Hello, 世界!"))
	c := w.sdk()
	p := params("Hi")
	p.N = param.NewOpt(int64(2))
	p.StreamOptions = openai.ChatCompletionStreamOptionsParam{IncludeUsage: param.NewOpt(true)}
	stream := c.Chat.Completions.NewStreaming(context.Background(), p)
	var acc openai.ChatCompletionAccumulator
	for stream.Next() {
		if !acc.AddChunk(stream.Current()) {
			t.Errorf("the accumulator refuses %s", stream.Current().RawJSON())
		}
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	if len(acc.Choices) != 2 || acc.Choices[0].Message.Content != "Hello, 世界!" || acc.Choices[1].Message.Content != "Hello, 世界!" || acc.Usage.CompletionTokens != 30 {
		t.Errorf("%+v", acc.ChatCompletion)
	}
}

func TestSDKTools(t *testing.T) {
	w := start(t, text("<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Paris\"}}\n</tool_call>"))
	c := w.sdk()
	p := params("How is it in Paris?")
	p.Tools = []openai.ChatCompletionToolUnionParam{openai.ChatCompletionFunctionTool(openai.FunctionDefinitionParam{Name: "weather"})}
	stream := c.Chat.Completions.NewStreaming(context.Background(), p)
	var acc openai.ChatCompletionAccumulator
	finished := 0
	for stream.Next() {
		acc.AddChunk(stream.Current())
		if call, ok := acc.JustFinishedToolCall(); ok {
			finished++
			if call.Name != "weather" || call.Arguments != `{"city": "Paris"}` {
				t.Errorf("%+v", call)
			}
		}
	}
	if err := stream.Err(); err != nil || finished != 1 || acc.Choices[0].FinishReason != "tool_calls" {
		t.Errorf("%v, %d calls, %+v", err, finished, acc.Choices)
	}
	r, err := c.Chat.Completions.New(context.Background(), p)
	if err != nil || len(r.Choices[0].Message.ToolCalls) != 1 || r.Choices[0].Message.ToolCalls[0].Function.Name != "weather" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestSDKCompletionsAndModels(t *testing.T) {
	w := start(t, text("four"))
	c := w.sdk()
	ctx := context.Background()
	p := openai.CompletionNewParams{Model: model, Prompt: openai.CompletionNewParamsPromptUnion{OfString: param.NewOpt("one two three")}}
	r, err := c.Completions.New(ctx, p)
	if err != nil || r.Choices[0].Text != "four" {
		t.Errorf("%+v, %v", r, err)
	}
	stream := c.Completions.NewStreaming(ctx, p)
	got := ""
	for stream.Next() {
		got += stream.Current().Choices[0].Text
	}
	if err := stream.Err(); err != nil || got != "four" {
		t.Errorf("%q, %v", got, err)
	}
	m, err := c.Models.Get(ctx, model)
	if err != nil || m.ID != model {
		t.Errorf("%+v, %v", m, err)
	}
	page, err := c.Models.List(ctx)
	if err != nil || len(page.Data) != 1 {
		t.Errorf("%+v, %v", page, err)
	}
}

func TestSDKErrors(t *testing.T) {
	w := start(t, text("x"))
	c := w.sdk()
	p := params("Hi")
	p.Temperature = param.NewOpt(9.0)
	_, err := c.Chat.Completions.New(context.Background(), p)
	var e *openai.Error
	if !errors.As(err, &e) || e.StatusCode != 400 || e.Param != "temperature" || e.Type != "invalid_request_error" {
		t.Errorf("%v", err)
	}
	p.Model = "other"
	if _, err = c.Chat.Completions.New(context.Background(), p); !errors.As(err, &e) || e.StatusCode != 404 || e.Code != "model_not_found" {
		t.Errorf("%v", err)
	}
}

func responseParams(input string) responses.ResponseNewParams {
	return responses.ResponseNewParams{
		Model: model, Input: responses.ResponseNewParamsInputUnion{OfString: param.NewOpt(input)}, Instructions: param.NewOpt("Be brief."),
		MaxOutputTokens: param.NewOpt(int64(300)), Store: param.NewOpt(false),
	}
}

func TestSDKResponses(t *testing.T) {
	w := start(t, text("Hello, 世界!"))
	c := w.sdk()
	r, err := c.Responses.New(context.Background(), responseParams("Hi"))
	if err != nil {
		t.Fatal(err)
	}
	if r.OutputText() != "Hello, 世界!" || r.Status != responses.ResponseStatusCompleted || r.Usage.OutputTokens != 15 || r.Usage.TotalTokens == 0 ||
		r.Instructions.OfString != "Be brief." || r.MaxOutputTokens != 300 {
		t.Errorf("%s", r.RawJSON())
	}
	stream := c.Responses.NewStreaming(context.Background(), responseParams("Hi"))
	deltas, whole := "", ""
	var final responses.Response
	for n := int64(0); stream.Next(); n++ {
		ev := stream.Current()
		if ev.SequenceNumber != n {
			t.Errorf("event %d: %s", n, ev.RawJSON())
		}
		switch ev := ev.AsAny().(type) {
		case responses.ResponseTextDeltaEvent:
			deltas += ev.Delta
		case responses.ResponseTextDoneEvent:
			whole = ev.Text
		case responses.ResponseCompletedEvent:
			final = ev.Response
		}
	}
	if err := stream.Err(); err != nil || deltas != "Hello, 世界!" || whole != deltas || final.OutputText() != deltas || final.Usage.OutputTokens != 15 {
		t.Errorf("%v, %q, %q, %s", err, deltas, whole, final.RawJSON())
	}
}

// TestSDKResponseTools is a whole round: the model calls, the client answers, the model speaks.
func TestSDKResponseTools(t *testing.T) {
	w := start(t, func(prompt []int32, _ uint32, _ uint64) []int32 {
		if strings.Contains(readable(prompt), "<tool_response>\n19 degrees\n</tool_response>") {
			return fake.Tokens("It is warm.")
		}
		return fake.Tokens("<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Paris\"}}\n</tool_call>")
	})
	c := w.sdk()
	p := responseParams("How is it in Paris?")
	p.Tools = []responses.ToolUnionParam{{OfFunction: &responses.FunctionToolParam{
		Name: "weather", Parameters: map[string]any{"type": "object"}, Strict: param.NewOpt(false)}}}
	w.coord.SetPace(10 * time.Millisecond) // deltas that are due together come together
	stream := c.Responses.NewStreaming(context.Background(), p)
	var call responses.ResponseFunctionToolCall
	deltas := 0
	for stream.Next() {
		switch ev := stream.Current().AsAny().(type) {
		case responses.ResponseFunctionCallArgumentsDeltaEvent:
			deltas++
		case responses.ResponseOutputItemDoneEvent:
			call = ev.Item.AsFunctionCall()
		}
	}
	if err := stream.Err(); err != nil || call.Name != "weather" || call.Arguments != `{"city": "Paris"}` || deltas < 5 {
		t.Fatalf("%v, %d deltas, %s", err, deltas, call.RawJSON())
	}
	result := responses.ResponseInputItemParamOfFunctionCallOutput("19 degrees")
	result.OfFunctionCallOutput.CallID = param.NewOpt(call.CallID)
	p.Input = responses.ResponseNewParamsInputUnion{OfInputItemList: responses.ResponseInputParam{
		responses.ResponseInputItemParamOfMessage("How is it in Paris?", responses.EasyInputMessageRoleUser),
		responses.ResponseInputItemParamOfFunctionCall(call.Arguments, call.CallID, call.Name),
		result,
	}}
	r, err := c.Responses.New(context.Background(), p)
	if err != nil || r.OutputText() != "It is warm." {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestSDKResponseErrors(t *testing.T) {
	w := start(t, text("0123456789"))
	c := w.sdk()
	p := responseParams("Hi")
	p.PreviousResponseID = param.NewOpt("resp_1")
	_, err := c.Responses.New(context.Background(), p)
	var e *openai.Error
	if !errors.As(err, &e) || e.StatusCode != 400 || e.Param != "previous_response_id" {
		t.Errorf("%v", err)
	}
	p = responseParams("Hi")
	p.MaxOutputTokens = param.NewOpt(int64(3))
	stream := c.Responses.NewStreaming(context.Background(), p)
	reason := ""
	for stream.Next() {
		if ev, ok := stream.Current().AsAny().(responses.ResponseIncompleteEvent); ok {
			reason = ev.Response.IncompleteDetails.Reason
		}
	}
	if err := stream.Err(); err != nil || reason != "max_output_tokens" {
		t.Errorf("%v, %q", err, reason)
	}
}

// TestSDKToolRound is a whole round: the model calls two functions, the client answers, the model speaks.
func TestSDKToolRound(t *testing.T) {
	w := start(t, func(prompt []int32, _ uint32, _ uint64) []int32 {
		if strings.Contains(readable(prompt), "<tool_response>\n19 degrees\n</tool_response>\n<tool_response>\nnoon\n</tool_response>") {
			return fake.Tokens("It is warm at noon.")
		}
		return fake.Tokens("I look.\n" + parisCall + "\n" + nowCall)
	})
	c := w.sdk()
	p := params("How is it in Paris?")
	p.Tools = []openai.ChatCompletionToolUnionParam{
		openai.ChatCompletionFunctionTool(openai.FunctionDefinitionParam{Name: "weather"}), openai.ChatCompletionFunctionTool(openai.FunctionDefinitionParam{Name: "now"}),
	}
	stream := c.Chat.Completions.NewStreaming(context.Background(), p)
	var acc openai.ChatCompletionAccumulator
	var finished []string
	for stream.Next() {
		acc.AddChunk(stream.Current())
		if call, ok := acc.JustFinishedToolCall(); ok {
			finished = append(finished, call.Name+call.Arguments)
		}
	}
	if err := stream.Err(); err != nil || !slices.Equal(finished, []string{`weather{"city":  "Paris"}`, "now{}"}) {
		t.Fatalf("%v, %q", err, finished)
	}
	message := acc.Choices[0].Message
	p.Messages = append(p.Messages, message.ToParam(), openai.ToolMessage("19 degrees", message.ToolCalls[0].ID), openai.ToolMessage("noon", message.ToolCalls[1].ID))
	r, err := c.Chat.Completions.New(context.Background(), p)
	if err != nil || r.Choices[0].Message.Content != "It is warm at noon." || r.Choices[0].FinishReason != "stop" {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestSDKStructuredOutput: the demo model, at any temperature, answers in the form that is asked for.
func TestSDKStructuredOutput(t *testing.T) {
	w := startReal(t, 1)
	c := w.sdk()
	ctx := context.Background()
	schema := map[string]any{"type": "object", "properties": map[string]any{"ok": map[string]any{"type": "boolean"}, "n": map[string]any{"enum": []int{1, 2}}},
		"required": []string{"ok", "n"}, "additionalProperties": false}
	check := func(text string) {
		t.Helper()
		var v struct {
			OK *bool
			N  int
		}
		if err := json.Unmarshal([]byte(text), &v); err != nil || v.OK == nil || v.N < 1 || v.N > 2 {
			t.Errorf("%q: %v", text, err)
		}
	}
	p := params("Hi")
	p.Temperature = param.NewOpt(2.0)
	p.ResponseFormat = openai.ChatCompletionNewParamsResponseFormatUnion{OfJSONSchema: &shared.ResponseFormatJSONSchemaParam{
		JSONSchema: shared.ResponseFormatJSONSchemaJSONSchemaParam{Name: "answer", Strict: param.NewOpt(true), Schema: schema}}}
	r, err := c.Chat.Completions.New(ctx, p)
	if err != nil {
		t.Fatal(err)
	}
	check(r.Choices[0].Message.Content)
	q := responseParams("Hi")
	q.Temperature = param.NewOpt(2.0)
	q.Text = responses.ResponseTextConfigParam{Format: responses.ResponseFormatTextConfigUnionParam{
		OfJSONSchema: &responses.ResponseFormatTextJSONSchemaConfigParam{Name: "answer", Strict: param.NewOpt(true), Schema: schema}}}
	stream := c.Responses.NewStreaming(ctx, q)
	for stream.Next() {
		if ev, ok := stream.Current().AsAny().(responses.ResponseCompletedEvent); ok {
			check(ev.Response.OutputText())
		}
	}
	if err := stream.Err(); err != nil {
		t.Error(err)
	}
}
