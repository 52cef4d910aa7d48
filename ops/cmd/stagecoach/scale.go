package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stagecoach-llm/stagecoach/transport/bus"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

type scaleCmd struct {
	target
	Shards  int           `arg:"" help:"How many shards."`
	Timeout time.Duration `default:"90s" help:"How long to wait until the new plan is ready."`
}

func (c *scaleCmd) Run(ctx context.Context) error {
	if c.Shards < 1 {
		return fmt.Errorf("cannot scale to %d shards: at least 1", c.Shards)
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	a, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer a.close()
	// The supervisor of a local cluster starts and stops processes. Elsewhere only the plan can change.
	err = a.request(ctx, localScale(a.cluster), "", wire.ScaleRequest{Shards: c.Shards}, nil)
	if errors.Is(err, bus.ErrNoResponders) {
		_, err = a.replan(ctx, c.Shards)
	}
	if err != nil {
		return err
	}
	var s wire.Status
	if err := a.ask(ctx, wire.VerbStatus, nil, &s); err != nil {
		return err
	}
	fmt.Printf("the model runs on %d shards:", len(s.Stages))
	for _, st := range s.Stages {
		fmt.Printf(" %s (%s)", st.Node, layersText(st.First, st.Last))
	}
	fmt.Println()
	return nil
}

// localScale is where the supervisor of a local cluster takes a ScaleRequest.
func localScale(cluster string) string { return "sc." + cluster + ".local.scale" }

// replan bounds the plan to n shards, waits until such a plan is ready, and names its shards.
func (a *adminConn) replan(ctx context.Context, n int) ([]string, error) {
	if err := a.ask(ctx, wire.VerbScale, wire.ScaleRequest{Shards: n}, nil); err != nil {
		return nil, err
	}
	var s wire.Status
	for {
		err := a.ask(ctx, wire.VerbStatus, nil, &s)
		if err == nil && s.Ready && len(s.Stages) == n {
			nodes := make([]string, n)
			for i, st := range s.Stages {
				nodes[i] = st.Node
			}
			return nodes, nil
		}
		select {
		case <-ctx.Done():
			if err != nil {
				return nil, err
			}
			return nil, fmt.Errorf("no plan over %d shards became ready: %d stages, state %s %s", n, len(s.Stages), s.State, s.Reason)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
