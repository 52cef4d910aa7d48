package sample

// seek brings the grammar to where the output so far has led.
func (s *Sampler) seek(history []int32) error {
	if s.cursor == nil {
		return nil
	}
	return s.cursor.Seek(history[min(s.params.PromptLen, len(history)):])
}

// complete tells whether the grammar leaves nothing to be said.
func (s *Sampler) complete() bool { return s.cursor != nil && s.cursor.MustEnd() }

// obey returns id where the grammar allows it. Else it draws again, from what the grammar allows.
func (s *Sampler) obey(logits []float32, pos int, id int32) (int32, error) {
	if !s.allows(id) {
		var err error
		if id, err = s.pick(s.guided(logits), again(s.params.Seed, s.choice, pos)); err != nil {
			return 0, err
		}
	}
	s.cursor.Expect(id)
	return id, nil
}

// allows tells whether a token may come next: a stop id where the answer may end, another where its bytes go on.
func (s *Sampler) allows(id int32) bool {
	for _, stop := range s.params.StopIDs {
		if stop == id {
			return s.cursor.MayEnd()
		}
	}
	return s.cursor.Allows(id)
}

// guided is a copy of logits in which tokens that the grammar does not allow are -Inf.
func (s *Sampler) guided(logits []float32) []float32 {
	out := s.vocab.masked
	if len(out) != len(logits) {
		out = make([]float32, len(logits))
		s.vocab.masked = out
	}
	for i := range out {
		out[i] = negInf
	}
	s.cursor.Mask().Each(func(id int32) {
		if int(id) < len(out) {
			out[id] = logits[id]
		}
	})
	for _, stop := range s.params.StopIDs {
		if int(stop) >= len(out) {
			continue
		}
		out[stop] = negInf
		if s.cursor.MayEnd() {
			out[stop] = logits[stop]
		}
	}
	return out
}
