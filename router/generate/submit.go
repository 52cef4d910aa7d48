package generate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/stagecoach-llm/stagecoach/transport/bus"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// submit sends the request's current state. The reply comes back through the queue.
func (c *Client) submit(r *request, now time.Time) {
	r.attempt++
	r.pending, r.accepted = false, false
	data, err := r.message(now)
	if err == nil && len(data) > c.Bus.MaxPayload() {
		err = fmt.Errorf("the request has %d bytes, the message bus takes %d: shorten the prompt or raise max_payload",
			len(data), c.Bus.MaxPayload())
	}
	if err != nil {
		c.fail(r, &Error{Code: wire.CodeInvalid, Message: err.Error()})
		return
	}
	attempt, within := r.attempt, max(time.Millisecond, min(replyWithin, r.deadline.Sub(now)))
	c.tasks.Go(func() {
		reply, err := c.ask(data, within)
		c.do(func() { c.onReply(r, attempt, reply, err, time.Now()) })
	})
}

// ask waits for the coordinator's reply on a goroutine of its own.
func (c *Client) ask(data []byte, within time.Duration) (wire.GenerateReply, error) {
	ctx, cancel := context.WithTimeout(c.ctx, within)
	defer cancel()
	var reply wire.GenerateReply
	answer, err := c.Bus.Request(ctx, c.Subjects.Generate(), data)
	if err == nil {
		err = json.Unmarshal(answer, &reply)
	}
	return reply, err
}

func (c *Client) onReply(r *request, attempt uint32, reply wire.GenerateReply, err error, now time.Time) {
	if c.live[r.ask.ID] != r {
		if err == nil && reply.Code == "" { // it was cancelled before it was accepted
			c.sendCancel(r.ask.ID, -1, "cancelled", 0)
		}
		return
	}
	switch {
	case attempt != r.attempt || r.pending: // a newer submission is on its way
	case err != nil:
		c.again(r, now, unreached(err))
	case reply.Code != "":
		c.refused(r, reply, now)
	default:
		r.accepted, r.term, r.heard = true, reply.Term, now
		r.ask.Room = max(r.ask.Room, reply.Room)
		c.sawTerm(reply.Term, now)
		for _, ch := range r.choices { // credit may have grown meanwhile
			c.sendCredit(r, ch)
		}
	}
}

func unreached(err error) string {
	switch {
	case errors.Is(err, bus.ErrNoResponders):
		return "no coordinator is there"
	case errors.Is(err, bus.ErrDisconnected):
		return "the message bus is not connected"
	case errors.Is(err, context.DeadlineExceeded):
		return "the coordinator does not answer"
	}
	return err.Error()
}

// refused waits where waiting can help: the coordinator names a time, or an answer has begun that should not break off. A full
// queue is told to the client at once, who knows better whether to wait.
func (c *Client) refused(r *request, reply wire.GenerateReply, now time.Time) {
	wait := time.Duration(reply.RetryAfterMS) * time.Millisecond
	shed := !r.begun() && (wait <= 0 || reply.Code == wire.CodeOverloaded)
	if shed || !canPass(reply.Code) || !now.Add(wait).Before(r.deadline) {
		c.fail(r, &Error{Code: reply.Code, Message: reply.Message, RetryAfter: wait})
		return
	}
	c.again(r, now, reply.Message)
	r.code = reply.Code
	if due := now.Add(wait); due.After(r.due) {
		r.due = due
	}
}

// canPass reports whether the same request can succeed later.
func canPass(code string) bool {
	switch code {
	case wire.CodeNoPipeline, wire.CodeOverloaded, wire.CodeStage:
		return true
	}
	return false
}

// again schedules a resubmission, later each time without progress.
func (c *Client) again(r *request, now time.Time, reason string) {
	if r.pending {
		return
	}
	c.Logger.Info("submitting a request again", "request", r.ask.ID, "attempt", r.attempt+1, "reason", reason)
	r.pending, r.accepted, r.reason, r.code = true, false, reason, ""
	r.due = now.Add(r.pause)
	r.pause = min(2*r.pause, longPause)
}

// sawTerm resubmits what a coordinator accepted that is not there any more.
func (c *Client) sawTerm(term uint64, now time.Time) {
	if term <= c.term {
		return
	}
	c.term = term
	for _, r := range c.live {
		if r.accepted && r.term < term {
			c.again(r, now, "the coordinator was restarted")
		}
	}
}

// probe asks whether it is still the same coordinator, one question at a time.
func (c *Client) probe(now time.Time) {
	if c.probing || now.Sub(c.probed) < probeEvery {
		return
	}
	c.probing, c.probed = true, now
	c.tasks.Go(func() {
		status, err := c.status()
		c.do(func() {
			c.probing = false
			if err == nil {
				c.onStatus(status, time.Now())
			}
		})
	})
}

func (c *Client) status() (s wire.Status, err error) {
	ctx, cancel := context.WithTimeout(c.ctx, replyWithin)
	defer cancel()
	return Status(ctx, c.Bus, c.Subjects)
}

func (c *Client) onStatus(s wire.Status, now time.Time) {
	c.sawTerm(s.Term, now)
	forgotten := s.Queue.Running+s.Queue.Waiting < c.running()
	idle := s.Ready && s.Queue.Waiting == 0
	for _, r := range c.live {
		silent := now.Sub(r.heard)
		switch {
		case !r.accepted || !r.hungry():
		case forgotten && silent > forgottenAfter:
			c.again(r, now, "the coordinator has fewer answers than are wanted")
		case idle && silent > r.patience:
			r.patience *= 2
			c.again(r, now, "no token for long")
		}
	}
}

// running counts the choices that the coordinator should have.
func (c *Client) running() (n int) {
	for _, r := range c.live {
		if !r.accepted {
			continue
		}
		for _, ch := range r.choices {
			if !ch.finished {
				n++
			}
		}
	}
	return n
}
