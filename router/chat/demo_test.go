package chat

import (
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/stagecoach-llm/stagecoach/shard/checkpoint"
	"github.com/stagecoach-llm/stagecoach/shard/demo"
	"github.com/stagecoach-llm/stagecoach/shard/tokenizer"
)

// demoMessage is a message as the demo model's training scripts write it.
type demoMessage struct {
	Role      string
	Content   string
	ToolCalls []struct {
		Name      string
		Arguments json.RawMessage
	} `json:"tool_calls"`
}

// demoDialogue is one of the demo model's pins, or a dialogue that it was trained on. A pin has no text of its prompt.
type demoDialogue struct {
	Tools     []json.RawMessage
	Messages  []demoMessage
	PromptIDs []int32 `json:"prompt_ids"`
	Text      string
	IDs       []int32
}

func demoDialogues(t *testing.T, name string) []demoDialogue {
	t.Helper()
	data, err := os.ReadFile("../../shard/demo/testdata/" + name)
	var all []demoDialogue
	if err == nil {
		err = json.Unmarshal(data, &all)
	}
	if err != nil || len(all) == 0 {
		t.Fatalf("%s: %d dialogues, %v", name, len(all), err)
	}
	return all
}

func (d *demoDialogue) input() Input {
	in := Input{Tools: d.Tools}
	for _, m := range d.Messages {
		out := Message{Role: m.Role, Content: m.Content}
		for _, c := range m.ToolCalls {
			out.ToolCalls = append(out.ToolCalls, ToolCall{Name: c.Name, Arguments: string(c.Arguments)})
		}
		in.Messages = append(in.Messages, out)
	}
	return in
}

// demoModel is the demo model's own template and tokenizer.
func demoModel(t *testing.T) (*Template, *tokenizer.Tokenizer) {
	t.Helper()
	c, err := checkpoint.OpenBytes(demo.Model())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	card := c.Card()
	tok, err := tokenizer.New(&card.Tokenizer)
	if err != nil {
		t.Fatal(err)
	}
	template, err := Compile(card.Template, card.Templates, nil)
	if err != nil {
		t.Fatal(err)
	}
	return template, tok
}

// TestDemoModelWasTrainedOnWhatIsRendered: the demo model's training scripts have a renderer of their own, in Python. Where
// it and this one differ by a byte, the model is asked in a form that it has never seen.
func TestDemoModelWasTrainedOnWhatIsRendered(t *testing.T) {
	template, tok := demoModel(t)
	for i, d := range demoDialogues(t, "dialogues.json") {
		segments, err := template.Render(d.input())
		if err != nil {
			t.Errorf("dialogue %d: %v", i, err)
			continue
		}
		if got := whole(segments); got != d.Text {
			t.Errorf("dialogue %d:\n got %q\nwant %q", i, got, d.Text)
		}
		if got := tok.EncodeSegments(segments); !slices.Equal(got, d.IDs) {
			t.Errorf("dialogue %d: ids\n got %v\nwant %v", i, got, d.IDs)
		}
	}
}

func TestDemoModelIsAskedAsInItsPins(t *testing.T) {
	template, tok := demoModel(t)
	for _, name := range []string{"pins.json", "tool_pins.json"} {
		for i, d := range demoDialogues(t, name) {
			in := d.input()
			in.AddGenerationPrompt = true
			segments, err := template.Render(in)
			if err != nil {
				t.Errorf("%s, %d: %v", name, i, err)
				continue
			}
			if got := tok.EncodeSegments(segments); !slices.Equal(got, d.PromptIDs) {
				t.Errorf("%s, %d: prompt ids\n got %v\nwant %v", name, i, got, d.PromptIDs)
			}
		}
	}
}
