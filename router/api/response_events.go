package api

// eventHead is what all events of a response have.
type eventHead struct {
	Type     string `json:"type"`
	Sequence int    `json:"sequence_number"`
}

// EventName implements sse.Named.
func (h *eventHead) EventName() string { return h.Type }

func (h *eventHead) number(n int) { h.Sequence = n }

// numbered is an event.
type numbered interface{ number(n int) }

type responseEvent struct {
	eventHead
	Response responseBody `json:"response"`
}

type itemEvent struct {
	eventHead
	Output int `json:"output_index"`
	Item   any `json:"item"`
}

// place is where in the output an event belongs.
type place struct {
	ItemID string `json:"item_id"`
	Output int    `json:"output_index"`
}

type partEvent struct {
	eventHead
	place
	Content int        `json:"content_index"`
	Part    outputText `json:"part"`
}

type textDeltaEvent struct {
	eventHead
	place
	Content  int           `json:"content_index"`
	Delta    string        `json:"delta"`
	Logprobs []chatLogprob `json:"logprobs"`
}

type textDoneEvent struct {
	eventHead
	place
	Content  int           `json:"content_index"`
	Text     string        `json:"text"`
	Logprobs []chatLogprob `json:"logprobs"`
}

type argumentsDeltaEvent struct {
	eventHead
	place
	Delta string `json:"delta"`
}

type argumentsDoneEvent struct {
	eventHead
	place
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

// emit numbers an event.
func (f *responseFormat) emit(e numbered) {
	e.number(f.sequence)
	f.sequence++
	f.events = append(f.events, e)
}

func (f *responseFormat) take() []any {
	out := f.events
	f.events = nil
	return out
}

// at is where the open item is.
func (f *responseFormat) at() place {
	if f.message != nil {
		return place{f.message.ID, len(f.output)}
	}
	return place{f.call.ID, len(f.output)}
}

// open begins a message.
func (f *responseFormat) open() {
	if f.message != nil {
		return
	}
	f.end(statusCompleted)
	f.message = &messageItem{ID: newID("msg_"), Type: "message", Status: statusInProgress, Role: "assistant", Content: []outputText{}}
	f.emit(&itemEvent{eventHead{Type: "response.output_item.added"}, len(f.output), *f.message})
	f.emit(&partEvent{eventHead{Type: "response.content_part.added"}, f.at(), 0, newOutputText("", nil)})
}

// write adds text to the message.
func (f *responseFormat) write(text string, scores []chatLogprob) {
	if text == "" && len(scores) == 0 {
		return
	}
	f.open()
	f.text.WriteString(text)
	f.scores = append(f.scores, scores...)
	f.emit(&textDeltaEvent{eventHead{Type: "response.output_text.delta"}, f.at(), 0, text, newOutputText("", scores).Logprobs})
}

// begin begins a call.
func (f *responseFormat) begin(id, name string) {
	f.end(statusCompleted)
	f.call = &callItem{ID: newID("fc_"), Type: "function_call", Status: statusInProgress, CallID: id, Name: name}
	f.emit(&itemEvent{eventHead{Type: "response.output_item.added"}, len(f.output), *f.call})
}

// argue adds to the call's arguments.
func (f *responseFormat) argue(text string) {
	f.text.WriteString(text)
	f.emit(&argumentsDeltaEvent{eventHead{Type: "response.function_call_arguments.delta"}, f.at(), text})
}

// end completes the open item, if there is one.
func (f *responseFormat) end(status string) {
	var item any
	switch {
	case f.message != nil:
		item = f.endMessage(status)
	case f.call != nil:
		item = f.endCall(status)
	default:
		return
	}
	f.emit(&itemEvent{eventHead{Type: "response.output_item.done"}, len(f.output), item})
	f.output = append(f.output, item)
	f.message, f.call, f.scores = nil, nil, nil
	f.text.Reset()
}

func (f *responseFormat) endMessage(status string) messageItem {
	part := newOutputText(f.text.String(), f.scores)
	f.emit(&textDoneEvent{eventHead{Type: "response.output_text.done"}, f.at(), 0, part.Text, part.Logprobs})
	f.emit(&partEvent{eventHead{Type: "response.content_part.done"}, f.at(), 0, part})
	m := *f.message
	m.Status, m.Content = status, []outputText{part}
	return m
}

func (f *responseFormat) endCall(status string) callItem {
	c := *f.call
	c.Status, c.Arguments = status, f.text.String()
	f.emit(&argumentsDoneEvent{eventHead{Type: "response.function_call_arguments.done"}, f.at(), c.Name, c.Arguments})
	return c
}
