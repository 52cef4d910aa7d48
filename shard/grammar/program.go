package grammar

import (
	"math"
	"slices"
)

// Limits of a program: what a grammar takes in memory is a few times as much.
const (
	maxInsts = 1 << 16
	maxEdges = 1 << 17
	maxWork  = 1 << 20 // steps, of about 50 ns each, of what these do not bound: patterns, merging, telling branches apart
)

// bytesPerStep is how much text takes a step to copy or compare.
const bytesPerStep = 16

// infinite is the upper count of a repetition without one.
const infinite = -1

// A program is a nondeterministic automaton over bytes with a stack. Instructions are built from their end: each function
// of builder takes what follows and returns where it begins.
type program struct {
	insts []inst
	edges []edge  // of opBytes
	alts  []int32 // of opAlt
	entry int32

	char  int32      // the rule of one character of a string without pattern
	class [256]uint8 // bytes that no edge tells apart have one class
	nums  int        // classes
}

type opcode uint8

const (
	opBytes opcode = iota // consume a byte of edges[a:b] and go where the edge does
	opAlt                 // go to each of alts[a:b]
	opCall                // run the rule at a, go on at b
	opRep                 // run the rule at a lo to hi times, go on at b
	opRet                 // end of a rule; without a caller the end of the document
)

type inst struct {
	op     opcode
	deeper bool // opCall: counts as a level of values without a schema
	live   bool // the end can be reached from here
	a, b   int32
	lo, hi int32
}

// edge is a range of bytes.
type edge struct {
	lo, hi byte
	next   int32
}

type builder struct {
	program
	err      error
	end      int32            // the one opRet
	chains   map[edge]int32   // shared ends of multi-byte characters
	builtins map[string]int32 // rules by name
	digitsOf map[freeDigits]int32
	compiled map[string]*runeDFA // patterns
	work     int                 // steps so far
}

func newBuilder() *builder {
	b := &builder{chains: map[edge]int32{}, builtins: map[string]int32{}, digitsOf: map[freeDigits]int32{},
		compiled: map[string]*runeDFA{}}
	b.end = b.add(inst{op: opRet})
	b.char = b.charRule()
	return b
}

// add appends an instruction. When the program is too large the error sticks and is found in finish.
func (b *builder) add(in inst) int32 {
	if len(b.insts) >= maxInsts || len(b.edges) > maxEdges || len(b.alts) > maxEdges {
		b.err = fail("", "", "the schema is too large: its automaton has more than %d instructions", maxInsts)
		return 0
	}
	b.insts = append(b.insts, in)
	return int32(len(b.insts) - 1)
}

func (b *builder) full() bool { return b.err != nil }

func (b *builder) ret() int32 { return b.end }

// dead is where nothing goes on.
func (b *builder) dead() int32 { return b.bytes() }

func (b *builder) bytes(edges ...edge) int32 {
	from := int32(len(b.edges))
	b.edges = append(b.edges, edges...)
	return b.add(inst{op: opBytes, a: from, b: int32(len(b.edges))})
}

func (b *builder) alt(targets ...int32) int32 {
	if len(targets) == 1 {
		return targets[0]
	}
	from := int32(len(b.alts))
	b.alts = append(b.alts, targets...)
	return b.add(inst{op: opAlt, a: from, b: int32(len(b.alts))})
}

// fill gives an opAlt that was added without targets its targets: what it leads back to exists before it.
func (b *builder) fill(pc int32, targets ...int32) {
	in := &b.insts[pc]
	in.a = int32(len(b.alts))
	b.alts = append(b.alts, targets...)
	in.b = int32(len(b.alts))
}

func (b *builder) call(rule, next int32) int32 {
	if b.insts[next].op == opRet {
		return rule
	}
	return b.add(inst{op: opCall, a: rule, b: next})
}

// rep runs rule lo to hi times. The rule consumes at least a byte.
func (b *builder) rep(rule int32, lo, hi int, next int32) int32 {
	if hi == 0 {
		return next
	}
	return b.add(inst{op: opRep, a: rule, b: next, lo: int32(lo), hi: int32(hi)})
}

func (b *builder) lit(s string, next int32) int32 {
	for i := len(s) - 1; i >= 0; i-- {
		next = b.bytes(edge{s[i], s[i], next})
	}
	return next
}

// shared is bytes for one edge, of which equal ones are the same.
func (b *builder) shared(e edge) int32 {
	pc, ok := b.chains[e]
	if !ok {
		pc = b.bytes(e)
		b.chains[e] = pc
	}
	return pc
}

// builtin is a rule that many places share.
func (b *builder) builtin(name string, build func() int32) int32 {
	pc, ok := b.builtins[name]
	if !ok {
		pc = build()
		b.builtins[name] = pc
	}
	return pc
}

// blank is the white space that may stand between tokens.
func (b *builder) blank(next int32) int32 {
	rule := b.builtin("blank", func() int32 {
		space := b.bytes(edge{' ', ' ', b.ret()})
		indent := b.rep(space, 0, 20, b.ret())
		return b.alt(b.ret(), b.bytes(edge{' ', ' ', b.ret()}, edge{'\n', '\n', indent}))
	})
	return b.call(rule, next)
}

// space is what may stand after a colon.
func (b *builder) space(next int32) int32 { return b.alt(next, b.bytes(edge{' ', ' ', next})) }

// finish seals the program.
func (b *builder) finish(entry int32) (*Grammar, error) {
	if b.err != nil {
		return nil, b.err
	}
	b.entry = entry
	b.markLive()
	if !b.insts[entry].live {
		return nil, fail("", "", "nothing satisfies the schema")
	}
	b.classify()
	p := b.program
	p.insts, p.edges, p.alts = slices.Clip(p.insts), slices.Clip(p.edges), slices.Clip(p.alts)
	return newGrammar(&p), nil
}

// markLive finds the instructions from which the end of their rule can be reached; the automaton enters no others, so that
// it never gets stuck.
func (p *program) markLive() {
	users := make([][]int32, len(p.insts))
	for pc := range p.insts {
		p.targets(int32(pc), func(t int32) { users[t] = append(users[t], int32(pc)) })
	}
	var work []int32
	for pc := range p.insts {
		if p.insts[pc].op == opRet {
			work = append(work, int32(pc))
		}
	}
	for len(work) > 0 {
		pc := work[len(work)-1]
		work = work[:len(work)-1]
		in := &p.insts[pc]
		if in.live || !p.reaches(in) {
			continue
		}
		in.live = true
		work = append(work, users[pc]...)
	}
}

func (p *program) targets(pc int32, fn func(int32)) {
	switch in := &p.insts[pc]; in.op {
	case opBytes:
		for _, e := range p.edges[in.a:in.b] {
			fn(e.next)
		}
	case opAlt:
		for _, t := range p.alts[in.a:in.b] {
			fn(t)
		}
	case opCall, opRep:
		fn(in.a)
		fn(in.b)
	}
}

// reaches tells whether an instruction can go on to the end of its rule, as far as is known.
func (p *program) reaches(in *inst) bool {
	switch in.op {
	case opBytes:
		for _, e := range p.edges[in.a:in.b] {
			if p.insts[e.next].live {
				return true
			}
		}
		return false
	case opAlt:
		for _, t := range p.alts[in.a:in.b] {
			if p.insts[t].live {
				return true
			}
		}
		return false
	case opCall:
		return p.insts[in.a].live && p.insts[in.b].live
	case opRep:
		return p.insts[in.b].live && (in.lo == 0 || p.insts[in.a].live)
	}
	return true
}

// classify finds the classes of bytes.
func (p *program) classify() {
	var starts [math.MaxUint8 + 2]bool
	starts[0] = true
	for _, e := range p.edges {
		starts[e.lo] = true
		starts[int(e.hi)+1] = true
	}
	class := -1
	for c := range 256 {
		if starts[c] {
			class++
		}
		p.class[c] = uint8(class)
	}
	p.nums = class + 1
}
