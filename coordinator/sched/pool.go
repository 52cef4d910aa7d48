package sched

// pool owns the KV blocks of a lane. A block is
//
//	used    refs > 0: in the table of that many sequences
//	cached  refs = 0 and published: kept for a prefix hit until its room is needed, least recently used first
//	free    neither
//
// Published blocks are full and never written again, so sequences may share them.
type pool struct {
	blocks []block
	free   []int32 // a stack
	byName map[sum]int32
	oldest int32 // cached blocks are a list from oldest to newest; none is -1
	newest int32
	cached int
	grown  uint64 // counts what may let a blocked sequence in: releases and publications
}

type block struct {
	refs      int32
	published bool
	name      sum
	older     int32
	newer     int32
}

const none = int32(-1)

func newPool(blocks int) *pool {
	p := &pool{blocks: make([]block, blocks), byName: map[sum]int32{}, oldest: none, newest: none}
	for i := blocks - 1; i >= 0; i-- {
		p.free = append(p.free, int32(i))
	}
	return p
}

// available is how many blocks take could give.
func (p *pool) available() int { return len(p.free) + p.cached }

// used is how many blocks are in tables.
func (p *pool) used() int { return len(p.blocks) - p.available() }

// take gives a block with one reference. The caller has looked at available.
func (p *pool) take() int32 {
	var id int32
	if n := len(p.free); n > 0 {
		id, p.free = p.free[n-1], p.free[:n-1]
	} else {
		id = p.oldest
		p.unlink(id)
		p.forget(id)
	}
	p.blocks[id].refs = 1
	return id
}

// share adds a reference to a published block.
func (p *pool) share(id int32) {
	if p.blocks[id].refs == 0 {
		p.unlink(id)
	}
	p.blocks[id].refs++
}

// release drops a reference.
func (p *pool) release(id int32) {
	b := &p.blocks[id]
	b.refs--
	if b.refs > 0 {
		return
	}
	p.grown++
	if b.published {
		p.link(id)
	} else {
		p.free = append(p.free, id)
	}
}

// publish makes a full block findable. Where another block has the same content, that one stays the one that is found.
func (p *pool) publish(id int32, name sum) {
	if _, ok := p.byName[name]; ok || p.blocks[id].published {
		return
	}
	p.blocks[id].published, p.blocks[id].name = true, name
	p.byName[name] = id
	p.grown++
}

// find gives the published block of that content.
func (p *pool) find(name sum) (int32, bool) {
	id, ok := p.byName[name]
	return id, ok
}

func (p *pool) forget(id int32) {
	b := &p.blocks[id]
	delete(p.byName, b.name)
	b.published, b.name = false, sum{}
}

func (p *pool) link(id int32) {
	b := &p.blocks[id]
	b.older, b.newer = p.newest, none
	if p.newest == none {
		p.oldest = id
	} else {
		p.blocks[p.newest].newer = id
	}
	p.newest = id
	p.cached++
}

func (p *pool) unlink(id int32) {
	b := &p.blocks[id]
	if b.older == none {
		p.oldest = b.newer
	} else {
		p.blocks[b.older].newer = b.newer
	}
	if b.newer == none {
		p.newest = b.older
	} else {
		p.blocks[b.newer].older = b.older
	}
	p.cached--
}
