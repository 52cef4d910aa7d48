package stage

import (
	"context"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// Engine computes one stage of an epoch. The runner goroutine is its only caller.
type Engine interface {
	// Step runs the entries' operations and rows. x [rows, hidden] are the rows for the next stage, valid until
	// the next call, or items the outcome at the last stage. An entry that fails is marked WantFailed in f.
	Step(f *wire.Frame, layer func(int)) (x []float32, items []wire.SampledItem)
	// KVUsed is how many KV blocks the sequences hold.
	KVUsed() int
	// Close frees KV and whatever weights no other engine shares.
	Close()
}

// Loader makes engines. Load runs beside the active engine; prev is that engine, whose weights may be shared.
type Loader interface {
	Load(ctx context.Context, p *wire.Prepare, prev Engine, progress func(done, total int64)) (Engine, error)
}
