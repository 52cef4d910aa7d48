package place

import (
	"errors"
	"reflect"
	"testing"
)

// TestMapping: weights that may stay in the file make room where memory is short, and nowhere else.
func TestMapping(t *testing.T) {
	m := uniform(12) // 1.2 GB of weights, 20 MB of scratch, 196608 bytes a block
	o := Options{MinKVBlocks: 16, WantKVBlocks: 64}
	for _, c := range []struct {
		name    string
		mapping Mapping
		memory  int64
		blocks  int // 0 is infeasible
	}{
		{"repacked and short", MapNothing, 600e6, 0},
		{"mapped if short", MapIfShort, 600e6, 1424},
		{"always mapped and short", MapAll, 600e6, 1424},
		{"repacked with room", MapNothing, 2000e6, 3967},
		{"not mapped with room", MapIfShort, 2000e6, 3967},
		{"always mapped with room", MapAll, 2000e6, 4984},
		{"no room for KV", MapIfShort, 45e6, 0},
	} {
		nodes := equalNodes(1, c.memory)
		nodes[0].Mapping = c.mapping
		p, err := Place(m, nodes, o)
		var short *Infeasible
		if c.blocks == 0 && !errors.As(err, &short) {
			t.Errorf("%s: %+v, %v, want infeasible", c.name, p, err)
		}
		if c.blocks > 0 && (err != nil || p.KVBlocks != c.blocks || !reflect.DeepEqual(lengths(p), []int{12})) {
			t.Errorf("%s: %d blocks, layers %v, %v; want %d blocks", c.name, p.KVBlocks, lengths(p), err, c.blocks)
		}
	}
}

// TestMappingComesLast: a node that could map takes no layers that another has memory for.
func TestMappingComesLast(t *testing.T) {
	nodes := equalNodes(2, 900e6)
	nodes[0].Mapping, nodes[0].MemoryBytes = MapIfShort, 500e6
	p, err := Place(uniform(12), nodes, Options{MinKVBlocks: 16})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range p.Stages {
		if s.Node == "shard-00" && s.WeightBytes > 500e6 {
			t.Errorf("a node of 500 MB has %d bytes of weights", s.WeightBytes)
		}
	}
}
