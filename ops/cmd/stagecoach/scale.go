package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stagecoach-llm/stagecoach/ops/local"
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
	if err := a.enoughLayers(ctx, c.Shards); err != nil {
		return err
	}
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
	shards := "shards"
	if len(s.Stages) == 1 {
		shards = "shard"
	}
	fmt.Printf("the model runs on %d %s:", len(s.Stages), shards)
	for _, st := range s.Stages {
		fmt.Printf(" %s (%s)", shown(st.Node), layersText(st.First, st.Last))
	}
	fmt.Println()
	return nil
}

// localScale is where the supervisor of a local cluster takes a ScaleRequest.
func localScale(cluster string) string { return "sc." + cluster + ".local.scale" }

// enoughLayers refuses more shards than the model has layers, before any is started: no plan could use them all.
func (a *adminConn) enoughLayers(ctx context.Context, shards int) error {
	var s wire.Status
	if err := a.ask(ctx, wire.VerbStatus, nil, &s); err != nil {
		return err
	}
	if len(s.Stages) == 0 { // no plan yet: how many layers there are is not known here
		return nil
	}
	if layers := s.Stages[len(s.Stages)-1].Last; shards > layers {
		return fmt.Errorf("cannot scale to %d shards: the model has %d layers, so at most %d shards can have some", shards, layers, layers)
	}
	return nil
}

// scaleOrder is an order that the supervisor's process is carrying out. The zero value has ended.
type scaleOrder struct {
	cancel context.CancelFunc
	done   chan struct{}
}

// end gives the order up and waits until its shards may be changed by another one.
func (o *scaleOrder) end() {
	if o.cancel == nil {
		return
	}
	o.cancel()
	<-o.done
}

// obey carries out an order beside the loop that takes them, so that a newer one can replace one whose plan never becomes ready.
func (a *adminConn) obey(ctx context.Context, m bus.Msg, sup *local.Supervisor) scaleOrder {
	ctx, cancel := context.WithCancel(ctx)
	o := scaleOrder{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(o.done)
		defer cancel()
		a.answer(ctx, m, func(ctx context.Context, r wire.ScaleRequest) error {
			return sup.Scale(ctx, r.Shards, a.replan)
		})
	}()
	return o
}

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
