package api

// textFormat is the shape of /v1/completions.
type textFormat struct {
	job  *job
	echo []string // prompts to repeat; nil for none
}

type textBody struct {
	ID          string       `json:"id"`
	Object      string       `json:"object"`
	Created     int64        `json:"created"`
	Model       string       `json:"model"`
	Fingerprint string       `json:"system_fingerprint"`
	Choices     []textChoice `json:"choices"`
	Usage       *usage       `json:"usage,omitempty"`
}

type textChoice struct {
	Index    int           `json:"index"`
	Text     string        `json:"text"`
	Logprobs *textLogprobs `json:"logprobs"`
	Finish   *string       `json:"finish_reason"`
}

type textLogprobs struct {
	Tokens   []string             `json:"tokens"`
	Logprobs []*float32           `json:"token_logprobs"` // null, as the entry of top_logprobs, for a prompt's first token
	Top      []map[string]float32 `json:"top_logprobs"`
	Offsets  []int                `json:"text_offset"` // characters
}

func (f *textFormat) param() string { return "prompt" }

func (f *textFormat) body(choices []textChoice) textBody {
	j := f.job
	return textBody{
		ID: j.id, Object: "text_completion", Created: j.created, Model: j.model.Name, Fingerprint: j.model.fingerprint(), Choices: choices,
	}
}

func (f *textFormat) opening() (out []any) {
	for p, text := range f.echo {
		for i := range f.job.n {
			out = append(out, f.body([]textChoice{{Index: p*f.job.n + i, Text: text}}))
		}
	}
	return out
}

func (f *textFormat) chunks(index int, c *choice, p piece) (out []any) {
	if p.text != "" || len(p.tokens) > 0 {
		out = append(out, f.body([]textChoice{{Index: index, Text: p.text, Logprobs: f.logprobs(p.tokens)}}))
	}
	if c.finish != "" {
		out = append(out, f.body([]textChoice{{Index: index, Finish: c.reason()}}))
	}
	return out
}

func (f *textFormat) closing(u usage) []any {
	if !f.job.usageChunk {
		return nil
	}
	b := f.body([]textChoice{})
	b.Usage = &u
	return []any{b}
}

func (f *textFormat) failure(e *Error) []any { return []any{e.envelope()} }

func (f *textFormat) marked() bool { return true }

func (f *textFormat) whole(answers []answer, u usage) any {
	choices := make([]textChoice, len(answers))
	for i, a := range answers {
		text := a.text
		if f.echo != nil {
			text = f.echo[i/f.job.n] + text
		}
		choices[i] = textChoice{Index: i, Text: text, Logprobs: f.logprobs(a.tokens), Finish: &a.finish}
	}
	b := f.body(choices)
	b.Usage = &u
	return b
}

func (f *textFormat) logprobs(tokens []tokenText) *textLogprobs {
	if f.job.params.Logprobs < 0 {
		return nil
	}
	out := &textLogprobs{Tokens: []string{}, Logprobs: []*float32{}, Top: []map[string]float32{}, Offsets: []int{}}
	for _, t := range tokens {
		lp, top := f.chances(t)
		out.Tokens = append(out.Tokens, tokenString(t.bytes))
		out.Logprobs = append(out.Logprobs, lp)
		out.Top = append(out.Top, top)
		out.Offsets = append(out.Offsets, t.at)
	}
	return out
}

// chances are a token's log-probability and the likeliest ones in its place, nil where nothing is before it.
func (f *textFormat) chances(t tokenText) (*float32, map[string]float32) {
	if t.lp == nil {
		return nil, nil
	}
	lp := finite(t.lp.LP)
	top := map[string]float32{tokenString(t.bytes): lp} // the chosen one is always there
	for _, alt := range t.lp.Top {
		if s := tokenString(f.job.model.Tokens.TokenBytes(alt.ID)); len(top) <= maxTopLP {
			if _, dup := top[s]; !dup { // tokens that are no text by themselves may look the same: the likeliest stays
				top[s] = finite(alt.LP)
			}
		}
	}
	return &lp, top
}
