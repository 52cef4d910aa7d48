package api

import (
	"encoding/json"
	"slices"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// readCompletion turns the body of /v1/completions into a job.
func readCompletion(o *object, m *Model, defaults wire.Params) (*job, *Error) {
	s := readSampling(o, m, defaults)
	prompts, texts := readPrompts(o, m)
	echo := o.boolean("echo", false)
	if o.has("suffix") {
		o.fail("suffix", "filling in between prompt and suffix is not served")
	}
	if o.has("logprobs") {
		s.params.Logprobs = int(o.integer("logprobs", 0, maxTopLP, -1))
	}
	s.scored = echo && s.params.Logprobs >= 0
	if s.scored {
		checkScorable(o, m, prompts)
	}
	if n := len(prompts) * s.n; n > maxChoices {
		o.fail("prompt", "%d prompts with n=%d are %d choices, at most %d", len(prompts), s.n, n, maxChoices)
	}
	if o.err != nil {
		return nil, o.err
	}
	j := &job{model: m, sampling: s, prompts: prompts}
	f := &textFormat{job: j}
	if echo && !s.scored {
		f.echo = texts
	}
	j.format = f
	return j, nil
}

// checkScorable refuses ids that the model never gives.
func checkScorable(o *object, m *Model, prompts [][]int32) {
	for _, ids := range prompts {
		if i := slices.IndexFunc(ids, m.Tokens.Padding); i >= 0 {
			o.fail("prompt", "token id %d is padding, which has no log-probability", ids[i])
		}
	}
}

// readPrompts takes a string, strings, token ids, or arrays of token ids. To ids nothing is added; texts are what echo repeats.
func readPrompts(o *object, m *Model) (prompts [][]int32, texts []string) {
	raw, ok := o.raw("prompt")
	if !ok {
		o.fail("prompt", "it is required")
		return nil, nil
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return [][]int32{encodePrompt(m, text)}, []string{text}
	}
	list, ok := o.array("prompt")
	if !ok || len(list) == 0 || len(list) > maxTokens {
		o.fail("prompt", "expected a string, strings, token ids, or arrays of token ids: at least one")
		return nil, nil
	}
	if _, isID := parseInt(list[0]); isID {
		list = []json.RawMessage{raw}
	}
	for _, raw := range list {
		ids, text := readPrompt(o, m, raw)
		prompts, texts = append(prompts, ids), append(texts, text)
	}
	return prompts, texts
}

func readPrompt(o *object, m *Model, raw json.RawMessage) ([]int32, string) {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return encodePrompt(m, text), text
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		o.fail("prompt", "expected a string or token ids, got %s", kindOf(raw))
		return nil, ""
	}
	ids := tokenIDs(o, "prompt", list, m.vocabulary())
	return ids, m.Tokens.Decode(ids)
}

// tokenIDs reads a list of ids. It ends at the first that is none.
func tokenIDs(o *object, field string, list []json.RawMessage, vocabulary int) []int32 {
	ids := make([]int32, len(list))
	for i, raw := range list {
		if ids[i] = tokenID(o, field, raw, vocabulary); o.err != nil {
			return nil
		}
	}
	return ids
}

// encodePrompt is raw text as the model was trained on it.
func encodePrompt(m *Model, text string) []int32 {
	ids := m.Tokens.Encode(text)
	if bos, add := m.Tokens.BOS(); add {
		ids = append([]int32{bos}, ids...)
	}
	return ids
}
