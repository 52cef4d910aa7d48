package plan

import (
	"strings"
	"testing"
	"time"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// Check must find what it is there to find.
func TestCheckFindsDamage(t *testing.T) {
	for _, c := range []struct {
		name   string
		damage func(p *Planner)
		want   string
	}{
		{"unpersisted term", func(p *Planner) { p.term++ }, "persisted is"},
		{"order of nodes", func(p *Planner) { p.nodes[0], p.nodes[1] = p.nodes[1], p.nodes[0] }, "stands before"},
		{"standing down", func(p *Planner) { p.standDown = p.now + time.Hour }, "standing down"},
		{"two epochs", func(p *Planner) { p.next = p.live }, "is live beside"},
		{"live but not committed", func(p *Planner) { p.live.phase = preparing }, "it is preparing"},
		{"foreign epoch", func(p *Planner) { p.live.id++ }, "is not an epoch of term"},
		{"gap", func(p *Planner) { p.live.parts[1].first++ }, "has layers"},
		{"unfinished", func(p *Planner) { p.live.parts = p.live.parts[:2] }, "it ends at layer"},
		{"lost", func(p *Planner) { p.live.parts[0].node.lost = true }, "is lost, but has"},
		{"replaced", func(p *Planner) { p.nodes[1] = newNode(p.nodes[1].hello, p.now) }, "is lost, but has"},
		{"refused", func(p *Planner) { p.nodes[2].refused = "no" }, "is refused, but has"},
		{"not promised", func(p *Planner) {
			p.next, p.live = p.live, nil
			p.next.phase, p.nodes[0].promised = preparing, 0
		}, "has promised 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, coord := threeReady(t, 1)
			if err := coord.p.Check(); err != nil {
				t.Fatal(err)
			}
			c.damage(coord.p)
			if err := coord.p.Check(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestCanaryThatNeverEnds(t *testing.T) {
	w, c := threeReady(t, 2)
	epoch := c.live.Epoch
	c.p.live.enter(canary, w.now)
	w.run(w.now + DefaultTimings().CanaryWithin - time.Second)
	if c.live == nil || c.live.Epoch != epoch {
		w.fail("given up too early")
	}
	if !w.runUntil(5*time.Second, func() bool { return c.ready() && c.live.Epoch != epoch }) {
		w.fail("no new epoch")
	}
}

func TestMeasuredIsAnAverage(t *testing.T) {
	w, c := threeReady(t, 3)
	timings := func(ns int64) []wire.Timing {
		return []wire.Timing{{ComputeNS: ns}, {ComputeNS: 2 * ns}, {ComputeNS: 3 * ns}}
	}
	c.apply(Measured{c.live.Epoch, timings(1e6)})
	for range 200 {
		c.apply(Measured{c.live.Epoch, timings(2e6)})
	}
	c.apply(Measured{c.live.Epoch + 1, timings(9e6)})
	c.apply(Measured{c.live.Epoch, timings(9e6)[:2]})
	for i, s := range c.p.Status().Stages {
		if want := int64(i+1) * 2e6; s.MeasuredNS < want*99/100 || s.MeasuredNS > want {
			w.fail("stage %d: %d ns, want about %d", i, s.MeasuredNS, want)
		}
	}
}

// Without a digest of its own the coordinator takes the first shard's, and refuses others.
func TestFirstDigestCounts(t *testing.T) {
	p := New(Config{Model: testModel(4), ModelID: "m", Wire: 1, Arithmetic: 1})
	p.Apply(0, Start{}, nil)
	for _, h := range []struct{ node, digest string }{{"a", "x"}, {"b", "y"}, {"c", "x"}, {"d", ""}} {
		p.Apply(0, Heard{wire.NodeMessage{Hello: &wire.Hello{Node: h.node, Boot: "1", Wire: 1, Arithmetic: 1, Digest: h.digest, Model: "m"}}}, nil)
	}
	var refused []string
	for _, n := range p.Status().Nodes {
		if n.State == "refused" {
			refused = append(refused, n.Node)
		}
	}
	if strings.Join(refused, " ") != "b d" {
		t.Errorf("refused: %v", refused)
	}
}

// A loss after a minute of service is a new beginning, not one more of a series.
func TestServiceMakesUpForFalls(t *testing.T) {
	w, c := threeReady(t, 4)
	for range 6 {
		w.run(w.now + 65*time.Second)
		if !c.ready() || len(c.live.Stages) != 3 {
			w.fail("it is not used: %+v", c.p.Status())
		}
		w.shards[0].crash()
		w.run(w.now + 3*time.Second)
		w.shards[0].start()
		if !w.runUntil(5*time.Second, func() bool { return c.ready() && len(c.live.Stages) == 3 }) {
			w.fail("it is not taken back")
		}
	}
}

func TestWarnings(t *testing.T) {
	for k, want := range map[Kind]bool{Found: false, Loading: false, CanaryPassed: false, Lost: true, Refused: true, CanaryFailed: true} {
		if k.Warning() != want {
			t.Errorf("%s: %v", k, !want)
		}
	}
}
