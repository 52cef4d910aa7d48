package sched

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// While every tenant has someone waiting, none gets more than a quantum and one prompt ahead of another.
func TestQueueIsFair(t *testing.T) {
	const tenants, quantum, longest = 5, 64, 300
	r := rand.New(rand.NewPCG(5, 6))
	q := queue{quantum: quantum}
	served := make([]int, tenants)
	push := func(k int) {
		// Tenant 0 sends short prompts, the last one long ones.
		n := 1 + r.IntN(longest*(k+1)/tenants)
		q.push(&choice{req: &request{tenant: fmt.Sprint(k), arrival: r.Uint64()}, index: uint32(k), tokens: make([]int32, n)})
	}
	for k := range tenants {
		for range 3 {
			push(k)
		}
	}
	all := func(*choice) bool { return true }
	for i := range 5000 {
		c := q.next(all)
		if c != q.next(all) {
			t.Fatal("asking changes the answer")
		}
		q.take(c)
		served[c.index] += len(c.tokens)
		push(int(c.index))
		low, high := served[0], served[0]
		for _, n := range served {
			low, high = min(low, n), max(high, n)
		}
		if high-low > 2*(quantum+longest) {
			t.Fatalf("after %d: %v", i, served)
		}
	}
}

func TestQueuePassesTheIneligible(t *testing.T) {
	q := queue{quantum: 8}
	for i := range 6 {
		q.push(&choice{req: &request{tenant: fmt.Sprint(i % 2), arrival: uint64(i + 1)}, tokens: make([]int32, 40)})
	}
	odd := func(c *choice) bool { return c.req.arrival%3 == 0 }
	seen := map[uint64]bool{}
	for c := q.next(odd); c != nil; c = q.next(odd) {
		q.take(c)
		seen[c.req.arrival] = true
	}
	if len(seen) != 2 || !seen[3] || !seen[6] {
		t.Errorf("took %v", seen)
	}
	if q.len() != 4 || q.tokens != 160 {
		t.Errorf("%d left with %d tokens", q.len(), q.tokens)
	}
	if c := q.next(func(*choice) bool { return false }); c != nil {
		t.Errorf("nobody is eligible, got %v", c)
	}
}

func TestQueueServesThoseWhoRanFirst(t *testing.T) {
	q := queue{quantum: 8}
	c := func(arrival uint64, priority int, begun bool) *choice {
		x := &choice{req: &request{arrival: arrival, priority: priority}, tokens: make([]int32, 8), begun: begun}
		q.push(x)
		return x
	}
	first, second := c(1, 0, false), c(2, -1, false)
	fourth, third := c(4, 0, true), c(3, 0, true)
	for i, want := range []*choice{third, fourth, second, first} {
		got := q.next(func(*choice) bool { return true })
		if got != want {
			t.Fatalf("%d: arrival %d, want %d", i, got.req.arrival, want.req.arrival)
		}
		q.take(got)
	}
}

// A tenant that leaves takes nobody's turn along.
func TestQueueKeepsTheTurn(t *testing.T) {
	q := queue{quantum: 8}
	var cs []*choice
	for i := range 3 {
		for k := range 2 {
			c := &choice{req: &request{tenant: fmt.Sprint(i), arrival: uint64(2*i + k + 1)}, tokens: make([]int32, 8)}
			q.push(c)
			cs = append(cs, c)
		}
	}
	all := func(*choice) bool { return true }
	for _, want := range []int{0, 2} {
		got := q.next(all)
		if got != cs[want] {
			t.Fatalf("arrival %d, want %d", got.req.arrival, want+1)
		}
		q.take(got)
	}
	if got := q.next(all); got != cs[4] {
		t.Fatalf("arrival %d, want the third tenant's first", got.req.arrival)
	}
	q.remove(cs[1])
	if got := q.next(all); got != cs[4] {
		t.Errorf("arrival %d, want the third tenant's first", got.req.arrival)
	}
}
