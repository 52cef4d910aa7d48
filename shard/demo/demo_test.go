package demo

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stagecoach-llm/stagecoach/shard/checkpoint"
	"github.com/stagecoach-llm/stagecoach/shard/tokenizer"
)

type message struct{ Role, Content string }

type pin struct {
	Messages  []message
	PromptIDs []int32 `json:"prompt_ids"`
	GreedyIDs []int32 `json:"greedy_ids"`
	Text      string
	MinGap    float64 `json:"min_gap"`
}

// load reads testdata/name into x and refuses fields that x does not have.
func load(t *testing.T, name string, x any) {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(x); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func open(t *testing.T) (checkpoint.Config, *tokenizer.Tokenizer) {
	t.Helper()
	c, err := checkpoint.OpenBytes(Model())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	card := c.Card()
	tok, err := tokenizer.New(&card.Tokenizer)
	if err != nil {
		t.Fatal(err)
	}
	return card.Config, tok
}

func TestModelHasEveryPartThatABugCouldHideIn(t *testing.T) {
	if len(Model()) > 8<<20 {
		t.Errorf("the model has %d bytes, want at most 8 MiB", len(Model()))
	}
	got, _ := open(t)
	want := checkpoint.Config{
		Name: "Stagecoach demo", Layers: 12, Hidden: 256, Heads: 4, KVHeads: 2, HeadDim: 64, FFN: 512,
		Vocab: 2560, RealVocab: 2556, Context: 2048, Eps: 1e-6, RopeTheta: 1e6, Tied: true,
	}
	if got != want {
		t.Errorf("configuration\n got %+v\nwant %+v", got, want)
	}
}

// chatML renders a prompt as Qwen2's template does.
func chatML(messages []message) string {
	var b strings.Builder
	if messages[0].Role != "system" {
		b.WriteString("<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n")
	}
	for _, m := range messages {
		b.WriteString("<|im_start|>" + m.Role + "\n" + m.Content + "<|im_end|>\n")
	}
	return b.String() + "<|im_start|>assistant\n"
}

func TestTokenizerAgreesWithThePins(t *testing.T) {
	_, tok := open(t)
	var pins []pin
	load(t, "pins.json", &pins)
	for _, p := range pins {
		last := p.Messages[len(p.Messages)-1].Content
		if got := tok.EncodeSpecial(chatML(p.Messages)); !slices.Equal(got, p.PromptIDs) {
			t.Errorf("%q: prompt ids\n got %v\nwant %v", last, got, p.PromptIDs)
		}
		end := len(p.GreedyIDs) - 1
		if !tok.IsEOS(p.GreedyIDs[end]) {
			t.Errorf("%q: the answer does not end with an end token", last)
		}
		if got := tok.Decode(p.GreedyIDs[:end]); got != p.Text {
			t.Errorf("%q: text\n got %q\nwant %q", last, got, p.Text)
		}
	}
}

func TestPinsCoverWhatEnginesAreJudgedBy(t *testing.T) {
	var pins []pin
	load(t, "pins.json", &pins)
	long, turns, systems, abroad := 0, 0, 0, 0
	for _, p := range pins {
		if p.MinGap <= 0.3 {
			t.Errorf("%q: gap %v is too narrow for int8 products", p.Text, p.MinGap)
		}
		long += count(len(p.GreedyIDs) >= 150)
		turns += count(len(p.Messages) > 3)
		systems += count(p.Messages[0].Role == "system")
		abroad += count(strings.IndexFunc(p.Text, func(r rune) bool { return r > 0xff }) >= 0)
	}
	atLeast(t,
		least{"pins", len(pins), 45}, least{"answers of 150 tokens or more", long, 2}, least{"follow-ups", turns, 4},
		least{"system prompts", systems, 4}, least{"answers beyond Latin letters", abroad, 3},
	)
}

// least is how many there are of something, and have to be.
type least struct {
	what      string
	got, want int
}

func atLeast(t *testing.T, all ...least) {
	t.Helper()
	for _, c := range all {
		if c.got < c.want {
			t.Errorf("%d %s, want %d or more", c.got, c.what, c.want)
		}
	}
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

func TestEveryMutationBreaksAPin(t *testing.T) {
	var pins []pin
	load(t, "pins.json", &pins)
	var mutations map[string][]struct{ Pin, First int }
	load(t, "mutations.json", &mutations)
	for _, name := range []string{"no bias", "interleaved rope", "rope theta 1e4", "kv heads mapped by remainder"} {
		if len(mutations[name]) == 0 {
			t.Errorf("%s breaks no pin", name)
		}
		for _, b := range mutations[name] {
			if b.Pin >= len(pins) || b.First >= len(pins[b.Pin].GreedyIDs) {
				t.Errorf("%s: no id %d in pin %d", name, b.First, b.Pin)
			}
		}
	}
}
