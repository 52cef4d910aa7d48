package place

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
	"strings"
)

// Infeasible is returned when no split of whole layers fits the nodes' memory. It says what is missing.
type Infeasible struct {
	WeightBytes  int64 // the whole model's
	KVBytes      int64 // of MinKVBlocks in all layers
	ScratchBytes int64 // of each stage
	Nodes        int
	Stages       int   // how many of the nodes may be used
	OfferedBytes int64 // by the largest Stages nodes
	MissingBytes int64 // the least memory of one more shard with which the model fits; one stage more, if all are in use
}

func (e *Infeasible) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the model needs %s of weights", formatBytesUp(e.WeightBytes))
	if e.KVBytes > 0 {
		fmt.Fprintf(&b, " and %s of KV", formatBytesUp(e.KVBytes))
	}
	if e.ScratchBytes > 0 {
		fmt.Fprintf(&b, ", and %s of scratch on each shard", formatBytesUp(e.ScratchBytes))
	}
	switch {
	case e.Nodes == 0:
		b.WriteString("; no shard is here")
	case e.Stages < e.Nodes:
		fmt.Fprintf(&b, "; a plan may use %d of the %d shards that are here, and these offer %s", e.Stages, e.Nodes, formatBytes(e.OfferedBytes))
	case e.Nodes == 1:
		fmt.Fprintf(&b, "; the 1 shard that is here offers %s", formatBytes(e.OfferedBytes))
	default:
		fmt.Fprintf(&b, "; the %d shards that are here offer %s", e.Nodes, formatBytes(e.OfferedBytes))
	}
	if e.Stages > 0 && e.OfferedBytes >= e.WeightBytes+e.KVBytes+int64(e.Stages)*e.ScratchBytes {
		b.WriteString(", but no split of whole layers fits them")
	}
	if e.Stages < e.Nodes {
		fmt.Fprintf(&b, "; let it use more shards, or add one with at least %s and let it use %d", formatBytesUp(e.MissingBytes), e.Stages+1)
	} else {
		fmt.Fprintf(&b, "; add a shard with at least %s", formatBytesUp(e.MissingBytes))
	}
	return b.String()
}

func newInfeasible(s *sizes, nodes []Node, o Options) *Infeasible {
	l := s.layers()
	e := &Infeasible{
		WeightBytes:  s.weights(0, l),
		KVBytes:      s.kv(0, l, o.MinKVBlocks),
		ScratchBytes: s.m.ScratchBytes,
		Nodes:        len(nodes),
		Stages:       len(nodes),
	}
	if o.MaxStages > 0 {
		e.Stages = min(e.Stages, o.MaxStages)
	}
	byMemory := slices.Clone(nodes)
	slices.SortStableFunc(byMemory, func(a, b Node) int { return cmp.Compare(b.MemoryBytes, a.MemoryBytes) })
	byMemory = byMemory[:e.Stages]
	for _, n := range byMemory {
		e.OfferedBytes += n.MemoryBytes
	}
	e.MissingBytes = missing(s, byMemory[:min(len(byMemory), MaxExact)], o.MinKVBlocks)
	return e
}

// missing is the memory of the smallest shard that makes the model fit together with these. Some of them
// hold a prefix of the layers, the others a suffix, and the new one what is between. A set that reaches further
// is never worse, so the furthest reach of each set is all there is to know.
func missing(s *sizes, nodes []Node, blocks int) int64 {
	sets := 1 << len(nodes)
	l := s.layers()
	prefix, suffix := make([]int, sets), make([]int, sets) // layers [0, prefix) and [suffix, l) fit the set
	suffix[0] = l
	for set := 1; set < sets; set++ {
		suffix[set] = l
		for rest := set; rest != 0; rest &= rest - 1 {
			i := bits.TrailingZeros(uint(rest))
			b := prefix[set&^(1<<i)]
			for a := b; b < l && s.fits(nodes[i], a, b+1, blocks); b++ {
			}
			prefix[set] = max(prefix[set], b)
			a := suffix[set&^(1<<i)]
			for b := a; a > 0 && s.fits(nodes[i], a-1, b, blocks); a-- {
			}
			suffix[set] = min(suffix[set], a)
		}
	}
	least := s.need(0, l, blocks)
	for set := range sets {
		if a, b := prefix[set], suffix[sets-1-set]; a < b {
			least = min(least, s.need(a, b, blocks))
		}
	}
	return least
}

// formatBytes rounds down to 0.1 GB, or to MB below 1 GB; formatBytesUp rounds up.
func formatBytes(n int64) string   { return formatUnits(n, 0) }
func formatBytesUp(n int64) string { return formatUnits(n, 1) }

func formatUnits(n, up int64) string {
	switch {
	case n >= 1e9:
		tenths := (n + up*(1e8-1)) / 1e8
		return fmt.Sprintf("%d.%d GB", tenths/10, tenths%10)
	case n >= 1e6:
		return fmt.Sprintf("%d MB", (n+up*(1e6-1))/1e6)
	}
	return fmt.Sprintf("%d kB", (n+up*999)/1000)
}
