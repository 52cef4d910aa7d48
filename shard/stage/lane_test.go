package stage

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

func frameOf(epoch, step uint64) *wire.Frame { return &wire.Frame{Epoch: epoch, Lane: 1, Step: step} }

func TestLaneFences(t *testing.T) {
	const epoch = 3<<32 | 7
	l := NewLane(epoch, 1)
	l.Done(1, 0, []byte("one"))
	cases := []struct {
		name string
		f    *wire.Frame
		want Verdict
	}{
		{"older epoch", frameOf(epoch-1, 2), Stale},
		{"newer epoch", frameOf(epoch+1, 2), Stale},
		{"other lane", &wire.Frame{Epoch: epoch, Lane: 0, Step: 2}, Stale},
		{"executed", frameOf(epoch, 1), Duplicate},
		{"next", frameOf(epoch, 2), Execute},
		{"early", frameOf(epoch, 4), Early},
		{"early again", frameOf(epoch, 4), Duplicate},
	}
	for _, c := range cases {
		if got := l.Accept(c.f); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	if l.Gap() != 2 {
		t.Errorf("gap %d, want 2", l.Gap())
	}
	for s := uint64(5); s < 4+maxHeld; s++ {
		l.Accept(frameOf(epoch, s))
	}
	if got := l.Accept(frameOf(epoch, 1000)); got != Overflow {
		t.Errorf("frame beyond the held limit: %v, want overflow", got)
	}
}

// However frames are reordered and repeated, each step is executed once and in order.
func TestLaneOrder(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		l := NewLane(9, 1)
		var done []uint64
		run := func(f *wire.Frame) {
			done = append(done, f.Step)
			l.Done(f.Step, f.Ack, fmt.Appendf(l.Buffer(), "out %d", f.Step))
		}
		const steps = 40
		pending := []uint64{}
		for s := uint64(1); s <= steps; s++ {
			pending = append(pending, s, s)
		}
		r.Shuffle(len(pending), func(i, j int) { pending[i], pending[j] = pending[j], pending[i] })
		for _, s := range pending {
			f := frameOf(9, s)
			f.Ack = s / 2
			if l.Accept(f) != Execute {
				continue
			}
			for ; f != nil; f = l.Next() {
				run(f)
			}
		}
		for i, s := range done {
			if s != uint64(i+1) {
				t.Fatalf("seed %d: executed %v", seed, done)
			}
		}
		if len(done) != steps || l.Gap() != 0 {
			t.Fatalf("seed %d: %d of %d steps executed, gap %d", seed, len(done), steps, l.Gap())
		}
		next := uint64(steps/2 + 1)
		l.Retained(0, func(step uint64, out []byte) {
			if step != next || string(out) != fmt.Sprintf("out %d", step) {
				t.Fatalf("seed %d: retained %d %q, want step %d", seed, step, out, next)
			}
			next++
		})
		if next != steps+1 {
			t.Fatalf("seed %d: retained outputs end before step %d", seed, next)
		}
	}
}
