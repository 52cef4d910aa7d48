package place

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// brute tries every order of every subset of the nodes with every split.
type brute struct {
	t       *table
	slowest []int64         // [stages]
	visit   func(st []span) // called for every complete placement
}

func newBrute(t *table, most int) *brute {
	b := &brute{t: t, slowest: make([]int64, most+1)}
	for i := range b.slowest {
		b.slowest[i] = never
	}
	return b
}

func (b *brute) walk(nodes, most int, stages []span) {
	first := 0
	if n := len(stages); n > 0 {
		first = stages[n-1].b
	}
	if first == b.t.layers {
		b.visit(stages)
		return
	}
	if len(stages) == most {
		return
	}
	for i := range nodes {
		if holds(stages, i) {
			continue
		}
		for to := first + 1; to <= b.t.layers; to++ {
			if b.t.row(i, first)[to] != never {
				b.walk(nodes, most, append(stages, span{i, first, to}))
			}
		}
	}
}

func holds(stages []span, node int) bool {
	for _, s := range stages {
		if s.node == node {
			return true
		}
	}
	return false
}

func slowestOf(t *table, stages []span) int64 {
	worst := int64(0)
	for _, s := range stages {
		worst = max(worst, t.row(s.node, s.a)[s.b])
	}
	return worst
}

// problem draws a small model and nodes; sizes are such that about a third of them do not fit.
func problem(r *rand.Rand) (Model, []Node, Options) {
	layers := 1 + r.IntN(6)
	m := Model{
		LayerBytes: make([]int64, layers), LayerOps: make([]float64, layers),
		EmbedBytes: r.Int64N(200), EmbedRowBytes: r.Int64N(5),
		HeadBytes: r.Int64N(200), HeadOps: float64(r.IntN(100)),
		KVBlockBytes: r.Int64N(8), AttentionOps: float64(r.IntN(3)), ScratchBytes: r.Int64N(20),
	}
	for i := range layers {
		m.LayerBytes[i], m.LayerOps[i] = 50+r.Int64N(100), float64(r.IntN(300))
	}
	nodes := make([]Node, 1+r.IntN(4))
	for i := range nodes {
		nodes[i] = Node{
			Name:        fmt.Sprintf("n%d", i),
			MemoryBytes: 100 + r.Int64N(700),
			BytesPerSec: float64(1+r.IntN(4)) * 1e6,
			OpsPerSec:   float64(1+r.IntN(4)) * 1e6,
		}
	}
	o := Options{OverheadNS: 1 + r.Int64N(20_000), Rows: 1 + r.IntN(4), Context: r.IntN(64), MinKVBlocks: r.IntN(4)}
	o.WantKVBlocks = o.MinKVBlocks
	if r.IntN(3) == 0 {
		o.MaxStages = 1 + r.IntN(4)
	}
	return m, nodes, o
}

func TestPlaceIsAsGoodAsEveryOtherPlacement(t *testing.T) {
	feasible, infeasible := 0, 0
	for seed := range uint64(800) {
		m, nodes, o := problem(rand.New(rand.NewPCG(seed, 1)))
		p, err := Place(m, nodes, o)
		o = o.withDefaults()
		s := newSizes(m)
		tab := newTable(s, nodes, o.MinKVBlocks, o)
		q := newSearch(s, nodes, o.MinKVBlocks, o)
		b := newBrute(tab, q.most)
		b.visit = func(st []span) { b.slowest[len(st)] = min(b.slowest[len(st)], slowestOf(tab, st)) }
		b.walk(len(nodes), q.most, nil)
		q.slowest = b.slowest
		k := q.pick()
		if k == 0 {
			infeasible++
			checkInfeasible(t, seed, m, nodes, o, err)
			continue
		}
		feasible++
		if err != nil {
			t.Fatalf("seed %d: %v, but a placement exists", seed, err)
		}
		if len(p.Stages) != k || p.SlowestNS != b.slowest[k] {
			t.Fatalf("seed %d: %d stages with slowest %d, want %d with %d", seed, len(p.Stages), p.SlowestNS, k, b.slowest[k])
		}
		best := math.Inf(1)
		weight := func(st []span) float64 {
			v := 0.0
			for _, x := range st {
				v += q.weigh(x.node, x.a, x.b, tab.row(x.node, x.a)[x.b], b.slowest[k], k)
			}
			return v
		}
		b.visit = func(st []span) {
			if len(st) == k && slowestOf(tab, st) <= b.slowest[k] {
				best = min(best, weight(st))
			}
		}
		b.walk(len(nodes), q.most, nil)
		if got := weight(spansOf(q, p)); got > best*(1+1e-12) {
			t.Fatalf("seed %d: weighed sum %v, another placement has %v", seed, got, best)
		}
		checkPlacement(t, fmt.Sprint("seed ", seed), m, nodes, o, p)
	}
	if feasible < 160 || infeasible < 50 {
		t.Fatalf("%d feasible and %d infeasible problems: the generator tests too few of one kind", feasible, infeasible)
	}
}

func spansOf(q *search, p Placement) []span {
	var out []span
	for _, s := range p.Stages {
		out = append(out, span{q.index(s.Node), s.First, s.Last})
	}
	return out
}

// checkInfeasible proves the error's advice: one more shard of MissingBytes suffices, and one byte less does not.
func checkInfeasible(t *testing.T, seed uint64, m Model, nodes []Node, o Options, err error) {
	t.Helper()
	var inf *Infeasible
	if !errors.As(err, &inf) {
		t.Fatalf("seed %d: %v, want *Infeasible", seed, err)
	}
	if o.MaxStages > 0 {
		o.MaxStages++
	}
	add := Node{Name: "added", MemoryBytes: inf.MissingBytes, BytesPerSec: 1e6, OpsPerSec: 1e6}
	if o.MaxStages > 0 && o.MaxStages <= len(nodes) {
		o.MaxStages = 0 // the advice is about the largest of them, the added one included
		nodes = largest(nodes, inf.Stages)
	}
	if _, err := Place(m, append(nodes[:len(nodes):len(nodes)], add), o); err != nil {
		t.Fatalf("seed %d: with %d bytes more: %v", seed, inf.MissingBytes, err)
	}
	add.MemoryBytes--
	if p, err := Place(m, append(nodes[:len(nodes):len(nodes)], add), o); err == nil {
		t.Fatalf("seed %d: %d bytes are said to be missing, but with one less there is %+v", seed, inf.MissingBytes, p)
	}
}

func largest(nodes []Node, k int) []Node {
	nodes = append([]Node(nil), nodes...)
	for i := range nodes {
		for j := i + 1; j < len(nodes); j++ {
			if nodes[j].MemoryBytes > nodes[i].MemoryBytes {
				nodes[i], nodes[j] = nodes[j], nodes[i]
			}
		}
	}
	return nodes[:k]
}

// checkPlacement proves what every placement must be, however it was found.
func checkPlacement(t *testing.T, what string, m Model, nodes []Node, o Options, p Placement) {
	t.Helper()
	o = o.withDefaults()
	s := newSizes(m)
	by, used := map[string]Node{}, map[string]bool{}
	for _, n := range nodes {
		by[n.Name] = n
	}
	at, sum := 0, int64(0)
	for _, st := range p.Stages {
		n, ok := by[st.Node]
		if !ok || used[st.Node] || st.First != at || st.Last <= st.First {
			t.Fatalf("%s: stage %+v is out of place in %+v", what, st, p.Stages)
		}
		used[st.Node], at, sum = true, st.Last, sum+st.PredictedNS
		if need := s.need(st.First, st.Last, p.KVBlocks); need > n.MemoryBytes {
			t.Fatalf("%s: stage %+v needs %d bytes with %d blocks, its node has %d", what, st, need, p.KVBlocks, n.MemoryBytes)
		}
		if st.PredictedNS != m.StageNS(n, st.First, st.Last, o.Rows, o.Context, o.OverheadNS) || st.PredictedNS > p.SlowestNS {
			t.Fatalf("%s: stage %+v has the wrong time", what, st)
		}
	}
	if at != m.Layers() || sum != p.StepNS || p.KVBlocks < o.MinKVBlocks {
		t.Fatalf("%s: %+v is not a whole placement", what, p)
	}
	for _, l := range p.LeftOut {
		if used[l.Node] || l.Reason == "" {
			t.Fatalf("%s: left out: %+v, which is used or has no reason", what, l)
		}
		used[l.Node] = true
	}
	if len(used) != len(nodes) {
		t.Fatalf("%s: %d of %d nodes are accounted for", what, len(used), len(nodes))
	}
}
