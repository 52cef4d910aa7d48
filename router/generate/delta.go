package generate

import (
	"cmp"
	"encoding/json"
	"time"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// apply takes what one step produced.
func (c *Client) apply(d *wire.Delta, now time.Time) {
	c.sawTerm(d.Term, now)
	for i := range d.Items {
		it := &d.Items[i]
		if r := c.live[it.ID]; r != nil {
			c.item(r, it, now)
		}
	}
}

func (c *Client) item(r *request, it *wire.DeltaItem, now time.Time) {
	ch := r.choices[it.Choice]
	if ch == nil || ch.finished {
		return
	}
	current := it.Attempt == r.attempt && !r.pending
	if current {
		r.heard = now
	}
	r.stream.count(it.Cached, it.Recomputed)
	switch {
	case it.ErrorCode != "" || it.Finish == wire.FinishCancel:
		if current {
			c.broken(r, it, now)
		}
	case it.Position > uint32(len(ch.emitted)) || r.missesScores(it):
		if current {
			c.again(r, now, "a delta was lost")
		}
	default:
		c.extend(r, ch, it)
	}
}

// missesScores reports whether scores before those of an item, or before its tokens, were lost.
func (r *request) missesScores(it *wire.DeltaItem) bool {
	end := int(it.ScorePos) + len(it.Scores)
	over := len(it.Tokens) > 0 || it.Finish != ""
	return int(it.ScorePos) > r.scored || over && max(r.scored, end) < len(r.ask.Prompt)
}

// score takes what is new of an item's scores.
func (r *request) score(it *wire.DeltaItem) []wire.Logprob {
	known := r.scored - int(it.ScorePos)
	if known >= len(it.Scores) {
		return nil
	}
	r.scored += len(it.Scores) - known
	return it.Scores[known:]
}

// broken is a choice that the coordinator gave up.
func (c *Client) broken(r *request, it *wire.DeltaItem, now time.Time) {
	if canPass(it.ErrorCode) || it.ErrorCode == "" {
		c.again(r, now, cmp.Or(it.Error, it.ErrorCode, "cancelled by the coordinator"))
		r.code = it.ErrorCode
		return
	}
	c.fail(r, &Error{Code: it.ErrorCode, Message: it.Error})
}

// extend appends what is new.
func (c *Client) extend(r *request, ch *choice, it *wire.DeltaItem) {
	known := min(len(ch.emitted)-int(it.Position), len(it.Tokens))
	ev := Event{Choice: int(ch.index), Position: len(ch.emitted), Tokens: it.Tokens[known:], Scores: r.score(it)}
	if len(it.Logprobs) == len(it.Tokens) {
		ev.Logprobs = it.Logprobs[known:]
	}
	if int(it.Position)+len(it.Tokens) >= len(ch.emitted) {
		ev.Finish = it.Finish
	}
	if len(ev.Tokens) == 0 && len(ev.Scores) == 0 && ev.Finish == "" {
		return
	}
	ch.emitted = append(ch.emitted, ev.Tokens...)
	ch.finished = ev.Finish != ""
	r.pause, r.patience = firstPause, patience
	r.stream.push(ev)
	if !r.running() {
		c.drop(r)
		r.stream.end(nil)
	}
}

// fail ends a request with an error.
func (c *Client) fail(r *request, err *Error) {
	c.drop(r)
	if r.attempt > 0 {
		c.sendCancel(r.ask.ID, -1, err.Code, 0)
	}
	r.stream.end(err)
}

func (c *Client) drop(r *request) { delete(c.live, r.ask.ID) }

func (c *Client) sendCredit(r *request, ch *choice) {
	if !ch.finished {
		c.send(wire.RouterMessage{Credit: &wire.Credit{
			ID: r.ask.ID, Choice: ch.index, UpTo: ch.credit, Delivered: ch.delivered,
		}})
	}
}

func (c *Client) sendCancel(id string, choice int, reason string, at uint32) {
	c.send(wire.RouterMessage{Cancel: &wire.Cancel{ID: id, Choice: choice, Reason: reason, At: at}})
}

// send publishes without waiting for anything. A message that is lost is made good by the beats: they repeat credit, and what they
// do not list is not wanted.
func (c *Client) send(m wire.RouterMessage) {
	data, err := json.Marshal(m)
	if err == nil {
		err = c.Bus.Publish(c.Subjects.Router(), data)
	}
	if err != nil {
		c.Logger.Debug("a message to the coordinator was not sent", "error", err)
	}
}
