package place

import (
	"cmp"
	"fmt"
	"slices"
)

// MaxNodes bounds how many nodes are looked at: the fastest.
const MaxNodes = 64

// Stage is one node's part of a placement.
type Stage struct {
	Node        string
	First, Last int // layers [First, Last)
	WeightBytes int64
	KVBytes     int64
	PredictedNS int64
}

// LeftOut is a node that was given nothing.
type LeftOut struct {
	Node   string
	Reason string
}

// Placement is the answer of Place, stages in pipeline order.
type Placement struct {
	Stages    []Stage
	KVBlocks  int
	StepNS    int64 // sum of the stages
	SlowestNS int64
	LeftOut   []LeftOut
}

// Ranges are the placement's layer ranges, for Options.Current of the next one.
func (p Placement) Ranges() []Range {
	out := make([]Range, len(p.Stages))
	for i, s := range p.Stages {
		out[i] = Range{s.Node, s.First, s.Last}
	}
	return out
}

// Place splits the model over the nodes. Names must differ. The error is an *Infeasible when memory is missing.
func Place(m Model, nodes []Node, o Options) (Placement, error) {
	if err := m.Check(); err != nil {
		return Placement{}, err
	}
	o = o.withDefaults()
	nodes = slices.Clone(nodes)
	for i := range nodes {
		nodes[i].MemoryBytes = min(max(nodes[i].MemoryBytes, 0), maxBytes)
	}
	slices.SortFunc(nodes, func(a, b Node) int { return cmp.Compare(a.Name, b.Name) })
	for i := 1; i < len(nodes); i++ {
		if nodes[i].Name == nodes[i-1].Name {
			return Placement{}, fmt.Errorf("place: two nodes are named %q", nodes[i].Name)
		}
	}
	s := newSizes(m)
	for _, least := range []Mapping{MapAll, MapIfShort} {
		for i := range nodes {
			nodes[i].mapped = nodes[i].Mapping >= least
		}
		if p, ok := place(s, nodes, o); ok {
			return p, nil
		}
	}
	return Placement{}, newInfeasible(s, nodes, o)
}

// place searches with what is mapped decided.
func place(s *sizes, nodes []Node, o Options) (Placement, bool) {
	fit, out := candidates(s, nodes, o)
	for _, blocks := range kvLevels(o) {
		search := newSearch(s, fit, blocks, o)
		if stages, ok := search.run(); ok {
			return finish(s, fit, stages, search.leftOut(stages, out), o), true
		}
	}
	return Placement{}, false
}

// candidates leaves out nodes that cannot hold a single layer, and the slowest of too many.
func candidates(s *sizes, nodes []Node, o Options) (fit []Node, out []LeftOut) {
	for _, n := range nodes {
		most := int64(-never)
		for l := range s.layers() {
			most = max(most, s.left(n, l, l+1, o.MinKVBlocks))
		}
		if most < 0 {
			out = append(out, LeftOut{n.Name, fmt.Sprintf("its %s of memory hold no layer: the smallest needs %s with KV and scratch",
				formatBytes(n.MemoryBytes), formatBytesUp(n.MemoryBytes-most))})
			continue
		}
		fit = append(fit, n)
	}
	if len(fit) <= MaxNodes {
		return fit, out
	}
	order := bySpeed(fit)
	for _, i := range order[MaxNodes:] {
		out = append(out, LeftOut{fit[i].Name, fmt.Sprintf("%d faster shards are here", MaxNodes)})
	}
	kept := make([]Node, MaxNodes)
	for k, i := range order[:MaxNodes] {
		kept[k] = fit[i]
	}
	slices.SortFunc(kept, func(a, b Node) int { return cmp.Compare(a.Name, b.Name) })
	return kept, out
}

// kvLevels are the block counts to ask for, best first.
func kvLevels(o Options) []int {
	levels := []int{o.WantKVBlocks}
	for b := o.WantKVBlocks / 2; b > o.MinKVBlocks; b /= 2 {
		levels = append(levels, b)
	}
	if o.MinKVBlocks < o.WantKVBlocks {
		levels = append(levels, o.MinKVBlocks)
	}
	return levels
}

// finish gives out KV blocks and adds up.
func finish(s *sizes, nodes []Node, stages []span, out []LeftOut, o Options) Placement {
	p := Placement{KVBlocks: kvBlocks(s, nodes, stages, o), LeftOut: out}
	for _, sp := range stages {
		ns := s.stageNS(nodes[sp.node], sp.a, sp.b, o.Rows, o.Context, o.OverheadNS)
		p.Stages = append(p.Stages, Stage{
			Node: nodes[sp.node].Name, First: sp.a, Last: sp.b,
			WeightBytes: s.weights(sp.a, sp.b),
			KVBytes:     s.kv(sp.a, sp.b, p.KVBlocks),
			PredictedNS: ns,
		})
		p.StepNS += ns
		p.SlowestNS = max(p.SlowestNS, ns)
	}
	return p
}

// kvBlocks is the most blocks that fit on every stage.
func kvBlocks(s *sizes, nodes []Node, stages []span, o Options) int {
	blocks := int64(maxBlocks)
	if o.MaxKVBlocks > 0 {
		blocks = min(blocks, int64(o.MaxKVBlocks))
	}
	for _, sp := range stages {
		if one := s.kv(sp.a, sp.b, 1); one > 0 {
			blocks = min(blocks, s.left(nodes[sp.node], sp.a, sp.b, 0)/one)
		}
	}
	return int(blocks)
}
