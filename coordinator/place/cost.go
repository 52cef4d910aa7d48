package place

import "math"

// never is the cost of a stage that does not fit its node's memory.
const never = math.MaxInt64

// sizes answers questions about layer ranges in constant time.
type sizes struct {
	m     Model
	bytes []int64   // [layers+1] weights before layer l
	ops   []float64 // [layers+1]
}

func newSizes(m Model) *sizes {
	n := m.Layers()
	s := &sizes{m: m, bytes: make([]int64, n+1), ops: make([]float64, n+1)}
	for i := range n {
		s.bytes[i+1] = s.bytes[i] + m.LayerBytes[i]
		s.ops[i+1] = s.ops[i] + m.LayerOps[i]
	}
	return s
}

func (s *sizes) layers() int { return len(s.bytes) - 1 }

// weights is what a stage with layers [a, b) keeps in memory of the model.
func (s *sizes) weights(a, b int) int64 {
	w := s.bytes[b] - s.bytes[a]
	if a == 0 {
		w += s.m.EmbedBytes
	}
	if b == s.layers() {
		w += s.m.HeadBytes
	}
	return w
}

func (s *sizes) kv(a, b, blocks int) int64 { return int64(b-a) * int64(blocks) * s.m.KVBlockBytes }

// need is the memory that layers [a, b) take with so many KV blocks. It grows with the range.
func (s *sizes) need(a, b, blocks int) int64 {
	return s.weights(a, b) + s.kv(a, b, blocks) + s.m.ScratchBytes
}

// fits tells whether a node's memory holds layers [a, b) with so many KV blocks.
func (s *sizes) fits(n Node, a, b, blocks int) bool { return s.left(n, a, b, blocks) >= 0 }

// left is the memory that layers [a, b) with so many KV blocks leave of a node's; negative where they do not fit.
// Mapped weights take half of the memory at most: KV gets no more than the rest, for without pages in memory each step
// would read the weights from the disk.
func (s *sizes) left(n Node, a, b, blocks int) int64 {
	need := s.need(a, b, blocks)
	if n.mapped {
		need -= max(0, s.weights(a, b)-n.MemoryBytes/2)
	}
	return n.MemoryBytes - need
}

// stageNS predicts one step of layers [a, b) on a node. It grows with the range.
func (s *sizes) stageNS(n Node, a, b, rows, context int, overheadNS int64) int64 {
	r, positions := float64(rows), float64(rows)*float64(context)
	bytes := float64(s.bytes[b]-s.bytes[a]) +
		positions*float64(b-a)*float64(s.m.KVBlockBytes)/BlockTokens
	ops := r*(s.ops[b]-s.ops[a]) + positions*float64(b-a)*s.m.AttentionOps
	if a == 0 {
		bytes += r * float64(s.m.EmbedRowBytes)
	}
	if b == s.layers() {
		bytes += float64(s.m.HeadBytes)
		ops += r * s.m.HeadOps
	}
	t := max(bytes/speed(n.BytesPerSec, DefaultBytesPerSec), ops/speed(n.OpsPerSec, DefaultOpsPerSec)) * 1e9
	return overheadNS + int64(math.Ceil(min(t, 1e15)))
}

// speed guards against what a node may have failed to measure.
func speed(v, otherwise float64) float64 {
	if !(v > 0) || math.IsInf(v, 0) {
		return otherwise
	}
	return v
}

// StageNS predicts a step of rows, each attending to context positions, of layers [first, last) on a node. Overhead is
// as in Options, whose zero is 200 µs.
func (m Model) StageNS(n Node, first, last, rows, context int, overheadNS int64) int64 {
	o := Options{Rows: rows, Context: context, OverheadNS: overheadNS}.withDefaults()
	return newSizes(m).stageNS(n, first, last, o.Rows, o.Context, o.OverheadNS)
}

// table holds the time of every possible stage, never where it does not fit.
type table struct {
	layers int
	ns     []int64 // [node][a][b]
}

func newTable(s *sizes, nodes []Node, blocks int, o Options) *table {
	l := s.layers()
	t := &table{layers: l, ns: make([]int64, len(nodes)*(l+1)*(l+1))}
	for i, n := range nodes {
		for a := range l {
			row := t.row(i, a)
			for b := range row {
				row[b] = never
				if b > a && s.fits(n, a, b, blocks) {
					row[b] = s.stageNS(n, a, b, o.Rows, o.Context, o.OverheadNS)
				}
			}
		}
	}
	return t
}

// row is the times of the stages of a node that begin at layer a, by where they end.
func (t *table) row(node, a int) []int64 {
	w := t.layers + 1
	at := (node*w + a) * w
	return t.ns[at : at+w]
}
