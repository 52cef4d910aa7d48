package router_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"

	"github.com/stagecoach-llm/stagecoach/coordinator/lead"
	"github.com/stagecoach-llm/stagecoach/router"
	"github.com/stagecoach-llm/stagecoach/shard/checkpoint"
	"github.com/stagecoach-llm/stagecoach/shard/demo"
	"github.com/stagecoach-llm/stagecoach/shard/kernels"
	"github.com/stagecoach-llm/stagecoach/shard/stage"
	"github.com/stagecoach-llm/stagecoach/transport/bus"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// startReal is a router in front of a real coordinator and so many shards with the demo model, all in this process.
func startReal(t *testing.T, shards int, change ...func(*router.Options)) *world {
	t.Helper()
	file, err := checkpoint.OpenBytes(demo.Model())
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, net: bus.NewNet(1), dir: t.TempDir()}
	ctx, cancel := context.WithCancel(context.Background())
	var parts sync.WaitGroup
	w.runLead(ctx, &parts, file.Card(), shards)
	for i := range shards {
		w.runShard(ctx, &parts, file, fmt.Sprintf("shard-%d", i+1))
	}
	w.serve(func() {
		cancel()
		parts.Wait()
		file.Close()
	}, change...)
	return w
}

func (w *world) runLead(ctx context.Context, parts *sync.WaitGroup, card *checkpoint.Card, shards int) {
	var l *lead.Lead
	conn := w.net.Connect("coordinator", bus.Events{Disconnected: func(error) { l.BusLost() }, Reconnected: func() { l.BusBack() }})
	l, err := lead.New(lead.Options{
		Bus: conn, Subjects: subjects, Card: card, ServedName: model, Data: w.t.TempDir(), Want: shards, KVType: "f16", KVTokens: 8192,
		Arithmetic: kernels.ArithmeticVersion, Digest: kernels.Digest(), Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	parts.Go(func() {
		if err := l.Run(ctx); err != nil {
			w.t.Error(err)
		}
		conn.Close()
	})
}

func (w *world) runShard(ctx context.Context, parts *sync.WaitGroup, file *checkpoint.Checkpoint, name string) {
	conn := w.net.Connect(name, bus.Events{})
	n := stage.NewNode(stage.Config{
		Hello: wire.Hello{Node: name, Boot: name, Wire: wire.Version, Arithmetic: kernels.ArithmeticVersion, Digest: kernels.Digest(), Model: file.Card().ID,
			MemoryBytes: 1 << 30, BytesPerSec: 1e9, OpsPerSec: 1e10},
		Subjects: subjects, Bus: conn, Loader: &stage.Checkpoints{File: file, Threads: 1}, Hidden: file.Card().Config.Hidden, Logger: slog.New(slog.DiscardHandler),
	})
	parts.Go(func() {
		if err := n.Run(ctx); err != nil && ctx.Err() == nil {
			w.t.Error(err)
		}
		conn.Close()
	})
}
