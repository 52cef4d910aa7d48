package bench

import (
	"bytes"
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/stagecoach-llm/stagecoach/shard/checkpoint"
	"github.com/stagecoach-llm/stagecoach/shard/synth"
)

// tiny is a synthetic model of 4 layers.
func tiny(t *testing.T) *checkpoint.Checkpoint {
	t.Helper()
	var b bytes.Buffer
	if err := synth.Write(&b, synth.Options{Size: "tiny"}); err != nil {
		t.Fatal(err)
	}
	ck, err := checkpoint.OpenBytes(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ck.Close() })
	return ck
}

func options() Options {
	return Options{Threads: []int{2, 1}, Prompts: []int{40, 5}, Batches: []int{1, 3}, Contexts: []int{0, 7, 50},
		Tokens: 4, Chunk: 16, Rounds: 2}
}

// TestEngine: every case is there, in order, with numbers that belong together.
func TestEngine(t *testing.T) {
	ck := tiny(t)
	r, err := Engine(context.Background(), ck, options())
	if err != nil {
		t.Fatal(err)
	}
	var file int64
	for _, n := range ck.Card().LayerBytes {
		file += n
	}
	if want := file + ck.Card().HeadBytes; r.Load.File != want || r.Load.Threads != 2 || r.Load.Packed <= 0 {
		t.Errorf("load is %+v, want %d bytes of the file and 2 threads", r.Load, want)
	}
	if len(r.Prefill) != 4 || len(r.Decode) != 12 {
		t.Fatalf("%d prompts and %d decodes, want 4 and 12", len(r.Prefill), len(r.Decode))
	}
	for i, p := range r.Prefill {
		if want := []int{2, 2, 1, 1}[i]; p.Threads != want || p.Tokens != []int{40, 5}[i%2] {
			t.Errorf("prompt %d is %+v", i, p)
		}
		ordered(t, p.Rate)
	}
	for i, d := range r.Decode {
		want := Decode{Threads: []int{2, 1}[i/6], Context: []int{0, 7, 50}[i/2%3], Batch: []int{1, 3}[i%2]}
		if d.Threads != want.Threads || d.Context != want.Context || d.Batch != want.Batch {
			t.Errorf("decode %d is %+v, want %+v", i, d, want)
		}
		ordered(t, d.Rate)
		ordered(t, d.Step)
		if rate := 1e3 * float64(d.Batch) / d.Step.Median; math.Abs(d.Rate.Median-rate) > 1e-6*rate {
			t.Errorf("decode %d: %g tokens/s at %g ms a step of %d", i, d.Rate.Median, d.Step.Median, d.Batch)
		}
	}
}

func ordered(t *testing.T, s Spread) {
	t.Helper()
	if !(0 < s.Min && s.Min <= s.Median && s.Median <= s.Max) {
		t.Errorf("spread %+v is out of order", s)
	}
}

// TestLoadAlone: without cases the model is loaded in each round, and that is the report.
func TestLoadAlone(t *testing.T) {
	o := options()
	o.Prompts, o.Batches = nil, nil
	loads := 0
	o.Progress = func(s string) {
		if s == "loaded 100%" {
			loads++
		}
	}
	r, err := Engine(context.Background(), tiny(t), o)
	if err != nil {
		t.Fatal(err)
	}
	ordered(t, r.Load.Seconds)
	if loads != o.Rounds || len(r.Prefill)+len(r.Decode) > 0 {
		t.Errorf("%d loads of %d, %d cases", loads, o.Rounds, len(r.Prefill)+len(r.Decode))
	}
}

// TestLayers: only the layers that are asked for are loaded.
func TestLayers(t *testing.T) {
	ck := tiny(t)
	o := options()
	o.Layers, o.Batches = 2, nil
	r, err := Engine(context.Background(), ck, o)
	if err != nil {
		t.Fatal(err)
	}
	card := ck.Card()
	if want := card.LayerBytes[0] + card.LayerBytes[1] + card.HeadBytes; r.Layers != 2 || r.Load.File != want {
		t.Errorf("%d layers, %d bytes, want 2 and %d", r.Layers, r.Load.File, want)
	}
}

// TestFill: after fill every position of a context holds what attention can read.
func TestFill(t *testing.T) {
	ck := tiny(t)
	o := options()
	if err := o.check(&ck.Card().Config); err != nil {
		t.Fatal(err)
	}
	e := &engine{ctx: context.Background(), ck: ck, o: &o, vocab: 512}
	defer e.close()
	if _, err := e.load(); err != nil {
		t.Fatal(err)
	}
	r := e.newRun(1, 2, 50, 1)
	if err := r.fill(49); err != nil {
		t.Fatal(err)
	}
	if err := r.step(49, 1, true); err != nil {
		t.Fatal(err)
	}
	full := bytes.Clone(float32Bytes(r.logits))
	for _, s := range r.seqs {
		r.m.CopyBlock(s.Blocks[0], s.Blocks[1]) // is a copy already
	}
	if err := r.step(49, 1, true); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(full, float32Bytes(r.logits)) {
		t.Error("the second block was not a copy of the first")
	}
}

func float32Bytes(x []float32) []byte {
	var b []byte
	for _, v := range x {
		u := math.Float32bits(v)
		b = append(b, byte(u), byte(u>>8), byte(u>>16), byte(u>>24))
	}
	return b
}

func TestEngineEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	o := options()
	o.Progress = func(s string) {
		if strings.HasPrefix(s, "round 2") {
			cancel()
		}
	}
	if _, err := Engine(ctx, tiny(t), o); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v, want that of the context", err)
	}
}

func TestOptionsRefused(t *testing.T) {
	ck := tiny(t)
	for name, change := range map[string]func(*Options){
		"no threads":       func(o *Options) { o.Threads = nil },
		"thread 0":         func(o *Options) { o.Threads = []int{1, 0} },
		"empty prompt":     func(o *Options) { o.Prompts = []int{0} },
		"negative context": func(o *Options) { o.Contexts = []int{-1} },
		"no context":       func(o *Options) { o.Contexts = nil },
		"no tokens":        func(o *Options) { o.Tokens = 0 },
		"no chunk":         func(o *Options) { o.Chunk = 0 },
		"no rounds":        func(o *Options) { o.Rounds = 0 },
		"too many layers":  func(o *Options) { o.Layers = 5 },
	} {
		o := options()
		change(&o)
		if _, err := Engine(context.Background(), ck, o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
