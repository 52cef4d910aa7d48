package api

import (
	"encoding/json"
	"maps"
	"time"

	"github.com/stagecoach-llm/stagecoach/router/account"
)

// responseBody is the response object of OpenAI's API.
type responseBody struct {
	ID          string             `json:"id"`
	Object      string             `json:"object"`
	Created     int64              `json:"created_at"`
	Completed   *int64             `json:"completed_at"`
	Status      string             `json:"status"`
	Background  bool               `json:"background"`
	Error       *responseError     `json:"error"`
	Incomplete  *incompleteDetails `json:"incomplete_details"`
	MaxTokens   *int               `json:"max_output_tokens"`
	Model       string             `json:"model"`
	Output      []any              `json:"output"`
	Previous    *string            `json:"previous_response_id"` // always null
	Reasoning   map[string]*string `json:"reasoning"`
	ServiceTier string             `json:"service_tier"`
	Store       bool               `json:"store"` // always false: nothing is kept
	Temperature float64            `json:"temperature"`
	TopP        float64            `json:"top_p"`
	TopLogprobs int                `json:"top_logprobs"`
	Truncation  string             `json:"truncation"` // always disabled: nothing is ever cut out
	Usage       *responseUsage     `json:"usage"`
	User        *string            `json:"user"`
	responseEcho
}

// Statuses of a response and of its items.
const (
	statusInProgress = "in_progress"
	statusCompleted  = "completed"
	statusIncomplete = "incomplete"
	statusFailed     = "failed"
)

// responseEcho are the fields of a request that its answer repeats as they are.
type responseEcho struct {
	Instructions json.RawMessage   `json:"instructions"`
	Metadata     json.RawMessage   `json:"metadata"`
	Parallel     bool              `json:"parallel_tool_calls"`
	Text         json.RawMessage   `json:"text"`
	ToolChoice   json.RawMessage   `json:"tool_choice"`
	Tools        []json.RawMessage `json:"tools"`
}

// readEcho reads what only the answer needs.
func readEcho(o *object) responseEcho {
	or := func(field, otherwise string) json.RawMessage {
		if v, ok := o.raw(field); ok {
			return v
		}
		return json.RawMessage(otherwise)
	}
	for _, field := range []string{"metadata", "reasoning"} {
		if v, ok := o.raw(field); ok {
			o.take(o.at(field, v).err)
		}
	}
	o.oneOf("truncation", "disabled", "disabled", "auto")
	tools, _ := o.array("tools")
	if tools == nil {
		tools = []json.RawMessage{}
	}
	return responseEcho{
		Instructions: or("instructions", "null"), Metadata: or("metadata", "{}"), Parallel: o.boolean("parallel_tool_calls", true),
		Text: echoText(o), ToolChoice: or("tool_choice", `"auto"`), Tools: tools,
	}
}

// echoText is the text object, with the format that it leaves out.
func echoText(o *object) json.RawMessage {
	fields := map[string]json.RawMessage{}
	if raw, ok := o.raw("text"); ok {
		fields = maps.Clone(o.at("text", raw).fields) // nil where it is no object, which asChat refuses
	}
	if format := fields["format"]; fields != nil && (format == nil || isNull(format)) {
		fields["format"] = json.RawMessage(`{"type":"text"}`)
	}
	raw, err := unescaped(fields)
	if err != nil {
		return json.RawMessage("null")
	}
	return raw
}

type responseError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

type incompleteDetails struct {
	Reason string `json:"reason"`
}

type responseUsage struct {
	Input         int             `json:"input_tokens"`
	InputDetails  promptDetail    `json:"input_tokens_details"`
	Output        int             `json:"output_tokens"`
	OutputDetails reasoningDetail `json:"output_tokens_details"`
	Total         int             `json:"total_tokens"`
	Cost          account.Pico    `json:"estimated_cost"`
}

// reasoningDetail is 0: what the model writes is its answer.
type reasoningDetail struct {
	Reasoning int `json:"reasoning_tokens"`
}

// messageItem is text in a response's output.
type messageItem struct {
	ID      string       `json:"id"`
	Type    string       `json:"type"`
	Status  string       `json:"status"`
	Role    string       `json:"role"`
	Content []outputText `json:"content"`
}

type outputText struct {
	Type        string        `json:"type"`
	Text        string        `json:"text"`
	Annotations []string      `json:"annotations"` // always empty
	Logprobs    []chatLogprob `json:"logprobs"`
}

// callItem is a tool call in a response's output.
type callItem struct {
	ID        string `json:"id"`
	Type      string `json:"type"`
	Status    string `json:"status"`
	CallID    string `json:"call_id"`
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

func newOutputText(text string, logprobs []chatLogprob) outputText {
	if logprobs == nil {
		logprobs = []chatLogprob{}
	}
	return outputText{Type: "output_text", Text: text, Annotations: []string{}, Logprobs: logprobs}
}

// body is the response as it is now.
func (f *responseFormat) body(status string) responseBody {
	j := f.job
	b := responseBody{
		ID: j.id, Object: "response", Created: j.created, Status: status, Model: j.model.Name, Output: f.output,
		Reasoning: map[string]*string{"effort": nil, "summary": nil}, ServiceTier: "default", Truncation: "disabled",
		Temperature: j.params.Temperature, TopP: j.params.TopP, TopLogprobs: max(0, j.params.Logprobs), User: orNull(j.user), responseEcho: f.echo,
	}
	if b.Output == nil {
		b.Output = []any{}
	}
	if j.maxTokens >= 0 {
		b.MaxTokens = &j.maxTokens
	}
	return b
}

// ended is the response with its bill.
func (f *responseFormat) ended(u usage) responseBody {
	b := f.body(f.status)
	if f.status == statusIncomplete {
		b.Incomplete = &incompleteDetails{"max_output_tokens"}
	} else {
		now := time.Now().Unix()
		b.Completed = &now
	}
	b.Usage = &responseUsage{Input: u.Prompt, InputDetails: u.Details, Output: u.Completion, Total: u.Total, Cost: u.Cost}
	return b
}
