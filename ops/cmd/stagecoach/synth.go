package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/stagecoach-llm/stagecoach/shard/synth"
)

type synthCmd struct {
	Out     string `arg:"" help:"File to write."`
	Size    string `default:"0.5b" help:"Size of the model: ${sizes}."`
	Type    string `default:"q8_0" help:"Quantisation: ${types}."`
	Seed    uint64 `default:"1" help:"Of the random weights."`
	Layers  int    `default:"0" help:"Another number of layers."`
	Context int    `default:"0" help:"Another context length."`
}

func (c *synthCmd) Run() error {
	shown := int64(-1)
	return synth.WriteFile(c.Out, synth.Options{
		Size: c.Size, Type: c.Type, Seed: c.Seed, Layers: c.Layers, Context: c.Context,
		Progress: func(done, total int64) {
			if percent := 100 * done / max(total, 1); percent/10 != shown {
				shown = percent / 10
				fmt.Fprintf(os.Stderr, "%d%% of %s\n", percent, bytesText(total))
			}
		},
	})
}

// synthVars are what the help of synth lists.
func synthVars() map[string]string {
	return map[string]string{"sizes": strings.Join(synth.Sizes(), ", "), "types": strings.Join(synth.Types(), ", ")}
}
