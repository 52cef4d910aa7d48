package synth

import (
	"math"
	"strings"

	"github.com/stagecoach-llm/stagecoach/shard/checkpoint"
)

// isHead tells whether the tensor gives the logits.
func isHead(name string, c *checkpoint.Config) bool {
	return name == "output.weight" || c.Tied && name == "token_embd.weight"
}

// spread gives mean and standard deviation of a tensor's values, by what it is; cols is its row length.
func spread(name string, cols int) (mean, std float64) {
	switch {
	case strings.HasSuffix(name, "_norm.weight"):
		return 1, 0.1
	case strings.HasSuffix(name, ".bias"):
		return 0, 0.2
	case name == "output.weight", name == "token_embd.weight":
		return 0, 3 / math.Sqrt(float64(cols))
	}
	return 0, 1 / math.Sqrt(float64(cols))
}
