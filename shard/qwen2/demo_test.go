package qwen2

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/stagecoach-llm/stagecoach/shard/checkpoint"
	"github.com/stagecoach-llm/stagecoach/shard/demo"
	"github.com/stagecoach-llm/stagecoach/shard/kernels"
	"github.com/stagecoach-llm/stagecoach/shard/kv"
)

// pin is a prompt and what the trained model, computed by another engine, answers greedily.
type pin struct {
	PromptIDs []int32 `json:"prompt_ids"`
	GreedyIDs []int32 `json:"greedy_ids"`
	Text      string  `json:"text"`
}

func pins(t *testing.T) []pin { return readPins(t, "pins.json", 40) }

// readPins reads pins of the demo model and wants at least so many.
func readPins(t *testing.T, name string, atLeast int) []pin {
	t.Helper()
	var p []pin
	readJSON(t, "../demo/testdata/"+name, &p)
	if len(p) < atLeast {
		t.Fatalf("%s: %d pins, want at least %d", name, len(p), atLeast)
	}
	return p
}

// demoModel opens the demo model, spoilt by spoil if that is not nil.
func demoModel(t *testing.T, spoil func(*checkpoint.Checkpoint)) pipeline {
	t.Helper()
	ck, err := checkpoint.OpenBytes(bytes.Clone(demo.Model()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ck.Close() })
	if spoil != nil {
		spoil(ck)
	}
	return newPipeline(t, ck, 2, kv.F16)
}

// follows tells whether the model chooses the pin's ids.
func (p pipeline) follows(t *testing.T, want pin) bool {
	t.Helper()
	ids, _ := p.answer(t, want.PromptIDs, 512, len(want.GreedyIDs))
	return slices.Equal(ids, want.GreedyIDs)
}

func TestDemoPins(t *testing.T) {
	p := demoModel(t, nil)
	for _, want := range append(pins(t), readPins(t, "tool_pins.json", 30)...) {
		if !p.follows(t, want) {
			t.Errorf("the answer is not %q", want.Text)
		}
	}
}

// TestMutationsBreakPins: each way to get Qwen2 wrong changes an answer, so the pins would notice it.
func TestMutationsBreakPins(t *testing.T) {
	all := pins(t)
	for name, spoil := range map[string]func(*checkpoint.Checkpoint){
		"no bias":               withoutBias,
		"interleaved rope":      interleaved,
		"theta 1e4":             func(ck *checkpoint.Checkpoint) { ck.Card().Config.RopeTheta = 1e4 },
		"heads to the wrong kv": wrongHeads,
	} {
		t.Run(name, func(t *testing.T) {
			p := demoModel(t, spoil)
			if !slices.ContainsFunc(all, func(want pin) bool { return !p.follows(t, want) }) {
				t.Errorf("all %d pins hold", len(all))
			}
		})
	}
}

func eachLayer(ck *checkpoint.Checkpoint, name string, do func(t checkpoint.Tensor)) {
	for n := range ck.Card().Config.Layers {
		t, err := ck.Tensor(fmt.Sprintf("blk.%d.%s", n, name))
		if err != nil {
			panic(err)
		}
		do(t)
	}
}

func withoutBias(ck *checkpoint.Checkpoint) {
	for _, name := range []string{"attn_q.bias", "attn_k.bias", "attn_v.bias"} {
		eachLayer(ck, name, func(t checkpoint.Tensor) { clear(t.Data) })
	}
}

// interleaved reorders the rows of a head so that the pairs (i, i+d/2) that are turned are what (2i, 2i+1) were. The
// scores do not see the order of elements, so this is a rope that pairs neighbours.
func interleaved(ck *checkpoint.Checkpoint) {
	d := ck.Card().Config.HeadDim
	for _, name := range []string{"attn_q.weight", "attn_q.bias", "attn_k.weight", "attn_k.bias"} {
		eachLayer(ck, name, func(t checkpoint.Tensor) {
			rows := max(t.Rows, t.Cols)
			if t.Rows > 1 {
				rows = t.Rows
			}
			reorder(t.Data, rows, func(i int) int { return i/d*d + i%d%(d/2)*2 + i%d/(d/2) })
		})
	}
}

// wrongHeads gives query head h the kv head h%kvHeads, for four heads on two: heads 1 and 2 change places in front of
// attention and back behind it.
func wrongHeads(ck *checkpoint.Checkpoint) {
	if c := ck.Card().Config; c.Heads != 4 || c.KVHeads != 2 {
		panic("the demo model has other heads")
	}
	order := func(i int) int { return []int{0, 2, 1, 3}[i] }
	eachLayer(ck, "attn_q.weight", func(t checkpoint.Tensor) { reorder(t.Data, 4, order) })
	eachLayer(ck, "attn_q.bias", func(t checkpoint.Tensor) { reorder(t.Data, 4, order) })
	eachLayer(ck, "attn_output.weight", func(t checkpoint.Tensor) {
		n := len(t.Data) / t.Rows
		for r := range t.Rows {
			reorder(t.Data[r*n:(r+1)*n], 4, order)
		}
	})
}

// reorder makes part i of n what part from(i) was.
func reorder(b []byte, n int, from func(i int) int) {
	was, size := bytes.Clone(b), len(b)/n
	for i := range n {
		copy(b[i*size:(i+1)*size], was[from(i)*size:])
	}
}

// TestDemoIsTheSameOnEveryPath follows two pins with the generic kernels too.
func TestDemoIsTheSameOnEveryPath(t *testing.T) {
	was := kernels.Path()
	defer func() { _ = kernels.ForcePath(was) }()
	some := pins(t)[:2]
	for _, path := range kernels.Paths() {
		if err := kernels.ForcePath(path); err != nil {
			t.Fatal(err)
		}
		p := demoModel(t, nil)
		for _, want := range some {
			want.GreedyIDs = want.GreedyIDs[:min(8, len(want.GreedyIDs))]
			if !p.follows(t, want) {
				t.Errorf("%s: the answer is not %q", path, want.Text)
			}
		}
	}
}
