package sample

import "math"

// keep applies top-k, top-p and min-p. It returns how many candidates of the ranking are left, and the sum of their
// weights.
func (s *Sampler) keep(r *ranking) (n int, mass float64) {
	p := &s.params
	n = len(r.logits)
	cut := p.TopK > 0 && p.TopK < n
	if cut {
		n, mass = take(r, p.TopK, math.Inf(1))
	} else if p.TopP < 1 || p.MinP == 0 {
		mass = r.total()
	}
	if p.TopP < 1 {
		n, mass = take(r, n, float64(p.TopP*mass))
	}
	if p.MinP > 0 {
		n, mass = heavy(r, n, p.MinP)
	}
	return n, mass
}

// take returns how many of the first n candidates it takes for their weights to sum to want, and that sum; n and the
// sum of all where they never do.
func take(r *ranking, n int, want float64) (int, float64) {
	sum := 0.0
	for i := range n {
		if !r.has(i) {
			return i, sum
		}
		if sum += r.weight(i); sum >= want {
			return i + 1, sum
		}
	}
	return n, sum
}

// heavy returns how many of the first n candidates weigh at least least, and the sum of their weights. The first weighs 1.
func heavy(r *ranking, n int, least float64) (int, float64) {
	sum := 0.0
	for i := range n {
		if !r.has(i) {
			return i, sum
		}
		w := r.weight(i)
		if w < least {
			return i, sum
		}
		sum += w
	}
	return n, sum
}

// draw returns the first of n candidates at which the cumulative weight exceeds point. Rounding can leave
// point at the sum of all; the last candidate with a weight is drawn then.
func draw(r *ranking, n int, point float64) int32 {
	var sum float64
	var last int32
	for i := 0; i < n && r.has(i); i++ {
		w := r.weight(i)
		if w == 0 {
			break
		}
		last = r.id(i)
		if sum += w; sum > point {
			break
		}
	}
	return last
}
