package sched

import "slices"

// admit starts waiting choices in the order of shares and queue while there is KV for all tokens that they have. A choice that
// does not fit holds up those behind it: passing it would starve long prompts.
func (s *Scheduler) admit() {
	for s.queue.len() > 0 {
		sh := s.shares()
		c := s.next(&sh)
		if c == nil || !s.wanted(c) || !s.fit(&sh, c) {
			return
		}
		s.queue.take(c)
		s.start(c)
	}
}

// wanted tells whether the rows waiting for prefill leave something to do for c: whoever comes in early holds KV for
// nothing, and has a turn that may be another's by then.
func (s *Scheduler) wanted(c *choice) bool { return c.req.own || s.unsent() < 2*s.lane.maxRows }

// inside is how many choices hold KV.
func (s *Scheduler) inside() int { return len(s.prefills) + len(s.decodes) }

// unsent is how many rows wait for prefill.
func (s *Scheduler) unsent() int {
	n := 0
	for _, c := range s.prefills {
		n += c.rows() - c.seq.sent
	}
	return n
}

// eligible keeps back who may not sample, who does not fit in KV memory at all, and who will find the common prompt in the cache in a moment. While the prompt
// is scored one choice does so for all.
func (s *Scheduler) eligible(c *choice) bool {
	if c.starved() || s.outgrown(c) {
		return false
	}
	shared := c.req.prompt / BlockTokens * BlockTokens
	return !slices.ContainsFunc(c.req.choices, func(o *choice) bool {
		return o != c && o.state == running && (c.req.scoring() || !s.cfg.NoPrefixCache && o.seq.done < shared)
	})
}

// fit tells whether there is room for c, and if there is not, makes those give way who cannot go on for lack of credit, and
// those over their share of KV.
func (s *Scheduler) fit(sh *shares, c *choice) bool {
	p := s.lane.pool
	v := s.yielding(sh, c)
	if v == nil && s.blocked == c && s.blockage == p.grown {
		return false
	}
	for ; !s.fits(c); v = s.yielding(sh, c) {
		if v == nil {
			s.blocked, s.blockage = c, p.grown
			return false
		}
		if !v.req.own {
			sh.held[v.req.tenant] -= len(v.seq.blocks)
		}
		s.preempt(v)
	}
	return true
}

// yielding is who makes room for c, nil for nobody.
func (s *Scheduler) yielding(sh *shares, c *choice) *choice {
	if v := s.starvedVictim(); v != nil {
		return v
	}
	return s.overVictim(sh, c)
}

func (s *Scheduler) fits(c *choice) bool {
	p := s.lane.pool
	need := blocksFor(len(c.tokens))
	if !c.req.own {
		if s.inside() >= s.cfg.MaxRunning {
			return false
		}
		need += s.reserve()
	}
	for i := range s.shareable(c) {
		id, ok := p.find(c.name(i))
		if !ok {
			break
		}
		if p.blocks[id].refs > 0 {
			need--
		}
	}
	return need <= p.available()
}

// reserve is what the running choices may need before long: a block each. Without it the one who is let in last would
// be thrown out with the next block that anybody fills.
func (s *Scheduler) reserve() int { return s.inside() }

// shareable is how many of c's first blocks may come from the prefix cache: the last token is always computed,
// because something must be sampled after it, and so is whatever precedes a token without a score.
func (s *Scheduler) shareable(c *choice) int {
	if s.cfg.NoPrefixCache {
		return 0
	}
	if c.req.scoring() {
		return (c.req.scored - 1) / BlockTokens
	}
	return (len(c.tokens) - 1) / BlockTokens
}

// start gives a choice a sequence with blocks for all its tokens.
func (s *Scheduler) start(c *choice) {
	p := s.lane.pool
	s.ids++
	q := &sequence{id: s.ids, choice: c}
	for i := range s.shareable(c) {
		id, ok := p.find(c.name(i))
		if !ok {
			break
		}
		p.share(id)
		q.blocks = append(q.blocks, id)
	}
	q.published = len(q.blocks)
	q.sent = q.published * BlockTokens
	q.done = q.sent
	for len(q.blocks) < blocksFor(len(c.tokens)) {
		q.blocks = append(q.blocks, p.take())
	}
	if !c.begun {
		c.cached = min(q.done, c.req.prompt)
		s.count.Cached += uint64(c.cached)
	}
	c.seq, c.state, c.begun, c.parked = q, running, true, 0
	if c.req.own {
		s.prefills = slices.Insert(s.prefills, 0, c)
	} else {
		s.prefills = append(s.prefills, c)
	}
}
