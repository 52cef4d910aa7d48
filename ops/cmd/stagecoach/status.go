package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/stagecoach-llm/stagecoach/coordinator/plan"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

type statusCmd struct {
	target
	output
}

func (c *statusCmd) Run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	a, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer a.close()
	var s wire.Status
	if err := a.ask(ctx, wire.VerbStatus, nil, &s); err != nil {
		return err
	}
	return c.print(s, func(w io.Writer) { statusTable(w, &s) })
}

func statusTable(w io.Writer, s *wire.Status) {
	state := s.State
	if s.Reason != "" {
		state += ": " + s.Reason
	}
	fmt.Fprintf(w, "cluster\t%s\nmodel\t%s (%s)\nstate\t%s\nepoch\t%s, %d recoveries, up %s\n",
		shown(s.Cluster), shown(s.Model), shown(s.ModelID), shown(state), plan.FormatEpoch(s.Epoch), s.Recovery, (time.Duration(s.UptimeMS) * time.Millisecond).Round(time.Second))
	fmt.Fprintf(w, "requests\t%d running, %d waiting\nKV blocks\t%d of %d used\ntokens\t%d sampled, %d preemptions\n",
		s.Queue.Running, s.Queue.Waiting, s.Queue.KVUsed, s.Queue.KVBlocks, s.Queue.Tokens, s.Queue.Preempted)
	if len(s.Stages) > 0 {
		fmt.Fprintln(w)
		stageTable(w, s.Stages)
	}
	fmt.Fprintln(w, "\nSHARD\tSTATE\tHOST\tKERNELS\tTHREADS\tRESIDENT\tMEMORY\tREADS\tNOTE")
	for _, n := range s.Nodes {
		note := n.Reason
		if n.ToLoad > 0 {
			note = fmt.Sprintf("loaded %s of %s", bytesText(n.Loaded), bytesText(n.ToLoad))
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s/s\t%s\n", shown(n.Node), shown(n.State), shown(n.Host), shown(n.Kernels), n.Threads,
			bytesText(n.Resident), bytesText(n.MemoryBytes), bytesText(int64(n.BytesPerSec)), shown(note))
	}
}

func stageTable(w io.Writer, stages []wire.StageStatus) {
	fmt.Fprintln(w, "STAGE\tSHARD\tLAYERS\tWEIGHTS\tKV\tPREDICTED\tMEASURED\tBUSY")
	for i, s := range stages {
		measured := "-"
		if s.MeasuredNS > 0 {
			measured = millis(s.MeasuredNS)
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%.0f%%\n", i, shown(s.Node), layersText(s.First, s.Last),
			bytesText(s.WeightBytes), bytesText(s.KVBytes), millis(s.PredictedNS), measured, 100*s.Busy)
	}
}
