package synth

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/stagecoach-llm/stagecoach/shard/kernels"
	"github.com/stagecoach-llm/stagecoach/shard/kv"
	"github.com/stagecoach-llm/stagecoach/shard/qwen2"
)

// Through as many layers as a 7B has, activations neither vanish nor grow beyond what f16 keys hold, logits differ
// by token, and no control token is the likeliest.
func TestActivationsStayInRange(t *testing.T) {
	narrow := shape(28, 256, 4, 1, 256, 320, true)
	for _, typ := range []string{"f16", "q4_k_m", "iq4_xs"} {
		t.Run(typ, func(t *testing.T) {
			x, logits := forward(t, Options{Config: &narrow, Type: typ, Seed: 9})
			if _, rms := moments(x); !(rms > 0.3 && rms < 30) {
				t.Errorf("activations have a deviation of %g after the last layer, want about 5", rms)
			}
			mean, spread := moments(logits[:MinVocab])
			if !(spread > 1 && spread < 10) {
				t.Errorf("logits have mean %g and deviation %g, want about 0 and 3", mean, spread)
			}
			top := slices.Max(logits[:MinVocab])
			if id := slices.Index(logits, top); id >= MinVocab-len(control) {
				t.Errorf("control token %d has the largest logit", id)
			}
		})
	}
}

// forward gives the last row's activations and logits of a short prompt.
func forward(t *testing.T, o Options) (x, logits []float32) {
	t.Helper()
	c := open1(t, make1(t, o))
	cfg := c.Card().Config
	pool := kernels.NewPool(2)
	t.Cleanup(pool.Close)
	span := qwen2.Span{Last: cfg.Layers, Embed: true, Head: true}
	m, err := qwen2.Load(context.Background(), c, span, qwen2.Options{Pool: pool, KVType: kv.F16, KVBlocks: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	tokens := []int32{int32(MinVocab - 2), 70, 71, 72, 10, 270}
	x = make([]float32, len(tokens)*cfg.Hidden)
	failed := make([]error, 1)
	if err := m.Embed(tokens, x); err != nil {
		t.Fatal(err)
	}
	if err := m.Layers(x, []qwen2.Seq{{Rows: len(tokens), Blocks: []int32{0}}}, failed, nil); err != nil || failed[0] != nil {
		t.Fatal(err, failed[0])
	}
	x = x[len(x)-cfg.Hidden:]
	logits = make([]float32, cfg.Vocab)
	if err := m.Logits(x, []int{0}, logits); err != nil {
		t.Fatal(err)
	}
	for _, v := range append(slices.Clone(x), logits...) {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			t.Fatal("a number is not finite")
		}
	}
	return x, logits
}
