package grammar

import (
	"container/list"
	"encoding/binary"
)

// Limits of the automaton.
const (
	maxThreads = 512     // of a state
	maxNext    = 1 << 18 // transitions kept per grammar
	maxKept    = 1 << 17 // threads kept per grammar
	maxAny     = 64      // nesting of values without a schema
)

// Grammar is a compiled Spec. It belongs to one goroutine, or to the lock of a Guide.
type Grammar struct {
	*program
	start *state

	states map[string]*state
	frames map[frame]*frame
	kept   int    // threads of states
	frameN uint32 // names given to frames

	seen  map[item]bool // by the closure that is being computed
	stack []item
	key   []byte
	found []thread
}

// frame is a rule's caller: where to go on, and after how many repetitions. Equal frames are the same as long as they
// are kept.
type frame struct {
	parent *frame
	pc     int32
	count  int32 // opRep: repetitions with the one that is running
	depth  int32 // calls that were deeper
	name   uint32
}

// thread waits for a byte at an opBytes.
type thread struct {
	pc  int32
	top *frame
}

// item is a thread on its way to the next byte; count is that of an opRep.
type item struct {
	pc    int32
	count int32
	top   *frame
}

// state is everywhere that the bytes so far can have led to.
type state struct {
	threads []thread
	accept  bool          // the document may end here
	next    []*state      // by class of byte; nil: not known yet
	mask    *list.Element // of the Guide; nil: not known
}

// dead is where no document goes.
var dead = &state{}

func newGrammar(p *program) *Grammar {
	g := &Grammar{program: p, states: map[string]*state{}, frames: map[frame]*frame{}, seen: map[item]bool{}}
	g.stack = append(g.stack[:0], item{pc: p.entry})
	g.start = g.settle()
	return g
}

// step is the state after a byte.
func (g *Grammar) step(s *state, c byte) *state {
	class := g.class[c]
	if s.next == nil {
		if len(s.threads) == 0 {
			return dead
		}
		s.next = make([]*state, g.nums)
	}
	if to := s.next[class]; to != nil {
		return to
	}
	g.stack = g.stack[:0]
	for i := len(s.threads) - 1; i >= 0; i-- {
		t := s.threads[i]
		in := &g.insts[t.pc]
		edges := g.edges[in.a:in.b]
		for k := len(edges) - 1; k >= 0; k-- {
			if e := &edges[k]; c >= e.lo && c <= e.hi {
				g.stack = append(g.stack, item{pc: e.next, top: t.top})
			}
		}
	}
	to := g.settle()
	if s.next == nil { // settle has forgotten everything
		s.next = make([]*state, g.nums)
	}
	s.next[class] = to
	return to
}

// settle follows the items of the stack to the bytes that they wait for, in the program's order.
func (g *Grammar) settle() *state {
	clear(g.seen)
	g.found = g.found[:0]
	accept := false
	for len(g.stack) > 0 && len(g.found) < maxThreads {
		it := g.stack[len(g.stack)-1]
		g.stack = g.stack[:len(g.stack)-1]
		if !g.insts[it.pc].live || g.seen[it] {
			continue
		}
		g.seen[it] = true
		if g.follow(it) {
			accept = true
		}
	}
	if len(g.found) == 0 && !accept {
		return dead
	}
	return g.intern(accept)
}

// follow takes one instruction. It reports the end of the document.
func (g *Grammar) follow(it item) (end bool) {
	switch in := &g.insts[it.pc]; in.op {
	case opBytes:
		g.found = append(g.found, thread{it.pc, it.top})
	case opAlt:
		alts := g.alts[in.a:in.b]
		for i := len(alts) - 1; i >= 0; i-- {
			g.push(item{pc: alts[i], top: it.top})
		}
	case opCall:
		depth := it.top.level()
		if in.deeper {
			if depth++; depth > maxAny {
				return false
			}
		}
		if g.insts[in.b].op == opRet && !in.deeper {
			g.push(item{pc: in.a, top: it.top})
			return false
		}
		g.push(item{pc: in.a, top: g.frame(frame{parent: it.top, pc: in.b, depth: depth})})
	case opRep:
		g.repeat(in, it)
	case opRet:
		if it.top == nil {
			return true
		}
		g.push(item{pc: it.top.pc, count: it.top.count, top: it.top.parent})
	}
	return false
}

// repeat goes on behind a repetition, and into it once more. Counts that make no difference are one.
func (g *Grammar) repeat(in *inst, it item) {
	if it.count >= in.lo {
		g.push(item{pc: in.b, top: it.top})
	}
	if in.hi != infinite && it.count >= in.hi || !g.insts[in.a].live {
		return
	}
	count := it.count + 1
	if in.hi == infinite {
		count = min(count, in.lo)
	}
	g.push(item{pc: in.a, top: g.frame(frame{parent: it.top, pc: it.pc, count: count, depth: it.top.level()})})
}

func (g *Grammar) push(it item) { g.stack = append(g.stack, it) }

func (f *frame) level() int32 {
	if f == nil {
		return 0
	}
	return f.depth
}

// frame is the one frame that equals f.
func (g *Grammar) frame(f frame) *frame {
	if p, ok := g.frames[f]; ok {
		return p
	}
	key := f
	g.frameN++
	f.name = g.frameN
	g.frames[key] = &f
	return &f
}

// intern is the one state with the threads that were found.
func (g *Grammar) intern(accept bool) *state {
	g.key = g.key[:0]
	if accept {
		g.key = append(g.key, 1)
	}
	for _, t := range g.found {
		g.key = binary.LittleEndian.AppendUint32(g.key, uint32(t.pc))
		if t.top != nil {
			g.key = binary.LittleEndian.AppendUint32(g.key, t.top.name)
		} else {
			g.key = binary.LittleEndian.AppendUint32(g.key, 0)
		}
	}
	if s, ok := g.states[string(g.key)]; ok {
		return s
	}
	if len(g.states) >= maxNext/g.nums || g.kept > maxKept {
		g.forget()
	}
	s := &state{threads: append([]thread(nil), g.found...), accept: accept}
	g.kept += len(s.threads)
	g.states[string(g.key)] = s
	return s
}

// forget drops what is kept. States that sequences are in live on without it, and frames with them.
func (g *Grammar) forget() {
	for _, s := range g.states {
		s.next = nil
	}
	clear(g.states)
	clear(g.frames)
	g.kept = 0
}
