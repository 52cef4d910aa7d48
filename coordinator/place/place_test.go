package place

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stagecoach-llm/stagecoach/shard/checkpoint"
)

// uniform is a model of n layers of 100 MB, as fast to compute as to read at 1 op per byte.
func uniform(n int) Model {
	m := Model{LayerBytes: make([]int64, n), LayerOps: make([]float64, n), KVBlockBytes: 16 << 10, ScratchBytes: 20e6}
	for i := range n {
		m.LayerBytes[i], m.LayerOps[i] = 100e6, 100e6
	}
	return m
}

func equalNodes(n int, memory int64) []Node {
	nodes := make([]Node, n)
	for i := range nodes {
		nodes[i] = Node{Name: fmt.Sprintf("shard-%02d", i), MemoryBytes: memory, BytesPerSec: 10e9, OpsPerSec: 100e9}
	}
	return nodes
}

func lengths(p Placement) []int {
	var out []int
	for _, s := range p.Stages {
		out = append(out, s.Last-s.First)
	}
	return out
}

func TestPlace(t *testing.T) {
	head := uniform(12)
	head.HeadBytes, head.HeadOps = 300e6, 300e6
	uneven := equalNodes(3, 8e9)
	uneven[1].BytesPerSec = 20e9
	small := equalNodes(3, 8e9)
	small[0].MemoryBytes = 250e6
	crumb := equalNodes(3, 8e9)
	crumb[2].MemoryBytes = 50e6
	slow := equalNodes(3, 8e9)
	slow[2].BytesPerSec = 0.2e9

	for _, c := range []struct {
		name    string
		m       Model
		nodes   []Node
		o       Options
		lengths []int
		left    []LeftOut
	}{
		{"even", uniform(12), equalNodes(3, 8e9), Options{}, []int{4, 4, 4}, nil},
		{"one layer each at most", uniform(2), equalNodes(3, 8e9), Options{}, []int{1, 1},
			[]LeftOut{{"shard-02", "the model has only 2 layers"}}},
		{"the head counts", head, equalNodes(3, 8e9), Options{}, []int{5, 5, 2}, nil},
		{"twice as fast", uniform(12), uneven, Options{}, []int{3, 3, 6}, nil},
		{"little memory", uniform(12), small, Options{}, []int{5, 5, 2}, nil},
		{"no memory", uniform(12), crumb, Options{}, []int{6, 6},
			[]LeftOut{{"shard-02", "its 50 MB of memory hold no layer: the smallest needs 120 MB with KV and scratch"}}},
		{"far too slow", uniform(12), slow, Options{}, []int{6, 6},
			[]LeftOut{{"shard-02", "with it the slowest stage would be more than 2.00 times as slow, or nothing would fit"}}},
		{"told to use two", uniform(12), equalNodes(3, 8e9), Options{MaxStages: 2}, []int{6, 6},
			[]LeftOut{{"shard-02", "a plan may use 2 shards"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := Place(c.m, c.nodes, c.o)
			if err != nil {
				t.Fatal(err)
			}
			checkPlacement(t, c.name, c.m, c.nodes, c.o, p)
			if got := lengths(p); !sameMultiset(got, c.lengths) {
				t.Errorf("layers per stage %v, want %v in some order", got, c.lengths)
			}
			if !reflect.DeepEqual(p.LeftOut, c.left) {
				t.Errorf("left out %v, want %v", p.LeftOut, c.left)
			}
		})
	}
}

func sameMultiset(a, b []int) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}

func TestKVBlocksYieldToMemory(t *testing.T) {
	m, nodes := uniform(4), equalNodes(2, 300e6)
	// 80 MB are free beside two layers and scratch, 32 KiB a block: 2441 blocks.
	for _, c := range []struct{ min, want, most, got int }{
		{0, 0, 0, 2441},
		{16, 100, 128, 128},
		{16, 1 << 20, 0, 2441},
	} {
		p, err := Place(m, nodes, Options{MinKVBlocks: c.min, WantKVBlocks: c.want, MaxKVBlocks: c.most})
		if err != nil || p.KVBlocks != c.got {
			t.Errorf("min %d, want %d, most %d: %d blocks, %v; want %d", c.min, c.want, c.most, p.KVBlocks, err, c.got)
		}
	}
}

// A fast node with little memory would take most layers and leave nothing for KV.
func TestKVBeforeSpeed(t *testing.T) {
	m := uniform(10)
	nodes := equalNodes(2, 8e9)
	nodes[0].MemoryBytes, nodes[0].BytesPerSec = 830e6, 40e9
	bare, err := Place(m, nodes, Options{})
	if err != nil {
		t.Fatal(err)
	}
	roomy, err := Place(m, nodes, Options{WantKVBlocks: 4096})
	if err != nil {
		t.Fatal(err)
	}
	if bare.KVBlocks >= 4096 || roomy.KVBlocks < 4096 || roomy.SlowestNS <= bare.SlowestNS {
		t.Errorf("%d blocks at %d ns, and %d at %d", bare.KVBlocks, bare.SlowestNS, roomy.KVBlocks, roomy.SlowestNS)
	}
}

func TestInputOrderDoesNotMatter(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 2))
		m, nodes, o := problem(r)
		want, wantErr := Place(m, nodes, o)
		r.Shuffle(len(nodes), func(i, j int) { nodes[i], nodes[j] = nodes[j], nodes[i] })
		got, err := Place(m, nodes, o)
		if !reflect.DeepEqual(got, want) || fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Fatalf("seed %d: %+v %v\nshuffled: %+v %v", seed, want, wantErr, got, err)
		}
	}
}

func TestCurrentStaysWhenNearlyAsGood(t *testing.T) {
	m, nodes := uniform(12), equalNodes(3, 8e9)
	current := []Range{{"shard-02", 0, 4}, {"shard-00", 4, 8}, {"shard-01", 8, 12}}
	nodes[1].BytesPerSec *= 1.01 // measured again, a little faster
	p, err := Place(m, nodes, Options{Current: current})
	if err != nil || !slices.Equal(p.Ranges(), current) {
		t.Errorf("moved to %v, %v", p.Ranges(), err)
	}
	nodes[1].BytesPerSec *= 3
	p, err = Place(m, nodes, Options{Current: current})
	if err != nil || slices.Equal(p.Ranges(), current) {
		t.Errorf("a node three times as fast changed nothing: %v, %v", p.Ranges(), err)
	}
}

// When one of three dies, the others keep what they have and share the rest.
func TestSurvivorsKeepTheirLayers(t *testing.T) {
	m := uniform(12)
	current := []Range{{"shard-00", 0, 4}, {"shard-01", 4, 8}, {"shard-02", 8, 12}}
	p, err := Place(m, equalNodes(2, 8e9), Options{Current: current})
	want := []Range{{"shard-00", 0, 6}, {"shard-01", 6, 12}}
	if err != nil || !slices.Equal(p.Ranges(), want) {
		t.Errorf("%v, %v; want %v", p.Ranges(), err, want)
	}
}

func TestStabilityIsBounded(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 3))
		m, nodes, o := problem(r)
		best, err := Place(m, nodes, o)
		if err != nil {
			continue
		}
		o.Current = randomRanges(r, m.Layers(), nodes)
		p, err := Place(m, nodes, o)
		if err != nil {
			t.Fatalf("seed %d: with current ranges: %v", seed, err)
		}
		checkPlacement(t, fmt.Sprint("seed ", seed), m, nodes, o, p)
		if float64(p.SlowestNS) > float64(best.SlowestNS)*1.02+1 || len(p.Stages) != len(best.Stages) {
			t.Fatalf("seed %d: slowest %d, without current ranges %d", seed, p.SlowestNS, best.SlowestNS)
		}
	}
}

// randomRanges may be wrong in every way that the past can be: gaps, overlaps, nodes that are gone.
func randomRanges(r *rand.Rand, layers int, nodes []Node) []Range {
	var out []Range
	for range 1 + r.IntN(3) {
		name := "gone"
		if r.IntN(4) > 0 {
			name = nodes[r.IntN(len(nodes))].Name
		}
		out = append(out, Range{name, r.IntN(layers+2) - 1, r.IntN(layers + 2)})
	}
	return out
}

func TestManyNodes(t *testing.T) {
	m := uniform(80)
	m.HeadBytes, m.HeadOps = 500e6, 500e6
	for _, n := range []int{MaxExact + 1, 20, 40, MaxNodes + 6} {
		nodes := equalNodes(n, 8e9)
		p, err := Place(m, nodes, Options{})
		if err != nil {
			t.Fatal(err)
		}
		checkPlacement(t, fmt.Sprint(n, " nodes"), m, nodes, Options{}, p)
		if again, err := Place(m, nodes, Options{Current: p.Ranges()}); err != nil || !slices.Equal(again.Ranges(), p.Ranges()) {
			t.Errorf("%d nodes: moved from %v to %v, %v", n, p.Ranges(), again.Ranges(), err)
		}
	}
}

// With equal nodes their order is of no consequence, so the two searches must agree.
func TestOrderedAgreesWithExact(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 4))
		m, nodes, o := problem(r)
		for i := range nodes {
			nodes[i] = Node{Name: nodes[i].Name, MemoryBytes: nodes[0].MemoryBytes, BytesPerSec: nodes[0].BytesPerSec, OpsPerSec: nodes[0].OpsPerSec}
		}
		o = o.withDefaults()
		s := newSizes(m)
		exact, ordered := newSearch(s, nodes, o.MinKVBlocks, o), newSearch(s, nodes, o.MinKVBlocks, o)
		a, okA := exact.run()
		b, okB := ordered.runOrdered()
		if okA != okB {
			t.Fatalf("seed %d: exact %v, ordered %v", seed, okA, okB)
		}
		if okA && (len(a) != len(b) || slowestOf(exact.t, a) != slowestOf(exact.t, b)) {
			t.Fatalf("seed %d: exact %v, ordered %v", seed, a, b)
		}
	}
}

func TestErrors(t *testing.T) {
	big := uniform(12)
	big.HeadBytes = 200e6
	for _, c := range []struct {
		name  string
		m     Model
		nodes []Node
		o     Options
		want  string
	}{
		{"nobody", big, nil, Options{}, "the model needs 1.4 GB of weights, and 20 MB of scratch on each shard; no shard is here; " +
			"add a shard with at least 1.5 GB"},
		{"one small", big, equalNodes(1, 1e9), Options{MinKVBlocks: 64}, "the model needs 1.4 GB of weights and 13 MB of KV, " +
			"and 20 MB of scratch on each shard; the 1 shard that is here offers 1.0 GB; add a shard with at least 524 MB"},
		{"two small", big, equalNodes(2, 500e6), Options{}, "the model needs 1.4 GB of weights, and 20 MB of scratch on each shard; " +
			"the 2 shards that are here offer 1.0 GB; add a shard with at least 620 MB"},
		{"too few allowed", big, equalNodes(3, 800e6), Options{MaxStages: 1}, "the model needs 1.4 GB of weights, and 20 MB of scratch " +
			"on each shard; a plan may use 1 of the 3 shards that are here, and these offer 800 MB; let it use more shards, or add one " +
			"with at least 720 MB and let it use 2"},
		{"fragments", uniform(4), equalNodes(3, 199e6), Options{}, "the model needs 400 MB of weights, and 20 MB of scratch on each shard; " +
			"the 3 shards that are here offer 597 MB, but no split of whole layers fits them; add a shard with at least 120 MB"},
		{"twins", big, append(equalNodes(1, 1e9), equalNodes(1, 1e9)...), Options{}, `place: two nodes are named "shard-00"`},
		{"empty", Model{}, equalNodes(1, 1e9), Options{}, "place: the model has no layers"},
		{"half", Model{LayerBytes: []int64{1}}, nil, Options{}, "place: 1 layers have sizes, 0 have operation counts"},
		{"negative", Model{LayerBytes: []int64{-1}, LayerOps: []float64{1}}, nil, Options{}, "place: layer 0 has a negative size"},
		{"absurd", Model{LayerBytes: []int64{1 << 50, 1 << 50}, LayerOps: []float64{1, 1}}, nil, Options{},
			"place: the model is larger than a pebibyte; its sizes must be wrong"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := Place(c.m, c.nodes, c.o)
			if err == nil {
				t.Fatalf("placed: %+v", p)
			}
			if err.Error() != c.want {
				t.Errorf("got  %s\nwant %s", err, c.want)
			}
		})
	}
}

func TestFromCard(t *testing.T) {
	card := &checkpoint.Card{
		Config: checkpoint.Config{Layers: 2, Hidden: 256, Heads: 4, KVHeads: 2, HeadDim: 64, FFN: 512, Vocab: 1000},
		// Q8_0: 34 bytes for 32 weights.
		LayerBytes: []int64{600e3, 600e3}, EmbedBytes: 272000, HeadBytes: 273000,
	}
	m := FromCard(card, 2, 64)
	if err := m.Check(); err != nil {
		t.Fatal(err)
	}
	if m.KVBlockBytes != 2*2*64*16*2 || m.HeadOps != 256*1000 || m.EmbedRowBytes != 272 || m.AttentionOps != 512 {
		t.Errorf("%+v", m)
	}
	if want := float64(256*(256+2*128) + 256*256 + 3*256*512); m.LayerOps[1] != want {
		t.Errorf("%v operations in a layer, want %v", m.LayerOps[1], want)
	}
	if m.WeightBytes() != 1200e3+272000+273000 {
		t.Errorf("%d bytes of weights", m.WeightBytes())
	}
	if double := FromCard(card, 4, 64); double.KVBlockBytes != 2*m.KVBlockBytes {
		t.Errorf("f32 KV blocks of %d bytes, f16 of %d", double.KVBlockBytes, m.KVBlockBytes)
	}
}

func TestStageNS(t *testing.T) {
	m := uniform(4)
	m.HeadBytes, m.HeadOps = 50e6, 1e9
	n := Node{Name: "a", BytesPerSec: 1e9, OpsPerSec: 10e9}
	for _, c := range []struct {
		name        string
		n           Node
		first, last int
		rows, ctx   int
		want        int64
	}{
		{"bandwidth bound", n, 0, 2, 1, 0, 200e6 + 1000},
		{"compute bound", n, 0, 2, 40, 0, 800e6 + 1000},
		{"with the head", n, 3, 4, 1, 0, 150e6 + 1000},
		{"KV is read too", n, 0, 1, 1, 16000, 100e6 + 16384000 + 1000},
		{"unmeasured", Node{Name: "b", BytesPerSec: math.NaN(), OpsPerSec: -1}, 0, 1, 1, 0, 20e6 + 1000},
	} {
		if got := m.StageNS(c.n, c.first, c.last, c.rows, c.ctx, 1000); got != c.want {
			t.Errorf("%s: %d ns, want %d", c.name, got, c.want)
		}
	}
}

func TestFormat(t *testing.T) {
	for _, c := range []struct {
		n        int64
		down, up string
	}{
		{0, "0 kB", "0 kB"}, {1, "0 kB", "1 kB"}, {999_999, "999 kB", "1000 kB"}, {1_500_000, "1 MB", "2 MB"},
		{1e9, "1.0 GB", "1.0 GB"}, {5_250_000_000, "5.2 GB", "5.3 GB"},
	} {
		if d, u := formatBytes(c.n), formatBytesUp(c.n); d != c.down || u != c.up {
			t.Errorf("%d: %s, %s; want %s, %s", c.n, d, u, c.down, c.up)
		}
	}
	if strings.Contains(formatBytes(1e15), "e") {
		t.Error("exponent in", formatBytes(1e15))
	}
}

func FuzzPlace(f *testing.F) {
	f.Add(uint64(1), int64(1e9), int64(8e9), 5e9, 20e9, 3, 16, 1024)
	f.Add(uint64(2), int64(math.MaxInt64), int64(math.MaxInt64), math.Inf(1), math.NaN(), -1, 1<<62, -5)
	f.Fuzz(func(t *testing.T, seed uint64, bytes, memory int64, read, ops float64, stages, blocks, rows int) {
		m, nodes, o := problem(rand.New(rand.NewPCG(seed, 5)))
		m.LayerBytes[0], m.HeadBytes = bytes, bytes/2
		nodes[0].MemoryBytes, nodes[0].BytesPerSec, nodes[0].OpsPerSec = memory, read, ops
		o.MaxStages, o.WantKVBlocks, o.Rows = stages, blocks, rows%(1<<20)
		if p, err := Place(m, nodes, o); err == nil {
			checkPlacement(t, "fuzz", m, nodes, o, p)
		} else if err.Error() == "" {
			t.Error("an error without words")
		}
	})
}

func BenchmarkPlace(b *testing.B) {
	for _, n := range []int{3, 8, MaxExact, 40} {
		b.Run(fmt.Sprint(n, "nodes"), func(b *testing.B) {
			m, nodes := uniform(80), equalNodes(n, 8e9)
			for b.Loop() {
				if _, err := Place(m, nodes, Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
