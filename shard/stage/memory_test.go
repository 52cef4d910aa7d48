package stage

import (
	"testing"

	"github.com/stagecoach-llm/stagecoach/shard/checkpoint"
	"github.com/stagecoach-llm/stagecoach/shard/kv"
	"github.com/stagecoach-llm/stagecoach/shard/qwen2"
)

// TestWeightMemory: weights get what the cache leaves, never all that there is by mistake.
func TestWeightMemory(t *testing.T) {
	cfg := checkpoint.Config{KVHeads: 2, HeadDim: 64}
	cache := 10 * qwen2.EstimateKVBytesPerBlock(cfg, 3, kv.F16)
	for memory, want := range map[int64]int64{
		0: 0, cache + 500: 500, cache: 1, cache - 500: 1, // 0 would be no limit
	} {
		c := Checkpoints{Memory: memory}
		if got := c.weightMemory(&cfg, 3, kv.F16, 10); got != want {
			t.Errorf("of %d bytes beside a cache of %d, weights get %d, want %d", memory, cache, got, want)
		}
	}
}
