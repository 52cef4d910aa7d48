package api

import (
	"slices"
	"unicode/utf8"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// score takes scores of a prompt's tokens. When the last have come, every choice of the prompt begins with it; they are
// returned.
func (r *run) score(prompt int, scores []wire.Logprob) (begun []int) {
	if len(scores) == 0 {
		return nil
	}
	r.scores[prompt] = append(r.scores[prompt], scores...)
	if !r.scoredAll(prompt) {
		return nil
	}
	return r.repeat(prompt)
}

// scoredAll reports whether every token of a prompt but the first has its score.
func (r *run) scoredAll(prompt int) bool { return len(r.scores[prompt]) == len(r.prompts[prompt])-1 }

// repeat puts a scored prompt before its choices.
func (r *run) repeat(prompt int) (begun []int) {
	echo, runes := echoed(r.model, r.prompts[prompt], r.scores[prompt])
	for i := range r.n {
		at := prompt*r.n + i
		r.choices[at].echo, r.choices[at].runes = echo, runes
		begun = append(begun, at)
	}
	return begun
}

// echoed is a prompt as its tokens spell it, with their scores; the first has none. runes is how many characters it has.
func echoed(m *Model, ids []int32, scores []wire.Logprob) (p piece, runes int) {
	var raw []byte
	for i, id := range ids {
		t := tokenText{bytes: m.Tokens.TokenBytes(id), at: runes}
		if i > 0 {
			t.lp = &scores[i-1]
		}
		for _, b := range t.bytes {
			if utf8.RuneStart(b) {
				runes++
			}
		}
		raw = append(raw, t.bytes...)
		p.tokens = append(p.tokens, t)
	}
	p.tokens = slices.Clip(p.tokens) // every choice appends its own
	p.text = string(appendText(nil, raw))
	return p, runes
}
