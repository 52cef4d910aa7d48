package plan

import (
	"fmt"
	"testing"
	"time"

	"github.com/stagecoach-llm/stagecoach/coordinator/place"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// reader takes small numbers from fuzz input, zeros after its end.
type reader struct{ b []byte }

func (r *reader) next(n int) int {
	if len(r.b) == 0 {
		return 0
	}
	v := int(r.b[0])
	r.b = r.b[1:]
	return v % n
}

// event draws from a small alphabet, so that what is said often concerns what is there.
func (r *reader) event(p *Planner) Event {
	node, boot := fmt.Sprint("n", r.next(3)), fmt.Sprint("b", r.next(2))
	epochs := []uint64{p.Epoch(), 0, p.id(p.count), p.id(p.count + 1), epochID(p.term, p.cfg.Salt+1, 1), 1 << 63}
	epoch := func() uint64 { return epochs[r.next(len(epochs))] }
	terms := []uint64{p.term, 0, p.term - 1, p.term + 1, p.term + 7}
	heard := func(m wire.NodeMessage) Event { return Heard{m} }
	switch r.next(24) {
	default:
		return Tick{}
	case 1, 2:
		return heard(wire.NodeMessage{Hello: &wire.Hello{
			Node: node, Boot: boot, Wire: 1, Arithmetic: 1, Digest: "d", Model: "m", MemoryBytes: 400e6 * int64(1+r.next(5)),
			Promised: terms[r.next(len(terms))] * uint64(r.next(2)),
		}})
	case 3, 4, 5:
		return heard(wire.NodeMessage{Promised: &wire.Promised{Node: node, Boot: boot, Term: terms[r.next(8)/4*r.next(len(terms))]}})
	case 6, 7, 8:
		return heard(wire.NodeMessage{Prepared: &wire.Prepared{Node: node, Boot: boot, Epoch: epochs[2], Error: []string{"", "", "", "no"}[r.next(4)]}})
	case 9, 10, 11:
		return heard(wire.NodeMessage{Committed: &wire.Committed{Node: node, Boot: boot, Epoch: epochs[2]}})
	case 12, 13, 14:
		return heard(wire.NodeMessage{Beat: &wire.Beat{
			Node: node, Boot: boot, Epoch: epoch(), Promised: terms[r.next(8)/7*r.next(len(terms))], In: uint64(r.next(3)), ToLoad: int64(r.next(2)),
		}})
	case 15:
		return heard(wire.NodeMessage{Leaving: &wire.Leaving{Node: node, Boot: boot}})
	case 16:
		return Gossip{node, boot, r.next(2) == 0}
	case 17:
		return ProbeResult{Node: node, Boot: boot, Outcome: Outcome(r.next(3))}
	case 18:
		return []Event{BusLost{}, BusBack{}, BusBack{}}[r.next(3)]
	case 19:
		return LaneStuck{epoch()}
	case 20:
		return CanaryDone{epoch(), []string{"", "", "failed"}[r.next(3)]}
	case 21:
		return []Event{Drain{node}, Undrain{node}, Undrain{node}}[r.next(3)]
	case 22:
		return Scale{r.next(4) - 1}
	case 23:
		return Measured{epoch(), make([]wire.Timing, r.next(4))}
	}
}

func FuzzEvents(f *testing.F) {
	f.Add([]byte("hello, planner"))
	f.Add([]byte{0, 0, 0, 1, 2, 1, 0, 0, 0, 3, 1, 0, 0, 0, 6, 0, 0, 0, 9, 0, 0, 20, 0, 0})
	f.Fuzz(func(t *testing.T, in []byte) {
		r := &reader{in}
		p := New(Config{
			Model: testModel(6), ModelID: "m", Wire: 1, Arithmetic: 1, Digest: "d", KVType: "f16",
			Placement: place.Options{MaxKVBlocks: 8}, Want: r.next(3), Salt: uint32(r.next(5)),
		})
		now, live := time.Duration(0), uint64(0)
		var out []Command
		for ev := Event(Start{}); len(r.b) > 0; ev = r.event(p) {
			now += []time.Duration{0, time.Millisecond, 100 * time.Millisecond, 700 * time.Millisecond, 6 * time.Second}[r.next(5)]
			out = p.Apply(now, ev, out[:0])
			if err := p.Check(); err != nil {
				t.Fatalf("after %+v: %v", ev, err)
			}
			live = follow(t, p, live, out)
			p.Status()
		}
	})
}

// follow checks the discipline of the commands: one epoch at a time, in rising order, and a wake-up that lies ahead.
func follow(t *testing.T, p *Planner, live uint64, out []Command) uint64 {
	for _, c := range out {
		switch c := c.(type) {
		case Pause:
			if live == 0 {
				t.Fatal("Pause, but nothing is live")
			}
			live = 0
		case Ready:
			if live != 0 {
				t.Fatalf("Ready %x while %x is live", c.Epoch, live)
			}
			live = c.Epoch
		case WakeAt:
			if c.At <= p.now {
				t.Fatalf("WakeAt %s at %s", c.At, p.now)
			}
		case Send:
			if id := epochOf(c.Message); id>>32 > p.persisted {
				t.Fatalf("%x is sent, persisted is term %d", id, p.persisted)
			}
		}
	}
	if live != p.Epoch() {
		t.Fatalf("commands made %x live, Epoch is %x", live, p.Epoch())
	}
	return live
}
