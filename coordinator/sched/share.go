package sched

// shares is how KV is divided between the tenants that have or want some: while several do, one that holds more than an equal
// part is over its share. It waits behind those that are not, and gives way to them, so that one who fills the KV cannot keep
// the others out. A single tenant is never over its share.
type shares struct {
	held  map[string]int // blocks
	equal int            // part of each; the whole pool where one is alone
}

// shares counts the blocks of all who run. A tenant that only waits counts as one that wants some.
func (s *Scheduler) shares() shares {
	sh := shares{held: map[string]int{}}
	for _, cs := range [][]*choice{s.prefills, s.decodes} {
		for _, c := range cs {
			if !c.req.own {
				sh.held[c.req.tenant] += len(c.seq.blocks)
			}
		}
	}
	for _, c := range s.queue.ahead {
		if !c.req.own {
			sh.held[c.req.tenant] += 0
		}
	}
	for _, t := range s.queue.tenants {
		sh.held[t.name] += 0
	}
	sh.equal = len(s.lane.pool.blocks) / max(1, len(sh.held))
	return sh
}

// over tells whether a choice's tenant holds more than its part.
func (sh *shares) over(c *choice) bool {
	return len(sh.held) > 1 && !c.req.own && sh.held[c.req.tenant] > sh.equal
}

// behind tells whether a gives way to b: a tenant over its share to one that is not, else by rank.
func (sh *shares) behind(a, b *choice) bool {
	if x, y := sh.over(a), sh.over(b); x != y {
		return x
	}
	return rank(a, b) > 0
}

// next is whose turn it is among those that may start: those whose tenants are within their share, then the others.
func (s *Scheduler) next(sh *shares) *choice {
	within := func(c *choice) bool { return !sh.over(c) && s.eligible(c) }
	if c := s.queue.next(within); c != nil || len(sh.held) < 2 {
		return c
	}
	return s.queue.next(s.eligible)
}

// overVictim is the last in rank of the tenants over their share that can be sent back for c, which stays within its own.
func (s *Scheduler) overVictim(sh *shares, c *choice) *choice {
	if c.req.own || sh.held[c.req.tenant]+blocksFor(len(c.tokens)) > sh.equal {
		return nil
	}
	var v *choice
	for _, o := range s.runningChoices() {
		if sh.over(o) && o.seq.steps == 0 && (v == nil || rank(o, v) > 0) {
			v = o
		}
	}
	return v
}
