package sched

import (
	"cmp"
	"slices"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// fill sends steps while the pipeline has room and somebody has rows.
func (s *Scheduler) fill() {
	if !s.live {
		return
	}
	for {
		s.admit()
		k := s.lane.cost.split(s.demand())
		if len(s.lane.steps) >= s.depth(k) || !s.send(k) {
			return
		}
	}
}

// demand is how many choices decode, in flight or not.
func (s *Scheduler) demand() int {
	n := 0
	for _, c := range s.decodes {
		if c.seq.steps > 0 || !c.starved() {
			n++
		}
	}
	return n
}

// depth is how many steps may be in flight. Prefill overlaps in all stages; decoding goes in k micro-batches, and
// waits for them so that groups do not fall apart where splitting does not pay.
func (s *Scheduler) depth(k int) int {
	if len(s.prefills) > 0 {
		return s.lane.stages + 1
	}
	return k
}

// send puts one micro-batch together and tells whether there was anything for it.
func (s *Scheduler) send(k int) bool {
	l := s.lane
	b := l.begin()
	s.addDecodes(b, k)
	s.addPrefills(b)
	if b.rows > 0 || len(l.steps) == 0 {
		s.addCloses(b)
	}
	if len(b.entries) == 0 {
		l.recycle(b)
		return false
	}
	l.launch(b, s.now)
	if len(l.steps) == 1 {
		s.moved()
	}
	s.count.Steps++
	s.count.Batch, s.count.Rows, s.count.Split = len(b.parts), b.rows, k
	s.sendStep(b)
	return true
}

func (s *Scheduler) sendStep(b *step) {
	s.do(SendStep{Epoch: s.lane.epoch, Lane: s.lane.id, Step: b.number, Ack: s.lane.acked, Entries: b.entries})
}

// addDecodes takes an even share of the decoding choices, those first who have waited longest.
func (s *Scheduler) addDecodes(b *step, k int) {
	share := min((s.demand()+k-1)/k, s.decodeRows())
	s.picked = s.picked[:0]
	for _, c := range s.decodes {
		if c.seq.steps == 0 && !c.starved() {
			s.picked = append(s.picked, c)
		}
	}
	slices.SortStableFunc(s.picked, func(a, b *choice) int { return cmp.Compare(a.seq.last, b.seq.last) })
	for _, c := range s.picked {
		if b.rows >= share {
			return
		}
		// Whoever is in the batch has a step in flight and can not fall victim to the next.
		if c.state == running && s.grow(c) {
			s.add(b, c, 1)
		}
	}
}

// decodeRows leaves a part of the step to prefill, and the room that the next open needs; of a step of one row, every other one.
func (s *Scheduler) decodeRows() int {
	rows := s.lane.maxRows
	switch {
	case len(s.prefills) == 0:
		return rows
	case rows == 1:
		return int(s.lane.sent() % 2)
	}
	return min(rows-max(rows/4, 1), s.lane.rowsBeside(opening(s.prefills[0].seq)))
}

// What a step's opens may carry of tokens that are not computed, and of grammars, biases and stop ids, four bytes as one token:
// beyond manyHistory they take the room of rows, and beyond maxHistory the next open waits for the next step.
const (
	manyHistory = 2048
	maxHistory  = 1 << 16
)

// addPrefills fills the step's rows with prompts in order of admission.
func (s *Scheduler) addPrefills(b *step) {
	if len(s.prefills) == 0 {
		return
	}
	room := min(s.chunk(b.rows), s.lane.maxRows-b.rows)
	for first := true; room > 0 && len(s.prefills) > 0; first = false {
		c := s.prefills[0]
		if b.history += opening(c.seq); b.history > maxHistory && !first {
			return
		}
		room = min(room, max(s.lane.rowsBeside(b.history)-b.rows, 1))
		rest := c.rows() - c.seq.sent
		n := min(room, rest)
		if !first && n < min(rest, BlockTokens) {
			return
		}
		s.add(b, c, n)
		room -= n
		if n < rest {
			return
		}
		s.prefills = slices.Delete(s.prefills, 0, 1)
		s.decodes = append(s.decodes, c)
	}
}

// opening is how many tokens the sequence's Open will carry, or what takes their room.
func opening(q *sequence) int {
	if q.opened {
		return 0
	}
	p := &q.choice.params
	return q.sent + len(p.Grammar)/4 + 2*len(p.LogitBias) + len(p.StopIDs)
}

// aloneTargets is how many StepTargets the slowest stage may take for a step of which nobody waits for a token: whoever
// comes next waits for what is in flight.
const aloneTargets = 10

// chunk is how many rows of prefill a step takes beside its decoding rows: what brings the prompts through the
// stages the soonest, but not more than keeps the slowest stage within its target.
func (s *Scheduler) chunk(decoding int) int {
	l := s.lane
	rows := l.cost.chunk(max(s.unsent(), 1), l.maxRows)
	bound := max(s.cfg.StepTarget, 2*l.cost.of(decoding).slowest)
	if s.demand() == 0 {
		bound = aloneTargets * s.cfg.StepTarget
	}
	for rows > BlockTokens && l.cost.of(rows+decoding).slowest > bound {
		rows /= 2
	}
	return rows
}

// add puts the next n rows of a choice into the step.
func (s *Scheduler) add(b *step, c *choice, n int) {
	q, at := c.seq, c.seq.sent
	e := wire.Entry{Seq: q.id, Pos: uint32(at), Tokens: c.tokens[at : at+n : at+n], Ops: s.ops(b, c)}
	end := at + n
	last := end == len(c.tokens)
	if last {
		e.Want = wire.WantSample
	}
	if c.req.scoring() && end >= c.req.scored {
		e.Want, e.Targets = wire.WantScore, targets(c, at, end)
	}
	again := max(min(c.high, end)-at, 0)
	c.recomputed += again
	s.count.Recomputed += uint64(again)
	q.sent, q.last = end, s.lane.sent()+1
	q.steps++
	b.rows += n
	b.entries = append(b.entries, e)
	b.parts = append(b.parts, part{seq: q, end: end, want: last, at: at + 1, scores: len(e.Targets)})
}

// ops tells the stages what is new about the sequence.
func (s *Scheduler) ops(b *step, c *choice) []wire.Op {
	q, from := c.seq, len(b.ops)
	if !q.opened {
		b.ops = append(b.ops, wire.Op{Kind: wire.OpOpen, Params: &c.params, Choice: c.index, History: c.tokens[:q.sent:q.sent]})
		q.opened = true
	}
	if n := len(q.blocks); q.told < n {
		b.ops = append(b.ops, wire.Op{Kind: wire.OpBlocks, At: uint32(q.told), Blocks: q.blocks[q.told:n:n]})
		q.told = n
	}
	return b.ops[from:len(b.ops):len(b.ops)]
}

// addCloses lets the stages forget sequences: with a step that goes anyway, or when nothing else is in flight.
func (s *Scheduler) addCloses(b *step) {
	for _, id := range s.closes {
		b.ops = append(b.ops, wire.Op{Kind: wire.OpClose})
		b.entries = append(b.entries, wire.Entry{Seq: id, Ops: b.ops[len(b.ops)-1 : len(b.ops) : len(b.ops)]})
	}
	s.closes = s.closes[:0]
}
