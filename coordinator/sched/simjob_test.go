package sched

import (
	"fmt"
	"slices"
	"time"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// job is a request as its router sees it.
type job struct {
	m        *sim
	g        wire.Generate
	choices  []*reading
	begun    bool
	gone     bool          // the client went away
	refused  string        // a code that ends it
	accepted bool          // this attempt
	heard    time.Duration // last sign of life
	deadline time.Duration
	window   int
	asleep   time.Duration // until when the reader takes nothing
	scores   []wire.Logprob
	emitted  int // prompt tokens whose scores this attempt has been sent
}

// reading is one choice with what has come of it.
type reading struct {
	w      wire.Choice
	want   answer
	tokens []int32
	credit uint32
	ended  bool
	finish string
	code   string
	again  uint32
}

func (m *sim) newJob(i int) *job {
	j := &job{m: m, window: 1 + m.r.IntN(12)}
	prompt := m.prompt()
	j.g = wire.Generate{ID: fmt.Sprint("r", i), Router: string("ab"[m.r.IntN(2)]), Boot: "1", Model: "m", Prompt: prompt,
		MaxTokens: m.r.IntN(m.w.output + 1), Tenant: fmt.Sprint("t", m.r.IntN(3)), Priority: m.r.IntN(2),
		Salt: []string{"", "x"}[m.r.IntN(2)], Params: wire.Params{Logprobs: 0, StopIDs: []int32{3}}}
	if m.chance(m.w.scored) {
		j.g.Score, j.g.Params.Logprobs, j.g.MaxTokens = true, m.r.IntN(4)-1, j.g.MaxTokens*m.r.IntN(2)
	}
	for k := range 1 + m.r.IntN(m.w.n) {
		w := wire.Choice{Index: uint32(k), Seed: m.r.Uint64()}
		j.choices = append(j.choices, &reading{w: w})
	}
	if !m.w.shrinks {
		j.promise(m.w.blocks[0])
	}
	m.jobs = append(m.jobs, j)
	m.byID[j.g.ID] = j
	return j
}

// promise settles what the answers are when the KV has so many blocks.
func (j *job) promise(blocks int) {
	for _, c := range j.choices {
		c.want = reference(&j.g, &c.w, min(simContext, blocks*BlockTokens), j.m.w.rate)
	}
}

// prompt is one that has much in common with others: a counted beginning, or the same few blocks in some order.
func (m *sim) prompt() []int32 {
	prompt := make([]int32, m.r.IntN(m.w.prompt)+1)
	own := m.r.IntN(len(prompt) + 1)
	mixed, block := m.chance(0.5), 0
	for k := range prompt {
		if k%BlockTokens == 0 {
			block = m.r.IntN(2)
		}
		switch {
		case mixed:
			prompt[k] = int32(k%BlockTokens + 20*block)
		case k < own:
			prompt[k] = int32(k * 7 % 50)
		default:
			prompt[k] = int32(m.r.IntN(fakeVocab))
		}
	}
	return prompt
}

func (j *job) start() {
	m := j.m
	j.begun = true
	if m.chance(m.w.deadlines) {
		j.deadline = m.now + time.Second + m.ms(20000)
	}
	if m.chance(m.w.slow) {
		j.asleep = m.now + m.ms(15000)
	}
	if m.chance(m.w.cancels) {
		m.after(m.ms(int(m.w.faultTime/time.Millisecond)+400), j.leave)
	}
	j.submit()
	m.after(300*time.Millisecond, j.tick)
}

func (j *job) leave() {
	j.gone = true
	j.m.carry("router"+j.g.Router, func() { j.m.apply(Cancel{ID: j.g.ID, Choice: -1, Reason: "client left"}) })
}

// submit sends the next attempt with what has been received so far.
func (j *job) submit() {
	m := j.m
	j.g.Attempt++
	j.accepted, j.heard = false, m.now
	if j.g.Score {
		j.g.Scored = len(j.scores) + 1
		j.emitted = j.g.Scored
	}
	g := j.g
	g.Prompt = append([]int32(nil), j.g.Prompt...)
	if j.deadline > 0 {
		g.RemainingMS = max((j.deadline - m.now).Milliseconds(), 1)
	}
	for _, c := range j.choices {
		if !c.ended {
			c.again = 0
			c.w.Emitted, c.w.Credit = append([]int32(nil), c.tokens...), j.allow(c)
			g.Choices = append(g.Choices, c.w)
		}
	}
	m.carry("generate", func() {
		if m.w.shrinks && j.g.Room == 0 {
			j.g.Room = m.blocks * BlockTokens
			j.promise(m.blocks)
		}
		g.Room = j.g.Room
		m.apply(Submit{&g})
	})
}

// allow is the credit that the reader's window gives.
func (j *job) allow(c *reading) uint32 {
	if j.m.now >= j.asleep {
		c.credit = max(c.credit, uint32(len(c.tokens)+j.window))
	}
	return c.credit
}

// tick repeats credit and submits again after silence.
func (j *job) tick() {
	m := j.m
	if j.ended() {
		return
	}
	for _, c := range j.choices {
		if !c.ended {
			j.extend(c)
		}
	}
	quiet := m.now - j.heard
	if !j.accepted && quiet > time.Second || quiet > 8*time.Second && m.now > j.asleep {
		j.submit()
	}
	m.after(300*time.Millisecond, j.tick)
}

func (j *job) extend(c *reading) {
	cr := Credit{ID: j.g.ID, Choice: c.w.Index, UpTo: j.allow(c), Delivered: uint32(len(c.tokens))}
	j.m.carry("router"+j.g.Router, func() { j.m.apply(cr) })
}

func (j *job) ended() bool {
	if j.gone || j.refused != "" {
		return true
	}
	for _, c := range j.choices {
		if !c.ended {
			return false
		}
	}
	return true
}

func (m *sim) reply(c Reply) {
	j := m.byID[c.ID]
	if j == nil {
		return // a canary
	}
	r := c.GenerateReply
	m.carry("reply"+j.g.Router, func() {
		switch {
		case r.Attempt != j.g.Attempt:
		case r.Code == "":
			j.accepted, j.heard = true, m.now
		case r.Code == wire.CodeOverloaded:
			if r.RetryAfterMS <= 0 {
				m.t.Fatalf("overloaded without a time: %+v", r)
			}
			j.accepted = true
			m.after(time.Duration(r.RetryAfterMS)*time.Millisecond, func() {
				if !j.ended() && j.g.Attempt == r.Attempt {
					j.submit()
				}
			})
		default:
			j.refused = r.Code
		}
	})
}

func (m *sim) emit(e Emit) {
	if e.Router == "" {
		m.sing(e.Items)
		return
	}
	for i := range e.Items {
		m.once(&e.Items[i])
	}
	data, err := wire.AppendDelta(nil, &wire.Delta{Term: 1, Items: e.Items})
	if err != nil {
		m.t.Fatal(err)
	}
	m.carry("delta"+e.Router, func() {
		var d wire.Delta
		if err := wire.ParseDelta(data, &d); err != nil {
			m.t.Fatal(err)
		}
		for i := range d.Items {
			j := m.byID[d.Items[i].ID]
			if j.g.Router != e.Router {
				m.t.Fatalf("%s gets what belongs to %s", e.Router, j.g.Router)
			}
			j.hear(&d.Items[i])
		}
	})
}

// once demands that the scores of an attempt come in order and none twice, whatever is computed again.
func (m *sim) once(it *wire.DeltaItem) {
	j := m.byID[it.ID]
	if len(it.Scores) == 0 || it.Attempt != j.g.Attempt {
		return
	}
	if int(it.ScorePos) != j.emitted {
		m.t.Fatalf("%s/%d: scores from position %d on, %d have been sent", it.ID, it.Attempt, it.ScorePos, j.emitted)
	}
	j.emitted += len(it.Scores)
}

// take appends the scores that are new and tells whether none is missing before the item's tokens.
func (j *job) take(it *wire.DeltaItem, want []wire.Logprob) bool {
	for i, lp := range it.Scores {
		at := int(it.ScorePos) - 1 + i
		if at > len(j.scores) {
			return false
		}
		if at >= len(want) || !same(lp, want[at]) {
			j.m.t.Fatalf("%s at %v: the score of prompt token %d is %v, want it from %v", it.ID, j.m.now, at+1, lp, want)
		}
		if at == len(j.scores) {
			j.scores = append(j.scores, wire.Logprob{LP: lp.LP, Top: slices.Clone(lp.Top)})
		}
	}
	return !j.g.Score || len(j.scores) == len(j.g.Prompt)-1 || len(it.Tokens) == 0 && it.Finish != wire.FinishLength
}

func same(a, b wire.Logprob) bool { return a.LP == b.LP && slices.Equal(a.Top, b.Top) }

// hear takes an item as a strict router does: of this attempt, without a gap, and it must be right.
func (j *job) hear(it *wire.DeltaItem) {
	m, c := j.m, j.choices[it.Choice]
	if it.Attempt != j.g.Attempt || c.ended || j.gone {
		return
	}
	j.heard = m.now
	if !j.take(it, c.want.scores) || int(it.Position) > len(c.tokens) {
		j.submit()
		return
	}
	if it.Recomputed < c.again {
		m.t.Fatalf("%s/%d: recomputed went from %d to %d", it.ID, it.Choice, c.again, it.Recomputed)
	}
	c.again = it.Recomputed
	for i, t := range it.Tokens {
		at := int(it.Position) + i
		if at >= len(c.want.tokens) || c.want.tokens[at] != t || it.Logprobs[i].LP != c.want.lps[at] {
			m.t.Fatalf("%s/%d at %v: output token %d is %d, want it from %v", it.ID, it.Choice, m.now, at, t, c.want.tokens)
		}
		if at == len(c.tokens) {
			c.tokens = append(c.tokens, t)
		}
	}
	if it.Finish != "" || it.ErrorCode != "" {
		c.ended, c.finish, c.code = true, it.Finish, it.ErrorCode
	} else if c.credit < uint32(len(c.tokens)+j.window/2) {
		j.extend(c)
	}
}

// judge compares how the job ended with how it had to end.
func (j *job) judge() {
	m := j.m
	if j.gone {
		return
	}
	if j.refused != "" && !(j.refused == wire.CodeTimeout && j.deadline > 0) {
		m.t.Errorf("%s: refused as %s", j.g.ID, j.refused)
	}
	for _, c := range j.choices {
		if late := c.code == wire.CodeTimeout || c.code == wire.CodeNoPipeline; late && j.deadline > 0 || j.refused != "" {
			continue
		}
		wantCode := ""
		if c.want.finish == "" {
			wantCode = wire.CodeNumeric
		}
		if c.finish != c.want.finish || c.code != wantCode || len(c.tokens) != len(c.want.tokens) {
			m.t.Errorf("%s/%d: %d tokens, finish %q, error %q; want %d, %q, %q", j.g.ID, c.w.Index, len(c.tokens), c.finish, c.code,
				len(c.want.tokens), c.want.finish, wantCode)
		}
	}
}
