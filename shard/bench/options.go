package bench

import (
	"errors"
	"fmt"

	"github.com/stagecoach-llm/stagecoach/shard/checkpoint"
	"github.com/stagecoach-llm/stagecoach/shard/kv"
	"github.com/stagecoach-llm/stagecoach/shard/qwen2"
)

// Options are the cases of [Engine]: every prompt on every number of threads, and every batch at every context on
// every number of threads. Without prompts and batches only loading is measured, once in each round.
type Options struct {
	Threads  []int
	Prompts  []int   // tokens of a prompt
	Batches  []int   // sequences that decode together
	Contexts []int   // positions that a sequence has before it decodes
	Tokens   int     // steps of one decode measurement
	Chunk    int     // most rows of a prefill step
	Rounds   int     // how often each case is run
	Layers   int     // only the first so many; 0 is all
	KVType   kv.Type // of keys and values

	Repack       qwen2.Repack
	WeightMemory int64 // see qwen2.Options

	// Progress, if set, hears what is being done.
	Progress func(string)
}

// check completes the options for a model.
func (o *Options) check(cfg *checkpoint.Config) error {
	if o.Layers == 0 {
		o.Layers = cfg.Layers
	}
	if o.Layers < 0 || o.Layers > cfg.Layers {
		return fmt.Errorf("bench: %d layers of a model that has %d", o.Layers, cfg.Layers)
	}
	if len(o.Threads) == 0 {
		return errors.New("bench: no number of threads")
	}
	if len(o.Batches) > 0 && (len(o.Contexts) == 0 || o.Tokens <= 0) {
		return errors.New("bench: batches need contexts and a number of tokens")
	}
	for name, least := range map[string][]int{
		"threads": o.Threads, "prompt": o.Prompts, "batch": o.Batches, "chunk": {o.Chunk}, "rounds": {o.Rounds},
	} {
		for _, n := range least {
			if n < 1 {
				return fmt.Errorf("bench: %s of %d, want 1 or more", name, n)
			}
		}
	}
	for _, n := range o.Contexts {
		if n < 0 {
			return fmt.Errorf("bench: a context of %d positions", n)
		}
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	return nil
}

// blocks is how many blocks of the cache the largest case needs.
func (o *Options) blocks() int {
	most := 0
	for _, p := range o.Prompts {
		most = max(most, blocksOf(p))
	}
	for _, b := range o.Batches {
		for _, c := range o.Contexts {
			most = max(most, b*blocksOf(c+o.Tokens))
		}
	}
	return max(most, 1)
}

// blocksOf is the number of blocks that hold some positions.
func blocksOf(positions int) int { return (positions + kv.BlockTokens - 1) / kv.BlockTokens }
