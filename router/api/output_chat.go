package api

import (
	"math"

	"github.com/stagecoach-llm/stagecoach/router/chat"
)

// chatFormat is the shape of /v1/chat/completions.
type chatFormat struct{ job *job }

type chatBody struct {
	ID          string       `json:"id"`
	Object      string       `json:"object"`
	Created     int64        `json:"created"`
	Model       string       `json:"model"`
	Fingerprint string       `json:"system_fingerprint"`
	Choices     []chatChoice `json:"choices"`
	Usage       *usage       `json:"usage,omitempty"`
}

// chatChoice has a message in a body and a delta in a chunk.
type chatChoice struct {
	Index    int           `json:"index"`
	Message  *chatMessage  `json:"message,omitempty"`
	Delta    *chatDelta    `json:"delta,omitempty"`
	Logprobs *chatLogprobs `json:"logprobs"`
	Finish   *string       `json:"finish_reason"`
}

type chatMessage struct {
	Role      string     `json:"role"`
	Content   *string    `json:"content"`
	Refusal   *string    `json:"refusal"` // always null
	ToolCalls []chatCall `json:"tool_calls,omitempty"`
}

type chatDelta struct {
	Role      string     `json:"role,omitempty"`
	Content   *string    `json:"content,omitempty"`
	ToolCalls []chatCall `json:"tool_calls,omitempty"`
}

// chatCall is a tool call; its index stands in deltas only.
type chatCall struct {
	Index    *int         `json:"index,omitempty"`
	ID       string       `json:"id,omitempty"`
	Type     string       `json:"type,omitempty"`
	Function chatFunction `json:"function"`
}

type chatFunction struct {
	Name      string `json:"name,omitempty"`
	Arguments string `json:"arguments"`
}

type chatLogprobs struct {
	Content []chatLogprob `json:"content"`
	Refusal *string       `json:"refusal"` // always null
}

type chatLogprob struct {
	Token   string        `json:"token"`
	Logprob float32       `json:"logprob"`
	Bytes   []int         `json:"bytes"`
	Top     []chatLogprob `json:"top_logprobs,omitzero"`
}

func (f *chatFormat) param() string { return "messages" }

func (f *chatFormat) chunk(choices ...chatChoice) chatBody {
	return f.body("chat.completion.chunk", choices)
}

func (f *chatFormat) body(object string, choices []chatChoice) chatBody {
	j := f.job
	return chatBody{ID: j.id, Object: object, Created: j.created, Model: j.model.Name, Fingerprint: j.model.fingerprint(), Choices: choices}
}

func (f *chatFormat) opening() (out []any) {
	for i := range f.job.n {
		empty := ""
		out = append(out, f.chunk(chatChoice{Index: i, Delta: &chatDelta{Role: "assistant", Content: &empty}}))
	}
	return out
}

func (f *chatFormat) chunks(index int, c *choice, p piece) (out []any) {
	text, calls := p.text, []chatCall(nil)
	if c.calls != nil {
		text, calls = callDeltas(c.calls, p.parts)
	}
	lp := f.logprobs(p.tokens)
	if text != "" || lp != nil {
		out = append(out, f.chunk(chatChoice{Index: index, Delta: &chatDelta{Content: &text}, Logprobs: lp}))
	}
	for _, call := range calls {
		out = append(out, f.chunk(chatChoice{Index: index, Delta: &chatDelta{ToolCalls: []chatCall{call}}}))
	}
	if c.finish != "" {
		out = append(out, f.chunk(chatChoice{Index: index, Delta: &chatDelta{}, Finish: c.reason()}))
	}
	return out
}

// callDeltas are the content of parts and what they add to calls: one delta that announces a call, and then its arguments.
func callDeltas(f *callFilter, parts []callPart) (content string, deltas []chatCall) {
	for _, p := range parts {
		d := chatCall{Index: &p.call}
		switch p.Kind {
		case chat.Content:
			content += p.Text
			continue
		case chat.CallBegins:
			d.ID, d.Type, d.Function.Name = f.calls[p.call].id, "function", p.Text
		case chat.CallArguments:
			d.Function.Arguments = p.Text
		case chat.CallEnds:
			continue
		}
		deltas = append(deltas, d)
	}
	return content, deltas
}

func (f *chatFormat) closing(u usage) []any {
	if !f.job.usageChunk {
		return nil
	}
	b := f.chunk([]chatChoice{}...)
	b.Choices = []chatChoice{}
	b.Usage = &u
	return []any{b}
}

func (f *chatFormat) failure(e *Error) []any { return []any{e.envelope()} }

func (f *chatFormat) marked() bool { return true }

func (f *chatFormat) whole(answers []answer, u usage) any {
	choices := make([]chatChoice, len(answers))
	for i, a := range answers {
		m := &chatMessage{Role: "assistant"}
		text := a.text
		finish := a.finish
		if a.calls != nil {
			m.ToolCalls, finish = wholeCalls(a.calls), a.calls.reason(finish)
		}
		if text != "" || len(m.ToolCalls) == 0 {
			m.Content = &text
		}
		choices[i] = chatChoice{Index: i, Message: m, Logprobs: f.logprobs(a.tokens), Finish: &finish}
		if f.job.params.Logprobs >= 0 && choices[i].Logprobs == nil {
			choices[i].Logprobs = &chatLogprobs{Content: []chatLogprob{}}
		}
	}
	b := f.body("chat.completion", choices)
	b.Usage = &u
	return b
}

func wholeCalls(f *callFilter) (out []chatCall) {
	for _, c := range f.calls {
		out = append(out, chatCall{ID: c.id, Type: "function", Function: chatFunction{Name: c.name, Arguments: string(c.arguments)}})
	}
	return out
}

func (f *chatFormat) logprobs(tokens []tokenText) *chatLogprobs {
	if len(tokens) == 0 {
		return nil
	}
	return &chatLogprobs{Content: logprobs(f.job.model, tokens)}
}

func logprobs(m *Model, tokens []tokenText) []chatLogprob {
	out := make([]chatLogprob, len(tokens))
	for i, t := range tokens {
		e := newLogprob(t.bytes, t.lp.LP)
		e.Top = []chatLogprob{}
		for _, top := range t.lp.Top {
			e.Top = append(e.Top, newLogprob(m.Tokens.TokenBytes(top.ID), top.LP))
		}
		out[i] = e
	}
	return out
}

func newLogprob(b []byte, lp float32) chatLogprob {
	return chatLogprob{Token: tokenString(b), Logprob: finite(lp), Bytes: byteNumbers(b)}
}

// byteNumbers are bytes as JSON has them; []byte would be base64.
func byteNumbers(b []byte) []int {
	out := make([]int, len(b))
	for i, v := range b {
		out[i] = int(v)
	}
	return out
}

// finite replaces what JSON cannot say, as OpenAI does.
func finite(lp float32) float32 {
	if f := float64(lp); math.IsInf(f, 0) || math.IsNaN(f) {
		return -9999
	}
	return lp
}
