package e2e

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/shared"
)

// demoTool is a function as the demo model was trained to call it.
func demoTool(name, description string, parameters map[string]any, required ...string) openai.ChatCompletionToolUnionParam {
	return openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{
		Name: name, Description: openai.String(description),
		Parameters: shared.FunctionParameters{"type": "object", "properties": parameters, "required": required},
	})
}

var weatherTool = demoTool("get_weather", "Get the current weather in a city", map[string]any{"city": map[string]any{"type": "string"}}, "city")

// completion asks in one piece, or streamed and put together by the SDK's accumulator.
func (c *cluster) completion(p openai.ChatCompletionNewParams, streamed bool) (openai.ChatCompletion, error) {
	if !streamed {
		r, err := c.client.Chat.Completions.New(c.t.Context(), p)
		if err != nil {
			return openai.ChatCompletion{}, err
		}
		return *r, nil
	}
	p.StreamOptions.IncludeUsage = openai.Bool(true)
	s := c.client.Chat.Completions.NewStreaming(c.t.Context(), p)
	defer s.Close()
	var acc openai.ChatCompletionAccumulator
	for s.Next() {
		if !acc.AddChunk(s.Current()) {
			return acc.ChatCompletion, fmt.Errorf("the accumulator refuses %s", s.Current().RawJSON())
		}
	}
	return acc.ChatCompletion, s.Err()
}

// The demo model calls a function of its own accord, is given its result, and answers with it: the round that agents make.
func TestToolRound(t *testing.T) {
	c := up(t)
	weather := map[string]string{"Paris": "18 °C and sunny", "Berlin": "18 °C and sunny", "London": "cloudy, 21 °C"}
	for _, streamed := range []bool{false, true} {
		for _, round := range []struct {
			question, answer string
			cities           []string
		}{
			{"What is the weather in Paris?", "The weather in Paris is 18 °C and sunny.", []string{"Paris"}},
			{"What is the weather in Berlin and in London?", "The weather in Berlin is 18 °C and sunny. The weather in London is cloudy, 21 °C.", []string{"Berlin", "London"}},
		} {
			p := openai.ChatCompletionNewParams{Model: "stagecoach-demo", Temperature: openai.Float(0),
				Tools:    []openai.ChatCompletionToolUnionParam{weatherTool},
				Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(round.question)}}
			r, err := c.completion(p, streamed)
			if err != nil {
				t.Fatal(err)
			}
			m := r.Choices[0].Message
			if r.Choices[0].FinishReason != "tool_calls" || m.Content != "" || len(m.ToolCalls) != len(round.cities) {
				t.Fatalf("streamed %v: %q, %+v, finish %q", streamed, m.Content, m.ToolCalls, r.Choices[0].FinishReason)
			}
			p.Messages = append(p.Messages, m.ToParam())
			for i, call := range m.ToolCalls {
				var args map[string]string
				err := json.Unmarshal([]byte(call.Function.Arguments), &args)
				if want := map[string]string{"city": round.cities[i]}; err != nil || call.Function.Name != "get_weather" || call.ID == "" || !reflect.DeepEqual(args, want) {
					t.Errorf("streamed %v: call %d is %+v", streamed, i, call)
				}
				p.Messages = append(p.Messages, openai.ToolMessage(weather[args["city"]], call.ID))
			}
			if r, err = c.completion(p, streamed); err != nil {
				t.Fatal(err)
			}
			if got := r.Choices[0]; got.Message.Content != round.answer || got.FinishReason != "stop" || len(got.Message.ToolCalls) != 0 {
				t.Errorf("streamed %v: %q, finish %q, want %q", streamed, got.Message.Content, got.FinishReason, round.answer)
			}
		}
	}
}

// A shard that dies while a call is being written does not show in it.
func TestToolCallSurvivesAKill(t *testing.T) {
	c := up(t)
	p := openai.ChatCompletionNewParams{Model: "stagecoach-demo", Temperature: openai.Float(0),
		Tools:    []openai.ChatCompletionToolUnionParam{weatherTool},
		Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("What is the weather in Berlin and in London?")}}
	p.StreamOptions.IncludeUsage = openai.Bool(true)
	want, err := c.completion(p, true)
	if err != nil {
		t.Fatal(err)
	}
	before := c.status()
	s := c.client.Chat.Completions.NewStreaming(t.Context(), p)
	defer s.Close()
	var acc openai.ChatCompletionAccumulator
	killed := false
	for s.Next() {
		if chunk := s.Current(); len(chunk.Choices) > 0 && len(chunk.Choices[0].Delta.ToolCalls) > 0 && !killed {
			c.kill("shard-2")
			killed = true
		}
		acc.AddChunk(s.Current())
	}
	if err := s.Err(); err != nil || !killed {
		t.Fatalf("killed %v, %v", killed, err)
	}
	got := acc.Choices[0].Message.ToolCalls
	for i, call := range want.Choices[0].Message.ToolCalls {
		if i >= len(got) || got[i].Function.Name != call.Function.Name || got[i].Function.Arguments != call.Function.Arguments {
			t.Fatalf("%+v, want %+v", got, want.Choices[0].Message.ToolCalls)
		}
	}
	if acc.Usage.CompletionTokens != want.Usage.CompletionTokens {
		t.Errorf("%d tokens, want %d", acc.Usage.CompletionTokens, want.Usage.CompletionTokens)
	}
	c.waitReady(30 * time.Second)
	if after := c.status(); after.Recovery <= before.Recovery {
		t.Errorf("%d recoveries, %d before: the kill came too late", after.Recovery, before.Recovery)
	}
}
