package router_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

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
	w := &world{t: t, net: bus.NewNet(1), dir: t.TempDir(), lead: prometheus.NewRegistry()}
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
		Arithmetic: kernels.ArithmeticVersion, Digest: kernels.Digest(), Logger: slog.New(slog.DiscardHandler), Registry: w.lead,
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

// rows is how many rows (tokens of prompts and answers) a real pipeline has computed.
func (w *world) rows() (n int) {
	w.t.Helper()
	families, err := w.lead.Gather()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "stagecoach_coordinator_step_rows" {
			n = int(f.GetMetric()[0].GetHistogram().GetSampleSum())
		}
	}
	return n
}

// TestChoicesShareTheirPrompt: the choices of a request cost the pipeline their prompt once, but for the block in which it ends, and the
// client is billed it once. They are the answers that each would be alone.
func TestChoicesShareTheirPrompt(t *testing.T) {
	const n, tokens, block = 6, 4, 16
	w := startReal(t, 2)
	body := func(extra string) string {
		return fmt.Sprintf(`{"model":"demo/model","seed":3,"max_tokens":%d,"ignore_eos":true,"messages":[{"role":"user","content":%q}],%s}`, tokens,
			strings.Repeat("How many horses does a coach need? ", 30), extra)
	}
	before := w.rows()
	v := w.do("POST", "/v1/chat/completions", body(fmt.Sprintf(`"n":%d`, n))).json(t)
	computed := w.rows() - before
	prompt, _ := at(v, "usage", "prompt_tokens").(json.Number).Int64()
	if computed < int(prompt) || computed > int(prompt)+n*(tokens+block) || prompt < 200 || len(list(v["choices"])) != n {
		t.Errorf("%d rows for a prompt of %d tokens and %d choices", computed, prompt, n)
	}
	if at(v, "usage", "completion_tokens") != json.Number(itoa(n*tokens)) {
		t.Errorf("%v", at(v, "usage"))
	}
	alone := w.do("POST", "/v1/chat/completions", body(`"n":1`)).json(t)
	if at(alone, "choices", 0, "message", "content") != at(v, "choices", 0, "message", "content") || at(alone, "usage", "prompt_tokens") != at(v, "usage", "prompt_tokens") {
		t.Errorf("%v, alone %v", v, alone)
	}
	if cached, _ := at(alone, "usage", "prompt_tokens_details", "cached_tokens").(json.Number).Int64(); cached < prompt-block || cached >= prompt {
		t.Errorf("the second time %d tokens of %d come from the cache", cached, prompt)
	}
}
