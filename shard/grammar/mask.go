package grammar

// allowed is the set of tokens that may follow s; false when stop has ended it.
//
// Inside a string most tokens may follow: which of those that are whole characters without quotes and escapes is known
// beforehand, and only the others are walked.
func (g *Grammar) allowed(v *Vocab, s *state, m Mask, stop func() bool) bool {
	n, only := g.room(s)
	if n == 0 {
		clear(m)
		return g.walk(&v.all, s, m, stop)
	}
	copy(m, v.plain[min(n, maxPlain)-1])
	if only || n >= maxPlain {
		return g.walk(&v.other, s, m, stop)
	}
	return g.walk(&v.all, s, m, stop)
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

// walk adds the tokens of a trie whose bytes lead somewhere.
func (g *Grammar) walk(t *trie, s *state, m Mask, stop func() bool) bool {
	path := make([]*state, t.depth+1)
	path[0] = s
	for i := 0; i < len(t.nodes); {
		n := &t.nodes[i]
		to := g.step(path[n.depth], n.char)
		if to == dead {
			i = int(n.skip)
			continue
		}
		if n.token >= 0 {
			m.set(n.token)
		}
		path[n.depth+1] = to
		i++
		if i&0xfff == 0 && stop() {
			return false
		}
	}
	return true
}
