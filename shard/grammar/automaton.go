package grammar

import (
	"container/list"
	"encoding/binary"
)

// Limits of the automaton.
const (
	maxThreads = 512     // of a state
	maxNext    = 1 << 17 // transitions kept per grammar
	maxKept    = 1 << 17 // threads kept per grammar
	maxSteps   = 750_000 // for one mask or token, each of about 60 ns
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
	era    uint32 // how often everything has been forgotten
	walks  uint32 // masks made or begun

	nowhere move // from where nothing follows

	seen  map[item]bool // by the closure that is being computed
	stack []item
	key   []byte
	found []thread
	steps int // that the transition being computed has taken
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
	next    []move        // by class of byte; nil: none known yet
	mask    *list.Element // of the Guide; nil: not known
	era     uint32        // of its frames
	walk    uint32        // the last one that came by
}

// move is a transition. Its steps are those that it took to find, and a function of the state and the byte: what is counted of them, and
// the failure where they are too many, depends on the text alone and not on what was known before.
type move struct {
	to    *state // nil: not known yet
	steps uint32
	walk  uint32 // the last one that took it
}

// dead is where no document goes.
var dead = &state{}

func newGrammar(p *program) *Grammar {
	g := &Grammar{program: p, states: map[string]*state{}, frames: map[frame]*frame{}, seen: map[item]bool{}, nowhere: move{to: dead}}
	g.stack = append(g.stack[:0], item{pc: p.entry})
	g.start = g.settle()
	return g
}

// step is the state after a byte.
func (g *Grammar) step(s *state, c byte) *state { return g.move(s, c).to }

// move is the transition from a state of this era with a byte.
func (g *Grammar) move(s *state, c byte) *move {
	if s.next == nil {
		if len(s.threads) == 0 {
			return &g.nowhere
		}
		s.next = make([]move, g.nums)
	}
	m := &s.next[g.class[c]]
	if m.to == nil {
		g.steps = 0
		g.begin(s, c)
		m.to, m.steps = g.settle(), uint32(g.steps)
	}
	return m
}

// begin puts on the stack where the threads of a state go with a byte.
func (g *Grammar) begin(s *state, c byte) {
	g.stack = g.stack[:0]
	for i := len(s.threads) - 1; i >= 0; i-- {
		t := s.threads[i]
		in := &g.insts[t.pc]
		edges := g.edges[in.a:in.b]
		g.steps += 1 + len(edges)/16
		for k := len(edges) - 1; k >= 0; k-- {
			if e := &edges[k]; c >= e.lo && c <= e.hi {
				g.push(item{pc: e.next, top: t.top})
			}
		}
	}
}

// settle follows the items of the stack to the bytes that they wait for, in the program's order.
func (g *Grammar) settle() *state {
	clear(g.seen)
	g.found = g.found[:0]
	accept := false
	for len(g.stack) > 0 && len(g.found) < maxThreads && g.steps <= maxSteps {
		g.steps++
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
	s := &state{threads: append([]thread(nil), g.found...), accept: accept, era: g.era}
	g.kept += len(s.threads)
	g.states[string(g.key)] = s
	return s
}

// trim forgets when too much is kept. It is not done while steps are counted.
func (g *Grammar) trim() {
	if len(g.states) > maxNext/g.nums || g.kept > maxKept {
		g.forget()
	}
}

// forget drops what is kept and begins an era. States that sequences are in live on without it, and frames with them.
func (g *Grammar) forget() {
	g.era++
	for _, s := range g.states {
		s.next = nil
	}
	clear(g.states)
	clear(g.frames)
	g.kept = 0
}

// current is a state of this era that equals s: frames are compared by their addresses.
func (g *Grammar) current(s *state) *state {
	if s.era == g.era {
		return s
	}
	g.found = g.found[:0]
	renewed := map[*frame]*frame{}
	for _, t := range s.threads {
		g.found = append(g.found, thread{t.pc, g.renew(t.top, renewed)})
	}
	return g.intern(s.accept)
}

func (g *Grammar) renew(f *frame, renewed map[*frame]*frame) *frame {
	if f == nil || renewed[f] != nil {
		return renewed[f]
	}
	own := *f
	own.name, own.parent = 0, g.renew(f.parent, renewed)
	renewed[f] = g.frame(own)
	return renewed[f]
}
