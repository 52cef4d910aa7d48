package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

type planCmd struct {
	target
	output
	DryRun bool `help:"Only show it, which is all that plan does." hidden:""`
	Shards int  `help:"Place over this many of the shards that are here (0: all)." default:"0"`
}

func (c *planCmd) Run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	a, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer a.close()
	var r wire.PlanReply
	if err := a.ask(ctx, wire.VerbPlan, wire.PlanRequest{Shards: c.Shards}, &r); err != nil {
		return err
	}
	if r.Infeasible != "" {
		if c.JSON {
			c.print(r, nil)
		}
		return errors.New(r.Infeasible)
	}
	return c.print(r, func(w io.Writer) {
		stageTable(w, r.Stages)
		fmt.Fprintf(w, "\none token of one sequence\t%s\nslowest stage\t%s\nKV blocks\t%d (%d tokens)\n",
			millis(r.StepNS), millis(r.SlowestNS), r.KVBlocks, 16*r.KVBlocks)
		if c.Shards > len(r.Stages) {
			fmt.Fprintf(w, "\nof %d shards that were asked for, %d are here and of use\n", c.Shards, len(r.Stages))
		}
	})
}
