package stage

import (
	"errors"

	"github.com/stagecoach-llm/stagecoach/shard/grammar"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// wanted is one row whose logits are needed.
type wanted struct {
	entry int // of the frame
	row   int // of x
	index int // of the entry's rows
}

// logitRows bounds how many rows of logits are in memory at once: a long scoring entry must not hold
// rows x vocabulary.
const logitRows = 32

// sample draws a token or scores targets for each entry that wants it. Logits are computed only for the rows that
// need them: the last row of a sampling entry, every row of a scoring one.
func (e *modelEngine) sample(f *wire.Frame) {
	e.want(f)
	vocab := e.cfg.Vocab
	for w := e.wanted; len(w) > 0; {
		n := min(len(w), logitRows)
		e.rows = e.rows[:0]
		for i := range n {
			e.rows = append(e.rows, w[i].row)
		}
		e.logits = grow(e.logits, n*vocab)
		err := e.model.Logits(e.x, e.rows, e.logits)
		for i := range n {
			e.judge(f, w[i], e.logits[i*vocab:(i+1)*vocab], err)
		}
		w = w[n:]
	}
}

// want lists the wanted rows and reports the entries that earlier stages failed.
func (e *modelEngine) want(f *wire.Frame) {
	e.wanted = e.wanted[:0]
	at := 0
	for i := range f.Entries {
		en := &f.Entries[i]
		n := len(en.Tokens)
		switch {
		case en.Want == wire.WantFailed && !e.reported(en.Seq):
			e.items = append(e.items, wire.SampledItem{Seq: en.Seq, Pos: en.Pos, Error: "stage: an earlier stage failed this sequence"})
		case en.Want == wire.WantScore:
			for r := range n {
				e.wanted = append(e.wanted, wanted{i, at + r, r})
			}
		case en.Want == wire.WantSample && n > 0:
			e.wanted = append(e.wanted, wanted{i, at + n - 1, n - 1})
		}
		at += n
	}
}

func (e *modelEngine) reported(seq uint64) bool {
	for i := range e.items {
		if e.items[i].Seq == seq && e.items[i].Error != "" {
			return true
		}
	}
	return false
}

// judge turns one row of logits [vocab] into its entry's item.
func (e *modelEngine) judge(f *wire.Frame, w wanted, logits []float32, err error) {
	en := &f.Entries[w.entry]
	end := int(en.Pos) + len(en.Tokens)
	if n := len(e.items); n == 0 || e.items[n-1].Seq != en.Seq {
		e.items = append(e.items, wire.SampledItem{Seq: en.Seq, Pos: uint32(end)})
	}
	item := &e.items[len(e.items)-1]
	s := e.seqs[en.Seq]
	if err == nil && w.index < len(en.Targets) {
		var lp wire.Logprob
		if lp, err = e.vocab.Score(logits, en.Targets[w.index], s.top); err == nil {
			item.Scores = append(item.Scores, lp)
			return
		}
	} else if err == nil {
		var id int32
		var lp *wire.Logprob
		if id, lp, err = s.sampler.Sample(logits, end, s.history); err == nil {
			item.Tokens = append(item.Tokens, id)
			if lp != nil {
				item.Logprobs = append(item.Logprobs, *lp)
			}
			return
		}
	}
	item.Error = reason(err)
}

// reason is an item's error.
func reason(err error) string {
	if errors.Is(err, grammar.ErrComplex) {
		return wire.FaultOfRequest + err.Error()
	}
	return err.Error()
}
