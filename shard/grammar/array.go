package grammar

// lowerArray is [ items ].
func (l *lowering) lowerArray(s *schema) int32 {
	lo, hi := s.minItems, s.maxItems
	rest := s.items
	prefix := s.prefix
	if rest == nil {
		if n := len(prefix); n > 0 && lo <= n && (hi == infinite || hi > n) {
			hi = n // nobody asks for more
		}
		rest = newSchema(s.path)
	}
	if hi != infinite && lo > hi {
		return l.dead()
	}
	closing := l.lit("]", l.ret())
	end := l.blank(closing)
	if hi == 0 {
		return l.lit("[", end)
	}
	if len(prefix) == 0 {
		prefix = []*schema{rest}
	}
	k := len(prefix)
	after := end // k items are written
	if hi == infinite || hi > k {
		most := infinite
		if hi != infinite {
			most = hi - k
		}
		after = l.rep(l.lit(",", l.blank(l.call(l.rule(rest), l.ret()))), max(0, lo-k), most, end)
	}
	for i := k - 1; i > 0 && !l.full(); i-- { // i items are written
		more := l.dead()
		if hi == infinite || i < hi {
			more = l.lit(",", l.blank(l.call(l.rule(prefix[i]), after)))
		}
		after = more
		if i >= lo {
			after = l.alt(more, end)
		}
	}
	first := l.call(l.rule(prefix[0]), after)
	if lo == 0 {
		first = l.alt(closing, first)
	}
	return l.lit("[", l.blank(first))
}
