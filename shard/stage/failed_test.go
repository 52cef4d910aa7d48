package stage

import (
	"bytes"
	"context"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stagecoach-llm/stagecoach/shard/checkpoint"
	"github.com/stagecoach-llm/stagecoach/shard/demo"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// spoiler loads engines whose incoming rows are not numbers.
type spoiler struct{ Loader }

func (s spoiler) Load(ctx context.Context, p *wire.Prepare, prev Engine, progress func(done, total int64)) (Engine, error) {
	e, err := s.Loader.Load(ctx, p, prev, progress)
	return spoilt{e}, err
}

type spoilt struct{ Engine }

func (e spoilt) Step(f *wire.Frame, layer func(int)) ([]float32, []wire.SampledItem) {
	f.Body = wire.F32Body(nil, slices.Repeat([]float32{float32(math.NaN())}, f.Rows*f.Width))
	return e.Engine.Step(f, layer)
}

// A step whose every row fails in the middle goes on to the end without rows, and fails no one else in it; so do
// steps that had none from the start.
func TestStepWithoutRowsReachesTheEnd(t *testing.T) {
	file, err := checkpoint.OpenBytes(bytes.Clone(demo.Model()))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	cfg := file.Card().Config
	synctest.Test(t, func(t *testing.T) {
		r := newRigOf(t, 3, cfg.Layers, cfg.Hidden, func(i int) Loader {
			var l Loader = &Checkpoints{File: file, Threads: 1}
			if i == 1 {
				l = spoiler{l}
			}
			return l
		})
		defer r.stop()
		r.model = file.Card().ID
		const epoch = 1<<32 | 1
		r.live(epoch)
		if r.committed(epoch) != 3 {
			t.Fatalf("%d nodes committed", r.committed(epoch))
		}
		ops := open(0, -1)
		ops[1].Blocks = ops[1].Blocks[:8]
		end := []wire.Op{{Kind: wire.OpClose}}
		r.publish(&wire.Frame{Epoch: epoch, Step: 1, Entries: []wire.Entry{
			{Seq: 1, Tokens: []int32{65, 66}, Want: wire.WantSample, Ops: ops}, {Seq: 2, Ops: end},
		}})
		r.publish(&wire.Frame{Epoch: epoch, Step: 2, Entries: []wire.Entry{{Seq: 1, Ops: end}}})
		pass(time.Second)
		r.mu.Lock()
		defer r.mu.Unlock()
		if len(r.sampled) != 2 {
			t.Fatalf("%d of 2 steps reached the end", len(r.sampled))
		}
		if items := r.sampled[1].Items; len(items) != 1 || items[0].Seq != 1 || items[0].Error == "" {
			t.Errorf("the step that failed: %+v", items)
		}
		if items := r.sampled[2].Items; len(items) != 0 {
			t.Errorf("the step that closes: %+v", items)
		}
	})
}
