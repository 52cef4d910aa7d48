package plan

import "fmt"

// Check tells whether the Planner's invariants hold. Tests call it after every event.
func (p *Planner) Check() error {
	if p.started && p.persisted != p.term {
		return fmt.Errorf("plan: term %d is in use, persisted is %d", p.term, p.persisted)
	}
	for i := 1; i < len(p.nodes); i++ {
		if p.nodes[i-1].name >= p.nodes[i].name {
			return fmt.Errorf("plan: %s stands before %s", p.nodes[i-1].name, p.nodes[i].name)
		}
	}
	if p.standingDown() && (p.live != nil || p.next != nil) {
		return fmt.Errorf("plan: standing down with an epoch in hand")
	}
	if p.live != nil && p.next != nil && (p.live.id >= p.next.id || p.next.phase != preparing) {
		return fmt.Errorf("plan: epoch %s is live beside %s", FormatEpoch(p.live.id), FormatEpoch(p.next.id))
	}
	if err := p.checkEpoch(p.live, canary, serving); err != nil {
		return fmt.Errorf("plan: live epoch: %w", err)
	}
	if err := p.checkEpoch(p.next, preparing, committing); err != nil {
		return fmt.Errorf("plan: next epoch: %w", err)
	}
	return nil
}

func (p *Planner) checkEpoch(e *epoch, phases ...phase) error {
	if e == nil {
		return nil
	}
	if e.phase != phases[0] && e.phase != phases[1] {
		return fmt.Errorf("it is %s", e.phase)
	}
	if saltOf(e.id) != p.cfg.Salt || e.id > p.id(p.count) || e == p.next && e.id>>32 != p.term {
		return fmt.Errorf("%s is not an epoch of term %d", FormatEpoch(e.id), p.term)
	}
	at := 0
	for _, s := range e.parts {
		if s.first != at || s.last <= s.first {
			return fmt.Errorf("%s has layers [%d, %d) after [0, %d)", s.node.name, s.first, s.last, at)
		}
		at = s.last
		if err := p.checkPart(e, s); err != nil {
			return err
		}
	}
	if at != p.cfg.Model.Layers() {
		return fmt.Errorf("it ends at layer %d", at)
	}
	return nil
}

// checkPart: between events, no epoch rests on a shard that is gone, and none is prepared on one that has not promised.
func (p *Planner) checkPart(e *epoch, s part) error {
	n := s.node
	switch {
	case n.refused != "":
		return fmt.Errorf("%s is refused, but has %s", n.name, layers(s.first, s.last))
	case p.busLost:
		return nil
	case n.lost || p.find(n.name) != n:
		return fmt.Errorf("%s is lost, but has %s", n.name, layers(s.first, s.last))
	case e == p.next && n.promised != p.term:
		return fmt.Errorf("%s is to serve in term %d, but has promised %d", n.name, p.term, n.promised)
	}
	return nil
}
