package sched

import (
	"errors"
	"fmt"
	"slices"
)

// Check tells whether the scheduler's state contradicts itself. It looks at everything and is meant for tests.
func (s *Scheduler) Check() error {
	return errors.Join(s.checkRequests(), s.checkQueue(), s.checkRunning(), s.checkSteps(), s.checkPool())
}

func (s *Scheduler) checkRequests() error {
	if len(s.order) != len(s.requests) {
		return fmt.Errorf("sched: %d requests in order, %d by id", len(s.order), len(s.requests))
	}
	queued := slices.Clone(s.queue.ahead)
	for _, t := range s.queue.tenants {
		queued = append(queued, t.waiting...)
	}
	inside := s.runningChoices()
	for i, r := range s.order {
		if s.requests[r.id] != r || i > 0 && s.order[i-1].arrival >= r.arrival || len(r.choices) == 0 {
			return fmt.Errorf("sched: request %q is out of order or empty", r.id)
		}
		if err := r.checkScores(); err != nil {
			return fmt.Errorf("sched: request %q: %w", r.id, err)
		}
		for _, c := range r.choices {
			if err := s.checkChoice(c, queued, inside); err != nil {
				return fmt.Errorf("sched: request %q choice %d: %w", r.id, c.index, err)
			}
		}
	}
	return nil
}

// checkScores: one choice scores the prompt for all, and before any has output.
func (r *request) checkScores() error {
	active, output := 0, 0
	for _, c := range r.choices {
		output += c.output()
		if c.state == running {
			active++
		}
	}
	if r.scored < 1 || r.scored > r.prompt || r.scoring() && (active > 1 || output > 0) {
		return fmt.Errorf("%d of %d prompt tokens scored, %d choices run, %d tokens of output", r.scored, r.prompt, active, output)
	}
	return nil
}

func (s *Scheduler) checkChoice(c *choice, queued, inside []*choice) error {
	switch {
	case c.state == ended:
		return errors.New("ended but still listed")
	case (c.state == waiting) != slices.Contains(queued, c) || (c.state == running) != slices.Contains(inside, c):
		return fmt.Errorf("state %d does not tell where it is", c.state)
	case (c.state == running) != (c.seq != nil):
		return fmt.Errorf("state %d, sequence %v", c.state, c.seq != nil)
	case len(c.tokens) >= s.limit(c) && !c.req.scoring():
		return fmt.Errorf("%d tokens have reached the limit %d", len(c.tokens), s.limit(c))
	}
	return nil
}

func (s *Scheduler) checkQueue() error {
	q, size, tokens := &s.queue, 0, 0
	for _, c := range q.ahead {
		tokens += len(c.tokens)
	}
	for _, t := range q.tenants {
		if len(t.waiting) == 0 || t.deficit < 0 || !slices.IsSortedFunc(t.waiting, turn) {
			return fmt.Errorf("sched: tenant %q: %d waiting, deficit %d, or out of order", t.name, len(t.waiting), t.deficit)
		}
		for _, c := range t.waiting {
			tokens += len(c.tokens)
			size++
		}
	}
	if size != q.size || tokens != q.tokens || !slices.IsSortedFunc(q.ahead, rank) {
		return fmt.Errorf("sched: queue counts %d choices and %d tokens, has %d and %d, or is out of order",
			q.size, q.tokens, size, tokens)
	}
	return nil
}

func (s *Scheduler) checkRunning() error {
	for _, c := range s.runningChoices() {
		q := c.seq
		switch {
		case c.state != running || q.choice != c || q.dying || q.failed:
			return fmt.Errorf("sched: sequence %d is among the running ones", q.id)
		case q.done > q.sent || q.sent > len(c.tokens) || q.published*BlockTokens > q.done:
			return fmt.Errorf("sched: sequence %d: %d blocks published, %d done, %d sent, %d tokens",
				q.id, q.published, q.done, q.sent, len(c.tokens))
		case q.steps == 0 && q.done != q.sent:
			return fmt.Errorf("sched: sequence %d: nothing in flight, %d done of %d sent", q.id, q.done, q.sent)
		case len(q.blocks) < blocksFor(q.sent) || len(q.blocks) > blocksFor(len(c.tokens)):
			return fmt.Errorf("sched: sequence %d: %d blocks for %d of %d tokens", q.id, len(q.blocks), q.sent, len(c.tokens))
		case slices.Contains(s.prefills, c) && q.sent == c.rows(),
			slices.Contains(s.decodes, c) && q.sent != c.rows()-max(0, 1-q.steps):
			return fmt.Errorf("sched: sequence %d: %d of %d tokens sent with %d steps in flight",
				q.id, q.sent, len(c.tokens), q.steps)
		}
	}
	return nil
}

func (s *Scheduler) checkSteps() error {
	if s.lane == nil {
		return nil
	}
	inFlight := map[*sequence]int{}
	for i, b := range s.lane.steps {
		if b.number != s.lane.acked+uint64(i)+1 || b.rows > s.lane.maxRows {
			return fmt.Errorf("sched: step %d of %d rows is %d after %d", b.number, b.rows, i+1, s.lane.acked)
		}
		for _, p := range b.parts {
			inFlight[p.seq]++
			if err := s.checkWrites(p); err != nil {
				return err
			}
		}
	}
	if n := len(s.lane.steps); n > s.lane.stages+1 {
		return fmt.Errorf("sched: %d steps in flight in %d stages", n, s.lane.stages)
	}
	for _, c := range s.runningChoices() {
		if inFlight[c.seq] != c.seq.steps {
			return fmt.Errorf("sched: sequence %d: %d steps in flight, counted %d", c.seq.id, inFlight[c.seq], c.seq.steps)
		}
	}
	return nil
}

// checkWrites looks at the block that an entry in flight ends in: nobody else may have it.
func (s *Scheduler) checkWrites(p part) error {
	last := (p.end - 1) / BlockTokens
	if last >= len(p.seq.blocks) {
		return fmt.Errorf("sched: sequence %d writes position %d with %d blocks", p.seq.id, p.end-1, len(p.seq.blocks))
	}
	if b := s.lane.pool.blocks[p.seq.blocks[last]]; b.refs != 1 || b.published {
		return fmt.Errorf("sched: sequence %d writes block %d, which has %d owners (published %v)",
			p.seq.id, p.seq.blocks[last], b.refs, b.published)
	}
	return nil
}

// checkPool counts every reference anew.
func (s *Scheduler) checkPool() error {
	if s.lane == nil {
		return nil
	}
	p := s.lane.pool
	refs := make([]int32, len(p.blocks))
	for _, c := range s.runningChoices() {
		for _, id := range c.seq.blocks {
			refs[id]++
		}
	}
	for _, q := range s.dying {
		if !q.dying || q.steps == 0 {
			return fmt.Errorf("sched: sequence %d is dying with nothing in flight", q.id)
		}
		for _, id := range q.blocks {
			refs[id]++
		}
	}
	return p.check(refs)
}

// check compares the pool with the references that are counted elsewhere.
func (p *pool) check(refs []int32) error {
	free := map[int32]bool{}
	for _, id := range p.free {
		free[id] = true
	}
	cached, published := 0, 0
	for id := p.oldest; id != none && cached <= len(p.blocks); id = p.blocks[id].newer {
		cached++
	}
	for i := range p.blocks {
		b, id := &p.blocks[i], int32(i)
		at, named := p.byName[b.name]
		switch {
		case b.refs != refs[i] || b.refs > 1 && !b.published:
			return fmt.Errorf("sched: block %d counts %d owners, has %d (published %v)", i, b.refs, refs[i], b.published)
		case free[id] && (b.refs > 0 || b.published):
			return fmt.Errorf("sched: block %d is free and in use", i)
		case b.published && (!named || at != id):
			return fmt.Errorf("sched: block %d is published and not found", i)
		case !free[id] && b.refs == 0 && !b.published:
			return fmt.Errorf("sched: block %d is lost", i)
		}
		if b.published {
			published++
		}
	}
	if len(free) != len(p.free) || cached != p.cached || published != len(p.byName) {
		return fmt.Errorf("sched: pool lists %d free, %d cached, %d published, has %d, %d, %d",
			len(p.free), p.cached, len(p.byName), len(free), cached, published)
	}
	if n := p.used() + p.cached + len(p.free); n != len(p.blocks) {
		return fmt.Errorf("sched: %d of %d blocks accounted for", n, len(p.blocks))
	}
	return nil
}
