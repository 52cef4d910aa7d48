package grammar

import "errors"

// errStopped is returned when stop has ended the making of a mask.
var errStopped = errors.New("grammar: a mask is given up")

// allowed finds the set of tokens that may follow s, a state of this era. It fails where that takes more than maxSteps.
//
// Inside a string most tokens may follow: which of those that are whole characters without quotes and escapes is known
// beforehand, and only the others are walked.
func (g *Grammar) allowed(v *Vocab, s *state, m Mask, stop func() bool) error {
	defer g.trim()
	n, only := g.room(s)
	t := &v.all
	if n == 0 {
		clear(m)
	} else {
		copy(m, v.plain[min(n, maxPlain)-1])
		if only || n >= maxPlain {
			t = &v.other
		}
	}
	_, err := g.walk(t, s, m, stop)
	return err
}

// room is how many characters, up to maxPlain, a string that s is in can take, 0 where it is in none; and whether nothing
// else can follow but the string's end.
func (g *Grammar) room(s *state) (most int, only bool) {
	only = true
	for _, t := range s.threads {
		in := &g.insts[t.pc]
		if t.pc != g.char {
			only = only && in.b == in.a+1 && g.edges[in.a] == edge{'"', '"', g.edges[in.a].next}
			continue
		}
		rep := &g.insts[t.top.pc]
		if rep.hi == infinite {
			return maxPlain, only
		}
		most = max(most, min(maxPlain, int(rep.hi-t.top.count)+1))
	}
	return most, only
}

// walk adds the tokens of a trie whose bytes lead somewhere. Each transition's steps count once, known or not, and for each state that has one
// the memory of them.
func (g *Grammar) walk(t *trie, s *state, m Mask, stop func() bool) (steps int, err error) {
	path := make([]*state, t.depth+1)
	path[0] = s
	g.walks++
	unasked := 0
	for i := 0; i < len(t.nodes); {
		n := &t.nodes[i]
		from := path[n.depth]
		move := g.move(from, n.char)
		unasked++
		if move.walk != g.walks {
			taken := int(move.steps)
			if from.walk != g.walks {
				taken += g.nums / 4
			}
			move.walk, from.walk = g.walks, g.walks
			steps, unasked = steps+taken, unasked+taken
			if steps > maxSteps {
				return steps, ErrComplex
			}
		}
		if unasked > 1<<12 {
			if unasked = 0; stop() {
				return steps, errStopped
			}
		}
		if move.to == dead {
			i = int(n.skip)
			continue
		}
		if n.token >= 0 {
			m.set(n.token)
		}
		path[n.depth+1] = move.to
		i++
	}
	return steps, nil
}
