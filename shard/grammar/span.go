package grammar

import "slices"

// span is the lengths of the shortest and the longest string that d accepts; infinite where there is no longest. Where it accepts
// none, both are 0.
func (d *runeDFA) span() (shortest, longest int) {
	live := d.live()
	if !live[0] {
		return 0, 0
	}
	return d.shortest(), d.longest(live)
}

// edges is how many edges d has.
func (d *runeDFA) edges() (n int) {
	for i := range d.states {
		n += len(d.states[i].edges)
	}
	return n
}

// live tells of each state whether a string is accepted from there.
func (d *runeDFA) live() []bool {
	from := make([][]int, len(d.states)) // the states with an edge to each
	var work []int
	for i := range d.states {
		for _, e := range d.states[i].edges {
			from[e.to] = append(from[e.to], i)
		}
		if d.states[i].accept {
			work = append(work, i)
		}
	}
	live := make([]bool, len(d.states))
	for len(work) > 0 {
		i := work[len(work)-1]
		work = work[:len(work)-1]
		if !live[i] {
			live[i] = true
			work = append(work, from[i]...)
		}
	}
	return live
}

// shortest goes through the states by their distance.
func (d *runeDFA) shortest() int {
	at, seen := []int{0}, map[int]bool{0: true}
	for n := 0; len(at) > 0; n++ {
		var next []int
		for _, i := range at {
			if d.states[i].accept {
				return n
			}
			for _, e := range d.states[i].edges {
				if !seen[e.to] {
					seen[e.to] = true
					next = append(next, e.to)
				}
			}
		}
		at = next
	}
	return 0
}

// longest takes live states away that no other leads to, until none is left or only loops are.
func (d *runeDFA) longest(live []bool) int {
	into := make([]int, len(d.states)) // edges from live states
	for i := range d.states {
		for _, e := range d.states[i].edges {
			if live[i] && live[e.to] {
				into[e.to]++
			}
		}
	}
	if into[0] > 0 {
		return infinite
	}
	length, work, taken := make([]int, len(d.states)), []int{0}, 0
	for len(work) > 0 {
		i := work[len(work)-1]
		work = work[:len(work)-1]
		taken++
		for _, e := range d.states[i].edges {
			if !live[e.to] {
				continue
			}
			length[e.to] = max(length[e.to], length[i]+1)
			if into[e.to]--; into[e.to] == 0 {
				work = append(work, e.to)
			}
		}
	}
	for i := range live {
		if live[i] && into[i] > 0 {
			return infinite
		}
	}
	return slices.Max(length)
}
