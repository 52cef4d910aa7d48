package api

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/stagecoach-llm/stagecoach/router/chat"
	"github.com/stagecoach-llm/stagecoach/shard/tokenizer"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// readChat turns the body of /v1/chat/completions into a job.
func readChat(o *object, m *Model, defaults wire.Params) (*job, *Error) {
	s := readSampling(o, m, defaults)
	return chatJob(o, m, s, readMessages(o))
}

// chatJob is the job of a conversation whose other fields are as /v1/chat/completions has them.
func chatJob(o *object, m *Model, s sampling, messages []chat.Message) (*job, *Error) {
	tools, choice, parallel := readTools(o)
	readGrammar(o, tools, choice, parallel, &s)
	readModalities(o)
	readChatLogprobs(o, &s)
	if o.err != nil {
		return nil, o.err
	}
	segments, err := render(m, chat.Input{Messages: messages, Tools: tools, AddGenerationPrompt: true})
	if err != nil {
		return nil, err
	}
	j := &job{model: m, sampling: s, prompts: [][]int32{m.Tokens.EncodeSegments(segments)}, tools: len(tools) > 0, oneCall: !parallel}
	j.format = &chatFormat{job: j}
	return j, nil
}

// render makes the prompt of a conversation.
func render(m *Model, in chat.Input) ([]tokenizer.Segment, *Error) {
	in.Now = time.Now()
	segments, err := m.Chat.Render(in)
	if err != nil {
		return nil, invalid("messages", "The model's chat template cannot render these messages: %s.", err)
	}
	return segments, nil
}

func readChatLogprobs(o *object, s *sampling) {
	wanted := o.boolean("logprobs", false)
	top := int(o.integer("top_logprobs", 0, maxTopLP, 0))
	if o.has("top_logprobs") && !wanted {
		o.fail("top_logprobs", "it is only allowed with logprobs: true")
	}
	if wanted {
		s.params.Logprobs = top
	}
}

func readModalities(o *object) {
	list, _ := o.array("modalities")
	if slices.ContainsFunc(list, func(v json.RawMessage) bool { return string(v) != `"text"` }) {
		o.fail("modalities", "only text is served")
	}
	if o.has("audio") {
		o.fail("audio", "only text is served")
	}
}
