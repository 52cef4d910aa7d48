package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

type drainCmd struct {
	target
	Node    string        `arg:"" help:"The shard's name, as status shows it."`
	Undo    bool          `help:"Let it be used again."`
	Timeout time.Duration `default:"90s" help:"How long to wait until its layers are elsewhere."`
}

func (c *drainCmd) Run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	a, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer a.close()
	if err := a.ask(ctx, wire.VerbDrain, wire.DrainRequest{Node: c.Node, Undo: c.Undo}, nil); err != nil {
		return err
	}
	if c.Undo {
		fmt.Printf("%s may be used again\n", c.Node)
		return nil
	}
	var s wire.Status
	for {
		err := a.ask(ctx, wire.VerbStatus, nil, &s)
		used := slices.ContainsFunc(s.Stages, func(st wire.StageStatus) bool { return st.Node == c.Node })
		if err == nil && s.Ready && !used {
			fmt.Printf("%s holds no layers any more and can be stopped\n", c.Node)
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s is still in use: state %s %s", c.Node, s.State, s.Reason)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
