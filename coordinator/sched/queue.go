package sched

import "slices"

// queue holds the choices that wait. The coordinator's own and those that have run before go first, by rank; new ones
// are taken by deficit round robin over their tenants: a tenant may prefill a quantum of tokens per round, so that one
// who sends long prompts, or many, waits behind himself. Within a tenant the order is turn.
type queue struct {
	quantum int
	ahead   []*choice // in order of rank
	tenants []*tenant // those with someone waiting, in the order of their turns
	turn    int
	size    int // of the tenants' choices
	tokens  int // of all
}

type tenant struct {
	name    string
	deficit int
	waiting []*choice
}

// maxRounds bounds how many rounds the longest prompt has to wait for its turn.
const maxRounds = 16

func (q *queue) len() int { return len(q.ahead) + q.size }

func (q *queue) push(c *choice) {
	q.tokens += len(c.tokens)
	if c.ahead() {
		q.ahead = insert(q.ahead, c, rank)
		return
	}
	q.size++
	for _, t := range q.tenants {
		if t.name == c.req.tenant {
			t.waiting = insert(t.waiting, c, turn)
			return
		}
	}
	q.tenants = append(q.tenants, &tenant{name: c.req.tenant, waiting: []*choice{c}})
}

// next is the choice whose turn it is among the eligible ones, nil when there is none. It stays in the queue.
func (q *queue) next(eligible func(*choice) bool) *choice {
	if c := first(q.ahead, eligible); c != nil {
		return c
	}
	for idle := 0; idle < len(q.tenants); {
		q.turn %= len(q.tenants)
		t := q.tenants[q.turn]
		c := first(t.waiting, eligible)
		if c != nil && q.cost(c) <= t.deficit {
			return c
		}
		if c == nil {
			t.deficit = 0
			idle++
		} else {
			t.deficit += q.quantum
			idle = 0
		}
		q.turn++
	}
	return nil
}

// take removes the choice that next gave and charges its tenant.
func (q *queue) take(c *choice) {
	if !c.ahead() {
		q.tenants[q.turn].deficit -= q.cost(c)
	}
	q.remove(c)
}

func (q *queue) remove(c *choice) {
	q.tokens -= len(c.tokens)
	if c.ahead() {
		q.ahead = without(q.ahead, c)
		return
	}
	q.size--
	for i, t := range q.tenants {
		if t.name != c.req.tenant {
			continue
		}
		if t.waiting = without(t.waiting, c); len(t.waiting) == 0 {
			q.tenants = slices.Delete(q.tenants, i, i+1)
			if i < q.turn {
				q.turn--
			}
		}
		return
	}
}

// cost is what a choice takes of its tenant's deficit.
func (q *queue) cost(c *choice) int { return min(len(c.tokens), maxRounds*q.quantum) }

func first(cs []*choice, eligible func(*choice) bool) *choice {
	for _, c := range cs {
		if eligible(c) {
			return c
		}
	}
	return nil
}

func insert(cs []*choice, c *choice, order func(a, b *choice) int) []*choice {
	i, _ := slices.BinarySearchFunc(cs, c, order)
	return slices.Insert(cs, i, c)
}

func without(cs []*choice, c *choice) []*choice {
	if i := slices.Index(cs, c); i >= 0 {
		return slices.Delete(cs, i, i+1)
	}
	return cs
}
