package grammar

import (
	"errors"
	"regexp/syntax"
	"slices"
	"unicode"
	"unicode/utf8"
)

// Limits of one pattern.
const (
	maxRuneStates = 4096
	maxRuneEdges  = 1 << 17
)

// runeDFA accepts strings of characters. State 0 is the first.
type runeDFA struct{ states []runeState }

type runeState struct {
	accept bool
	edges  []runeEdge // ascending, apart
}

type runeEdge struct {
	lo, hi rune
	to     int
}

var errComplex = errors.New("it is too complex")

// compilePattern makes an automaton of a regular expression, which is searched for as JSON Schema says: anchors are its own.
// work counts the steps that it takes.
func compilePattern(pattern string, work *int) (*runeDFA, error) {
	translated, err := fromECMA(pattern)
	if err != nil {
		return nil, err
	}
	if *work += parseSteps(translated); *work > maxWork {
		return nil, errComplex
	}
	re, err := syntax.Parse(translated, syntax.Perl)
	if err != nil {
		return nil, err
	}
	if *work += 8 * instructions(re); *work > maxWork {
		return nil, errComplex
	}
	prog, err := syntax.Compile(re.Simplify())
	if err != nil {
		return nil, err
	}
	s := subsets{prog: prog, index: map[string]int{}, work: work}
	if err := s.read(); err != nil {
		return nil, err
	}
	return s.determinise()
}

// subsets is the subset construction over a regular expression's program.
type subsets struct {
	prog   *syntax.Prog
	cuts   []rune   // characters at which some instruction begins or ends to match, ascending
	ranges [][]rune // of each instruction: pairs
	index  map[string]int
	sets   [][]uint32
	out    runeDFA
	work   *int
	edges  int
	mark   []int // by instruction: the closure that has seen it
	now    int
}

// read collects the ranges of characters and refuses what has no counterpart.
func (s *subsets) read() error {
	s.ranges = make([][]rune, len(s.prog.Inst))
	s.mark = make([]int, len(s.prog.Inst))
	s.cuts = []rune{0}
	seen := map[*rune]bool{} // repetitions share their ranges
	for pc := range s.prog.Inst {
		in := &s.prog.Inst[pc]
		switch in.Op {
		case syntax.InstEmptyWidth:
			if op := syntax.EmptyOp(in.Arg); op&^(syntax.EmptyBeginText|syntax.EmptyEndText) != 0 {
				return errors.New("word boundaries and lines are not supported")
			}
		case syntax.InstRune, syntax.InstRune1:
			s.ranges[pc] = runeRanges(in)
		case syntax.InstRuneAny:
			s.ranges[pc] = []rune{0, utf8.MaxRune}
		case syntax.InstRuneAnyNotNL: // as ECMAScript's dot
			s.ranges[pc] = []rune{0, 9, 11, 12, 14, 0x2027, 0x202a, utf8.MaxRune}
		}
		if len(s.ranges[pc]) == 0 || seen[&s.ranges[pc][0]] {
			continue
		}
		seen[&s.ranges[pc][0]] = true
		for i, r := range s.ranges[pc] {
			s.cuts = append(s.cuts, r+rune(i&1))
		}
	}
	slices.Sort(s.cuts)
	s.cuts = slices.Compact(s.cuts)
	if s.cuts[len(s.cuts)-1] > utf8.MaxRune {
		s.cuts = s.cuts[:len(s.cuts)-1]
	}
	return nil
}

// runeRanges are the characters of an instruction, as pairs.
func runeRanges(in *syntax.Inst) []rune {
	if len(in.Rune) != 1 {
		return in.Rune
	}
	r := in.Rune[0]
	out := []rune{r, r}
	if syntax.Flags(in.Arg)&syntax.FoldCase != 0 {
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			out = append(out, f, f)
		}
		slices.Sort(out)
	}
	return out
}

func (s *subsets) determinise() (*runeDFA, error) {
	s.state(s.follow([]uint32{uint32(s.prog.Start)}, syntax.EmptyBeginText))
	for i := 0; i < len(s.sets); i++ {
		if err := s.expand(i); err != nil {
			return nil, err
		}
	}
	return &s.out, nil
}

// state is the number of a set of instructions.
func (s *subsets) state(set []uint32) int {
	key := make([]byte, 0, 4*len(set))
	for _, pc := range set {
		key = append(key, byte(pc), byte(pc>>8), byte(pc>>16), byte(pc>>24))
	}
	if n, ok := s.index[string(key)]; ok {
		return n
	}
	*s.work += 20
	n := len(s.sets)
	if n > 0 { // the first is like no other: only there does the text begin
		s.index[string(key)] = n
	}
	s.sets = append(s.sets, set)
	s.out.states = append(s.out.states, runeState{accept: s.matches(set)})
	return n
}

// expand finds where each character leads.
func (s *subsets) expand(i int) error {
	var edges []runeEdge
	for k, lo := range s.cuts {
		hi := rune(utf8.MaxRune)
		if k+1 < len(s.cuts) {
			hi = s.cuts[k+1] - 1
		}
		var next []uint32
		for _, pc := range s.sets[i] {
			*s.work++
			switch in := &s.prog.Inst[pc]; {
			case in.Op == syntax.InstMatch: // whatever follows
				next = append(next, pc)
			case within(s.ranges[pc], lo):
				next = append(next, in.Out)
			}
		}
		next = append(next, uint32(s.prog.Start)) // it may begin later, too
		set := s.follow(next, 0)
		if len(set) == 0 {
			continue
		}
		to := s.state(set)
		if n := len(edges); n > 0 && edges[n-1].to == to && edges[n-1].hi == lo-1 {
			edges[n-1].hi = hi
		} else {
			edges = append(edges, runeEdge{lo, hi, to})
		}
		if len(s.sets) > maxRuneStates || *s.work > maxWork {
			return errComplex
		}
	}
	if s.edges += len(edges); s.edges > maxRuneEdges {
		return errComplex
	}
	s.out.states[i].edges = edges
	return nil
}

// within tells whether one of the ranges, which ascend, has r.
func within(ranges []rune, r rune) bool {
	lo, hi := 0, len(ranges)/2
	for lo < hi {
		if mid := (lo + hi) / 2; ranges[2*mid+1] < r {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return 2*lo < len(ranges) && r >= ranges[2*lo]
}

// follow is the instructions that wait for a character, or for the end, behind those of set.
func (s *subsets) follow(set []uint32, at syntax.EmptyOp) []uint32 {
	s.now++
	var out []uint32
	stack := slices.Clone(set)
	for len(stack) > 0 {
		pc := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if s.mark[pc] == s.now {
			continue
		}
		s.mark[pc] = s.now
		*s.work++
		switch in := &s.prog.Inst[pc]; in.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			stack = append(stack, in.Out, in.Arg)
		case syntax.InstCapture, syntax.InstNop:
			stack = append(stack, in.Out)
		case syntax.InstEmptyWidth:
			if op := syntax.EmptyOp(in.Arg); op&^at == 0 {
				stack = append(stack, in.Out)
			} else if op&syntax.EmptyBeginText == 0 || at&syntax.EmptyBeginText != 0 {
				out = append(out, pc) // for the end
			}
		case syntax.InstFail:
		case syntax.InstMatch:
			return []uint32{pc} // nothing that follows can change it
		default:
			out = append(out, pc)
		}
	}
	slices.Sort(out)
	return out
}

// matches tells whether the text may end here.
func (s *subsets) matches(set []uint32) bool {
	at := syntax.EmptyEndText
	if len(s.sets) == 1 { // the empty text begins and ends at once
		at |= syntax.EmptyBeginText
	}
	for _, pc := range s.follow(set, at) {
		if s.prog.Inst[pc].Op == syntax.InstMatch {
			return true
		}
	}
	return false
}

// accepts tells whether d accepts text.
func (d *runeDFA) accepts(text string) bool {
	at := 0
	for _, r := range text {
		edges := d.states[at].edges
		i, _ := slices.BinarySearchFunc(edges, r, func(e runeEdge, r rune) int { return int(e.hi - r) })
		if i == len(edges) || r < edges[i].lo {
			return false
		}
		at = edges[i].to
	}
	return d.states[at].accept
}

// lengths accepts lo to hi characters.
func lengths(lo, hi int, work *int) (*runeDFA, error) {
	last := max(lo, hi)
	if *work += 2 * last; last >= maxRuneStates || *work > maxWork {
		return nil, errComplex
	}
	d := &runeDFA{states: make([]runeState, last+1)}
	for n := range d.states {
		s := &d.states[n]
		s.accept = n >= lo
		if n < last || hi == infinite {
			s.edges = []runeEdge{{0, utf8.MaxRune, min(n+1, last)}}
		}
	}
	return d, nil
}

// without accepts every string but names.
func without(names []string) *runeDFA {
	const all = 1 // accepts whatever follows
	d := &runeDFA{states: []runeState{{accept: true}, {accept: true, edges: []runeEdge{{0, utf8.MaxRune, all}}}}}
	next := []map[rune]int{{}, nil}
	for _, name := range names {
		at := 0
		for _, r := range name {
			to, ok := next[at][r]
			if !ok {
				to = len(d.states)
				next[at][r] = to
				d.states, next = append(d.states, runeState{accept: true}), append(next, map[rune]int{})
			}
			at = to
		}
		d.states[at].accept = false
	}
	for i, edges := range next {
		if edges == nil {
			continue
		}
		var runes []rune
		for r := range edges {
			runes = append(runes, r)
		}
		slices.Sort(runes)
		from := rune(0)
		for _, r := range runes {
			if from < r {
				d.states[i].edges = append(d.states[i].edges, runeEdge{from, r - 1, all})
			}
			d.states[i].edges = append(d.states[i].edges, runeEdge{r, r, edges[r]})
			from = r + 1
		}
		d.states[i].edges = append(d.states[i].edges, runeEdge{from, utf8.MaxRune, all})
	}
	return d
}

// intersect accepts what both accept.
func intersect(a, b *runeDFA, work *int) (*runeDFA, error) {
	type pair struct{ a, b int }
	index := map[pair]int{{0, 0}: 0}
	list := []pair{{0, 0}}
	out := &runeDFA{}
	total := 0
	for i := 0; i < len(list); i++ {
		*work += 20
		x, y := &a.states[list[i].a], &b.states[list[i].b]
		s := runeState{accept: x.accept && y.accept}
		for m, n := 0, 0; m < len(x.edges) && n < len(y.edges); {
			*work++
			e, f := x.edges[m], y.edges[n]
			if lo, hi := max(e.lo, f.lo), min(e.hi, f.hi); lo <= hi {
				p := pair{e.to, f.to}
				to, ok := index[p]
				if !ok {
					to = len(list)
					index[p], list = to, append(list, p)
				}
				s.edges = append(s.edges, runeEdge{lo, hi, to})
			}
			if e.hi < f.hi {
				m++
			} else {
				n++
			}
		}
		out.states = append(out.states, s)
		if total += len(s.edges); total > maxRuneEdges || len(list) > maxRuneStates || *work > maxWork {
			return nil, errComplex
		}
	}
	return out, nil
}
