package demo

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

type toolMessage struct {
	Role, Content string
	ToolCalls     []struct {
		Name      string
		Arguments map[string]any
	} `json:"tool_calls"`
}

// toolPin is a pin of a conversation in which tools are offered.
type toolPin struct {
	Tools     []json.RawMessage
	Messages  []toolMessage
	PromptIDs []int32 `json:"prompt_ids"`
	GreedyIDs []int32 `json:"greedy_ids"`
	Text      string
	MinGap    float64 `json:"min_gap"`
}

func TestToolPinsCoverCallsResultsAndNeither(t *testing.T) {
	var pins []toolPin
	load(t, "tool_pins.json", &pins)
	_, tok := open(t)
	single, parallel, results, none := 0, 0, 0, 0
	for _, p := range pins {
		if p.MinGap <= 0.3 {
			t.Errorf("%q: gap %v is too narrow for int8 products", p.Text, p.MinGap)
		}
		end := len(p.GreedyIDs) - 1
		if got := tok.Decode(p.GreedyIDs[:end]); got != p.Text || !tok.IsEOS(p.GreedyIDs[end]) {
			t.Errorf("text\n got %q\nwant %q and an end token", got, p.Text)
		}
		calls := strings.Count(p.Text, "<tool_call>\n")
		single += count(calls == 1)
		parallel += count(calls > 1)
		results += count(calls == 0 && p.Messages[len(p.Messages)-1].Role == "tool")
		none += count(calls == 0 && !slices.ContainsFunc(p.Messages, func(m toolMessage) bool { return m.Role == "tool" }))
	}
	atLeast(t,
		least{"pins", len(pins), 30}, least{"single calls", single, 12}, least{"parallel calls", parallel, 2},
		least{"answers from results", results, 6}, least{"answers without a call", none, 4},
	)
}
