package place

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"slices"
)

// MaxExact is the number of nodes up to which order and subset are exact.
const MaxExact = 12

// balance is the weight of even stages against their sum.
const balance = 1e-3

// span is layers [a, b) on nodes[node].
type span struct{ node, a, b int }

// search is one placement problem with a fixed number of KV blocks.
type search struct {
	s       *sizes
	nodes   []Node
	o       Options
	t       *table
	most    int     // stages at most
	current []span  // o.Current if it could still be used as it is, else nil
	had     []span  // what each node holds now; a == b for nothing
	slowest []int64 // [stages] best slowest stage with exactly so many, never if none
}

func newSearch(s *sizes, nodes []Node, blocks int, o Options) *search {
	q := &search{s: s, nodes: nodes, o: o, t: newTable(s, nodes, blocks, o)}
	q.most = min(len(nodes), s.layers())
	if o.MaxStages > 0 {
		q.most = min(q.most, o.MaxStages)
	}
	q.readCurrent()
	return q
}

// run finds the best stages, or false when none fit.
func (q *search) run() ([]span, bool) {
	if len(q.nodes) > MaxExact {
		return q.runOrdered()
	}
	best := q.slowestBySet(q.bound())
	q.slowest = make([]int64, q.most+1)
	q.slowest[0] = never
	for k := 1; k <= q.most; k++ {
		q.slowest[k] = never
		for set := range 1 << len(q.nodes) {
			if bits.OnesCount(uint(set)) == k {
				q.slowest[k] = min(q.slowest[k], best[set*(q.t.layers+1)+q.t.layers])
			}
		}
	}
	k := q.pick()
	if k == 0 {
		return nil, false
	}
	return q.settle(q.leastSum(k, q.margin(q.slowest[k])), k), true
}

// pick is the largest number of stages whose slowest is within IdleFactor of the best, 0 if nothing fits.
func (q *search) pick() int {
	best := slices.Min(q.slowest)
	if best == never {
		return 0
	}
	k := q.most
	for q.slowest[k] > q.idle(best) {
		k--
	}
	return k
}

func (q *search) idle(ns int64) int64 { return int64(float64(ns) * q.o.IdleFactor) }

// margin is how slow a stage may be so that the placement counts as equally good.
func (q *search) margin(slowest int64) int64 {
	if len(q.o.Current) == 0 {
		return slowest
	}
	return int64(float64(slowest) * (1 + q.o.Stability))
}

// bound is a slowest stage beyond which no placement is chosen: that of the nodes in order of speed, times IdleFactor.
func (q *search) bound() int64 {
	best := int64(never)
	order := bySpeed(q.nodes)
	for k := 1; k <= q.most; k++ {
		best = min(best, q.slowestInOrder(order[:k]))
	}
	if best == never {
		return never - 1
	}
	return q.idle(best)
}

// slowestBySet is [set of nodes used][layers placed]: the least possible slowest stage, never above bound.
func (q *search) slowestBySet(bound int64) []int64 {
	w := q.t.layers + 1
	best := make([]int64, w<<len(q.nodes))
	for i := range best {
		best[i] = never
	}
	best[0] = 0
	for set := range 1 << len(q.nodes) {
		if bits.OnesCount(uint(set)) >= q.most {
			continue
		}
		from := best[set*w : set*w+w]
		for i := range q.nodes {
			if set>>i&1 == 1 {
				continue
			}
			with := set | 1<<i
			to := best[with*w : with*w+w]
			for a := 0; a < w-1; a++ {
				if from[a] == never {
					continue
				}
				row := q.t.row(i, a)
				for b := a + 1; b < w && row[b] <= bound; b++ { // times grow with b
					to[b] = min(to[b], max(from[a], row[b]))
				}
			}
		}
	}
	return best
}

// weigh is what a stage adds to the sum that is minimised: its time, a little for imbalance, and for weights
// that its node would have to load a share of the stability margin.
func (q *search) weigh(node, a, b int, ns, slowest int64, stages int) float64 {
	t, limit := float64(ns), float64(slowest)
	v := t + balance*t*t/limit
	if len(q.o.Current) > 0 {
		all := float64(max(q.s.weights(0, q.s.layers()), 1))
		v += q.o.Stability * limit * float64(stages) * float64(q.loads(node, a, b)) / all
	}
	return v
}

// leastSum is the best order and split of exactly k nodes with no stage above slowest. There is one.
func (q *search) leastSum(k int, slowest int64) []span {
	type cell struct {
		v    float64
		from int32 // where the last stage begins
		node int32
	}
	n, w := len(q.nodes), q.t.layers+1
	cells := make([]cell, w<<n)
	for i := range cells {
		cells[i].v = math.Inf(1)
	}
	cells[0].v = 0
	for set := range 1 << n {
		if bits.OnesCount(uint(set)) >= k {
			continue
		}
		for i := range n {
			if set>>i&1 == 1 {
				continue
			}
			to := cells[(set|1<<i)*w:]
			for a := 0; a < w-1; a++ {
				v := cells[set*w+a].v
				if math.IsInf(v, 1) {
					continue
				}
				row := q.t.row(i, a)
				for b := a + 1; b < w && row[b] <= slowest; b++ {
					if x := v + q.weigh(i, a, b, row[b], slowest, k); x < to[b].v {
						to[b] = cell{x, int32(a), int32(i)}
					}
				}
			}
		}
	}
	set := -1
	for c := range 1 << n {
		if bits.OnesCount(uint(c)) == k && (set < 0 || cells[c*w+w-1].v < cells[set*w+w-1].v) {
			set = c
		}
	}
	stages := make([]span, k)
	for b := w - 1; k > 0; {
		c := cells[set*w+b]
		k--
		stages[k] = span{int(c.node), int(c.from), b}
		set, b = set&^(1<<c.node), int(c.from)
	}
	return stages
}

// leftOut explains each node that has no stage.
func (q *search) leftOut(stages []span, out []LeftOut) []LeftOut {
	for i, n := range q.nodes {
		if !slices.ContainsFunc(stages, func(s span) bool { return s.node == i }) {
			out = append(out, LeftOut{n.Name, q.why(len(stages))})
		}
	}
	slices.SortFunc(out, func(a, b LeftOut) int { return cmp.Compare(a.Node, b.Node) })
	return out
}

func (q *search) why(k int) string {
	switch {
	case k == q.o.MaxStages:
		return fmt.Sprintf("a plan may use %d %s", k, plural(k, "shard"))
	case k == q.s.layers():
		return fmt.Sprintf("the model has only %d %s", k, plural(k, "layer"))
	case q.slowest[k+1] == never:
		return fmt.Sprintf("with it the slowest stage would be more than %.2f times as slow, or nothing would fit", q.o.IdleFactor)
	}
	return fmt.Sprintf("with it the slowest stage would be %.1f times as slow", float64(q.slowest[k+1])/float64(q.slowest[k]))
}

func plural(n int, noun string) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}
