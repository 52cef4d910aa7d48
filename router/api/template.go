package api

import (
	"github.com/stagecoach-llm/stagecoach/shard/checkpoint"
	"github.com/stagecoach-llm/stagecoach/shard/tokenizer"
)

// chatML is the form of conversations that Qwen2 was trained on.
type chatML struct{}

func compileTemplate(*checkpoint.Card) (Template, error) { return chatML{}, nil }

// Render implements Template.
func (chatML) Render(messages []Message, _ []Tool) ([]tokenizer.Segment, error) {
	var out []tokenizer.Segment
	for _, m := range messages {
		out = append(out, tokenizer.Segment{Text: "<|im_start|>" + m.Role + "\n", Special: true}, tokenizer.Segment{Text: m.Content},
			tokenizer.Segment{Text: "<|im_end|>\n", Special: true})
	}
	return append(out, tokenizer.Segment{Text: "<|im_start|>assistant\n", Special: true}), nil
}
