package place

import (
	"cmp"
	"math"
	"slices"
)

// headTries is how many of the fastest nodes are tried as last stage when there are too many for an exact order.
const headTries = 12

// bySpeed is the indices of the nodes, fastest first; among equals by index.
func bySpeed(nodes []Node) []int {
	order := make([]int, len(nodes))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(
			cmp.Compare(speed(nodes[b].BytesPerSec, DefaultBytesPerSec), speed(nodes[a].BytesPerSec, DefaultBytesPerSec)),
			cmp.Compare(speed(nodes[b].OpsPerSec, DefaultOpsPerSec), speed(nodes[a].OpsPerSec, DefaultOpsPerSec)),
			cmp.Compare(nodes[b].MemoryBytes, nodes[a].MemoryBytes))
	})
	return order
}

// runOrdered takes the fastest k nodes for each k, and the best of a few orders of them.
func (q *search) runOrdered() ([]span, bool) {
	q.slowest = make([]int64, q.most+1)
	orders := make([][]int, q.most+1)
	for k := range q.slowest {
		q.slowest[k] = never
		for _, order := range q.orders(k) {
			if t := q.slowestInOrder(order); t < q.slowest[k] {
				q.slowest[k], orders[k] = t, order
			}
		}
	}
	k := q.pick()
	if k == 0 {
		return nil, false
	}
	return q.settle(q.leastSumInOrder(orders[k], q.margin(q.slowest[k])), k), true
}

// orders are the fastest k nodes, first as they stand now (current ones in pipeline order), then by speed
// with each of a few at the end.
func (q *search) orders(k int) [][]int {
	if k == 0 {
		return nil
	}
	set := bySpeed(q.nodes)[:k]
	asNow := slices.Clone(set)
	slices.SortStableFunc(asNow, func(a, b int) int { return cmp.Compare(q.position(a), q.position(b)) })
	out := [][]int{asNow}
	for i := range min(k, headTries) {
		order := append(slices.Delete(slices.Clone(set), i, i+1), set[i])
		out = append(out, order)
	}
	return out
}

// position is where a node stands in the current pipeline; new ones go before all others, where the head is not.
func (q *search) position(node int) int { return q.had[node].a }

// slowestInOrder is the least slowest stage when these nodes, in this order, each take at least one layer.
func (q *search) slowestInOrder(order []int) int64 {
	w := q.t.layers + 1
	best, next := make([]int64, w), make([]int64, w)
	for l := range best {
		best[l] = never
	}
	best[0] = 0
	for _, i := range order {
		for l := range next {
			next[l] = never
		}
		for a := 0; a < w-1; a++ {
			if best[a] == never {
				continue
			}
			row := q.t.row(i, a)
			for b := a + 1; b < w && row[b] != never; b++ {
				next[b] = min(next[b], max(best[a], row[b]))
			}
		}
		best, next = next, best
	}
	return best[w-1]
}

// leastSumInOrder is the split of these nodes in this order with the least sum and no stage above slowest.
func (q *search) leastSumInOrder(order []int, slowest int64) []span {
	k, w := len(order), q.t.layers+1
	sum := make([]float64, (k+1)*w) // [stages placed][layers placed]
	from := make([]int, (k+1)*w)
	for i := range sum {
		sum[i] = math.Inf(1)
	}
	sum[0] = 0
	for j, i := range order {
		for a := 0; a < w-1; a++ {
			v := sum[j*w+a]
			if math.IsInf(v, 1) {
				continue
			}
			row := q.t.row(i, a)
			for b := a + 1; b < w && row[b] <= slowest; b++ {
				if x := v + q.weigh(i, a, b, row[b], slowest, k); x < sum[(j+1)*w+b] {
					sum[(j+1)*w+b], from[(j+1)*w+b] = x, a
				}
			}
		}
	}
	stages := make([]span, k)
	for j, b := k, w-1; j > 0; j-- {
		a := from[j*w+b]
		stages[j-1] = span{order[j-1], a, b}
		b = a
	}
	return stages
}
