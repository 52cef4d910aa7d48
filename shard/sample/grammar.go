package sample

import "math/bits"

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
	allowed, err := s.allows(id)
	if err != nil {
		return 0, err
	}
	if !allowed {
		ids, left, err := s.guided(logits)
		if err != nil {
			return 0, err
		}
		i, err := s.pick(left, again(s.params.Seed, s.choice, pos))
		if err != nil {
			return 0, err
		}
		id = ids[i]
	}
	s.cursor.Expect(id)
	return id, nil
}

// allows tells whether a token may come next: a stop id where the answer may end, another where its bytes go on.
func (s *Sampler) allows(id int32) (bool, error) {
	for _, stop := range s.params.StopIDs {
		if stop == id {
			return s.cursor.MayEnd(), nil
		}
	}
	return s.cursor.Allows(id)
}

// guided is the tokens that the grammar allows, ascending, and their logits. A draw from these is a draw from all logits with -Inf at
// every other token, and takes as long as there are tokens.
func (s *Sampler) guided(logits []float32) (ids []int32, left []float32, err error) {
	v := s.vocab
	m, err := s.cursor.Mask()
	if err != nil {
		return nil, nil, err
	}
	v.mask = append(v.mask[:0], m...)
	for _, stop := range s.params.StopIDs {
		v.mask.Set(stop, s.cursor.MayEnd())
	}
	if len(v.ids) < len(logits) {
		v.ids, v.left = make([]int32, len(logits)), make([]float32, len(logits))
	}
	n := 0
	for i, word := range v.mask {
		for ; word != 0; word &= word - 1 {
			if id := i<<6 + bits.TrailingZeros64(word); id < len(logits) {
				v.ids[n], v.left[n] = int32(id), logits[id]
				n++
			}
		}
	}
	return v.ids[:n], v.left[:n], nil
}
