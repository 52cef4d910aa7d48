package place

// readCurrent translates Options.Current into spans of the nodes that are still there.
func (q *search) readCurrent() {
	q.had = make([]span, len(q.nodes))
	layers, usable := 0, len(q.o.Current) > 0
	for _, r := range q.o.Current {
		i := q.index(r.Node)
		if r.First < 0 || r.Last > q.s.layers() || r.First >= r.Last || i < 0 {
			usable = false
			continue
		}
		usable = usable && r.First == layers && q.had[i].b == 0 && q.t.row(i, r.First)[r.Last] != never
		layers = r.Last
		q.had[i] = span{i, r.First, r.Last}
		q.current = append(q.current, q.had[i])
	}
	if !usable || layers != q.s.layers() {
		q.current = nil
	}
}

func (q *search) index(name string) int {
	for i, n := range q.nodes {
		if n.Name == name {
			return i
		}
	}
	return -1
}

// loads is how many bytes of weights for layers [a, b) a node does not hold now.
func (q *search) loads(node, a, b int) int64 {
	h := q.had[node]
	w := q.s.weights(a, b)
	if h.a == h.b {
		return w
	}
	if lo, hi := max(a, h.a), min(b, h.b); lo < hi {
		w -= q.s.bytes[hi] - q.s.bytes[lo]
	}
	if a == 0 && h.a == 0 {
		w -= q.s.m.EmbedBytes
	}
	if b == q.s.layers() && h.b == b {
		w -= q.s.m.HeadBytes
	}
	return w
}

// settle keeps the current ranges if the best ones are hardly better.
func (q *search) settle(best []span, k int) []span {
	if len(q.current) != k {
		return best
	}
	slowest, sum := q.times(q.current)
	_, bestSum := q.times(best)
	if slowest <= q.margin(q.slowest[k]) && float64(sum) <= float64(bestSum)*(1+q.o.Stability) {
		return q.current
	}
	return best
}

func (q *search) times(stages []span) (slowest, sum int64) {
	for _, s := range stages {
		ns := q.t.row(s.node, s.a)[s.b]
		slowest, sum = max(slowest, ns), sum+ns
	}
	return slowest, sum
}
