package plan

import "slices"

func (p *Planner) isDrained(name string) bool {
	_, ok := slices.BinarySearch(p.drained, name)
	return ok
}

func (p *Planner) drain(name string, on bool) {
	i, was := slices.BinarySearch(p.drained, name)
	if was == on || name == "" {
		return
	}
	if on {
		p.drained = slices.Insert(p.drained, i, name)
		p.log(Changed, p.find(name), "%s is drained: its layers move to others", name)
	} else {
		p.drained = slices.Delete(p.drained, i, i+1)
		p.log(Changed, p.find(name), "%s may be used again", name)
	}
	p.wish()
}

func (p *Planner) rescale(shards int) {
	shards = max(shards, 0)
	if shards == p.scale {
		return
	}
	p.scale = shards
	if shards == 0 {
		p.log(Changed, nil, "a plan may use every shard")
	} else {
		p.log(Changed, nil, "a plan may use %s", plural(shards, "shard"))
	}
	p.wish()
}

// wish records what the operator wants, and looks at the placement at once. A plan on its way that is older gives way.
func (p *Planner) wish() {
	p.persist()
	p.urgent = p.now
	if p.next != nil && p.next.phase == preparing {
		p.abandon("the operator wants another")
	}
}
