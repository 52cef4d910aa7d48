// Package fake is a coordinator with a pipeline that says what a test wants: it keeps the protocol (credit, cancel, attempts,
// absolute positions, terms) and computes nothing.
package fake

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/stagecoach-llm/stagecoach/shard/checkpoint"
	"github.com/stagecoach-llm/stagecoach/transport/bus"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// Coordinator answers one cluster's routers.
type Coordinator struct {
	conn     bus.Conn
	subjects wire.Subjects
	card     *checkpoint.Card
	packed   []byte
	answer   Answer
	step     time.Duration
	stop     chan struct{}
	ended    sync.WaitGroup

	mu      sync.Mutex
	live    map[string]*request
	seen    []wire.Generate
	cancels []wire.Cancel
	beats   []wire.RouterBeat
	term    uint64
	ready   bool
	deaf    bool                   // nothing is answered or sent
	stalled bool                   // no tokens
	prefill time.Duration          // from a request to its first token
	pace    time.Duration          // from a step to the next, beyond the ticks of step
	after   time.Time              // no step before
	refuse  []wire.GenerateReply   // the next replies
	breaks  map[int]wire.DeltaItem // after so many tokens of the next request: this item instead
}

// Answer is the output of one choice, end token included, for a prompt. The same arguments must give the same tokens.
type Answer func(prompt []int32, choice uint32, seed uint64) []int32

type request struct {
	g       wire.Generate
	choices map[uint32]*choice
	breaks  map[int]wire.DeltaItem
	scored  int       // prompt tokens that need no score
	from    time.Time // when its prompt has been computed
}

// scoresAStep is how many tokens of a prompt are scored at once.
const scoresAStep = 3

// Score is the log-probability that the fake gives the token at position at of a prompt, with alternatives of which the
// first is the token itself.
func Score(prompt []int32, at, top int) wire.Logprob {
	lp := wire.Logprob{LP: -float32(at)}
	for k := range max(top, 0) {
		lp.Top = append(lp.Top, wire.TokenLP{ID: (prompt[at] + int32(k)) % 256, LP: lp.LP - float32(k)})
	}
	return lp
}

type choice struct {
	out    []int32
	sent   int
	credit int
}

// Start begins to answer; each running choice gets one token every step.
func Start(conn bus.Conn, subjects wire.Subjects, card *checkpoint.Card, step time.Duration, answer Answer) (*Coordinator, error) {
	c := &Coordinator{
		conn: conn, subjects: subjects, card: card, answer: answer, step: step, stop: make(chan struct{}),
		live: map[string]*request{}, term: 1, ready: true,
	}
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	if err := json.NewEncoder(z).Encode(card); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	c.packed = buf.Bytes()
	for subject, fn := range map[string]func(bus.Msg){
		subjects.Generate(): c.onGenerate, subjects.Router(): c.onRouter, subjects.Admin(): c.onAdmin,
	} {
		if _, err := conn.Subscribe(subject, fn); err != nil {
			return nil, err
		}
	}
	c.ended.Go(c.run)
	return c, nil
}

// Stop ends the coordinator; the connection stays open.
func (c *Coordinator) Stop() {
	close(c.stop)
	c.ended.Wait()
}

// Restart forgets everything, as a new process with the next term.
func (c *Coordinator) Restart() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.live = map[string]*request{}
	c.term++
}

// SetReady changes what status says.
func (c *Coordinator) SetReady(ready bool) { c.lock(func() { c.ready = ready }) }

// SetDeaf stops or restarts every answer.
func (c *Coordinator) SetDeaf(deaf bool) { c.lock(func() { c.deaf = deaf }) }

// SetStalled stops or restarts the tokens of everything, as a long prefill does.
func (c *Coordinator) SetStalled(stalled bool) { c.lock(func() { c.stalled = stalled }) }

// SetPrefill has the first token of each request that comes wait so long.
func (c *Coordinator) SetPrefill(d time.Duration) { c.lock(func() { c.prefill = d }) }

// SetPace makes steps slower, so that what a client counts does not depend on how the machine shares out its time.
func (c *Coordinator) SetPace(d time.Duration) { c.lock(func() { c.pace = d }) }

// Forget drops all requests without a word.
func (c *Coordinator) Forget() { c.lock(func() { c.live = map[string]*request{} }) }

// Refuse answers the next requests with these replies.
func (c *Coordinator) Refuse(replies ...wire.GenerateReply) {
	c.lock(func() { c.refuse = append(c.refuse, replies...) })
}

// Break has the next request's choices get this item instead of their token after so many.
func (c *Coordinator) Break(after int, item wire.DeltaItem) {
	c.lock(func() { c.breaks = map[int]wire.DeltaItem{after: item} })
}

// Seen are all requests that came, in order.
func (c *Coordinator) Seen() (out []wire.Generate) {
	c.lock(func() { out = slices.Clone(c.seen) })
	return out
}

// Cancels are all that came, in order.
func (c *Coordinator) Cancels() (out []wire.Cancel) {
	c.lock(func() { out = slices.Clone(c.cancels) })
	return out
}

// Beats are all that came, in order.
func (c *Coordinator) Beats() (out []wire.RouterBeat) {
	c.lock(func() { out = slices.Clone(c.beats) })
	return out
}

// Live is the number of requests that run.
func (c *Coordinator) Live() (n int) {
	c.lock(func() { n = len(c.live) })
	return n
}

func (c *Coordinator) lock(fn func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fn()
}

func (c *Coordinator) run() {
	tick := time.NewTicker(c.step)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			c.advance()
		case <-c.stop:
			return
		}
	}
}

// advance gives every choice with credit its next token.
func (c *Coordinator) advance() {
	now := time.Now()
	c.mu.Lock()
	if c.stalled || now.Before(c.after) {
		c.mu.Unlock()
		return
	}
	c.after = now.Add(c.pace)
	deltas := map[string]*wire.Delta{}
	for _, r := range c.live {
		if now.Before(r.from) {
			continue
		}
		to := c.subjects.Delta(r.g.Router, r.g.Boot)
		if deltas[to] == nil {
			deltas[to] = &wire.Delta{Term: c.term}
		}
		for index, ch := range r.choices {
			if item, ok := r.next(index, ch); ok {
				deltas[to].Items = append(deltas[to].Items, item)
			}
			if ch.sent < 0 {
				delete(r.choices, index)
			}
		}
		if len(r.choices) == 0 {
			delete(c.live, r.g.ID)
		}
	}
	deaf := c.deaf
	c.mu.Unlock()
	for to, d := range deltas {
		if data, err := wire.AppendDelta(nil, d); err == nil && len(d.Items) > 0 && !deaf {
			_ = c.conn.Publish(to, data) // lost where the bus is down, as by the real one
		}
	}
}

func (r *request) next(index uint32, ch *choice) (wire.DeltaItem, bool) {
	item := wire.DeltaItem{ID: r.g.ID, Attempt: r.g.Attempt, Choice: index, Position: uint32(ch.sent)}
	if broken, ok := r.breaks[ch.sent]; ok {
		item.ErrorCode, item.Error, item.Finish = broken.ErrorCode, broken.Error, broken.Finish
		ch.sent = -1
		return item, true
	}
	if !r.score(&item) {
		return item, true
	}
	if r.g.MaxTokens == 0 {
		item.Finish, ch.sent = wire.FinishLength, -1
		return item, true
	}
	if ch.sent >= ch.credit {
		return item, len(item.Scores) > 0
	}
	id := ch.out[ch.sent]
	item.Tokens = []int32{id}
	if n := r.g.Params.Logprobs; n >= 0 {
		lp := wire.Logprob{LP: -0.25}
		for k := range n {
			lp.Top = append(lp.Top, wire.TokenLP{ID: (id + int32(k)) % 256, LP: -0.25 - float32(k)})
		}
		item.Logprobs = []wire.Logprob{lp}
	}
	ch.sent++
	switch {
	case slices.Contains(r.g.Params.StopIDs, id):
		item.Finish = wire.FinishStop
	case ch.sent >= r.g.MaxTokens || ch.sent >= len(ch.out):
		item.Finish = wire.FinishLength
	}
	if item.Finish != "" {
		ch.sent = -1
	}
	return item, true
}

// score gives the next scores of the prompt and reports whether they were the last.
func (r *request) score(item *wire.DeltaItem) bool {
	if !r.g.Score || r.scored >= len(r.g.Prompt) {
		return true
	}
	item.ScorePos = uint32(r.scored)
	for range min(scoresAStep, len(r.g.Prompt)-r.scored) {
		item.Scores = append(item.Scores, Score(r.g.Prompt, r.scored, r.g.Params.Logprobs))
		r.scored++
	}
	return r.scored == len(r.g.Prompt)
}

func (c *Coordinator) onGenerate(m bus.Msg) {
	var g wire.Generate
	if json.Unmarshal(m.Data, &g) != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.deaf {
		return
	}
	c.seen = append(c.seen, g)
	reply := wire.GenerateReply{ID: g.ID, Attempt: g.Attempt, Term: c.term}
	if len(c.refuse) > 0 {
		reply.Code, reply.Message, reply.RetryAfterMS = c.refuse[0].Code, c.refuse[0].Message, c.refuse[0].RetryAfterMS
		c.refuse = c.refuse[1:]
	}
	if data, err := json.Marshal(reply); err == nil {
		_ = c.conn.Publish(m.Reply, data) // lost where the bus is down
	}
	if reply.Code != "" {
		return
	}
	r := &request{g: g, choices: map[uint32]*choice{}, breaks: c.breaks, scored: max(1, g.Scored), from: time.Now().Add(c.prefill)}
	c.breaks = nil
	for _, ch := range g.Choices {
		r.choices[ch.Index] = &choice{out: c.answer(g.Prompt, ch.Index, ch.Seed), sent: len(ch.Emitted), credit: int(ch.Credit)}
	}
	c.live[g.ID] = r
}

func (c *Coordinator) onRouter(m bus.Msg) {
	var rm wire.RouterMessage
	if json.Unmarshal(m.Data, &rm) != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case rm.Beat != nil:
		c.beats = append(c.beats, *rm.Beat)
		for id, r := range c.live { // of a boot that has ended
			if r.g.Router == rm.Beat.Router && r.g.Boot != rm.Beat.Boot {
				delete(c.live, id)
			}
		}
	case rm.Credit != nil:
		if r := c.live[rm.Credit.ID]; r != nil && r.choices[rm.Credit.Choice] != nil {
			ch := r.choices[rm.Credit.Choice]
			ch.credit = max(ch.credit, int(rm.Credit.UpTo))
		}
	case rm.Cancel != nil:
		c.cancels = append(c.cancels, *rm.Cancel)
		if r := c.live[rm.Cancel.ID]; r != nil {
			delete(r.choices, uint32(rm.Cancel.Choice))
			if rm.Cancel.Choice < 0 || len(r.choices) == 0 {
				delete(c.live, rm.Cancel.ID)
			}
		}
	}
}

const cardPiece = 1000 // bytes: the card comes in several

func (c *Coordinator) onAdmin(m bus.Msg) {
	var req wire.AdminRequest
	if json.Unmarshal(m.Data, &req) != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.deaf {
		return
	}
	var result any
	switch req.Verb {
	case wire.VerbStatus:
		s := wire.Status{ModelID: c.card.ID, Model: "demo/model", Ready: c.ready, State: "ready", Term: c.term}
		for _, r := range c.live {
			s.Queue.Running += len(r.choices)
		}
		if !c.ready {
			s.State, s.Reason = "waiting", "no shards are here"
		}
		result = s
	case wire.VerbCard:
		var a wire.CardRequest
		if json.Unmarshal(req.Args, &a) != nil || a.Offset > len(c.packed) {
			return
		}
		piece := c.packed[a.Offset:min(len(c.packed), a.Offset+cardPiece)]
		result = wire.CardChunk{ID: c.card.ID, Total: len(c.packed), Data: piece}
	}
	reply := wire.AdminReply{}
	reply.Result, _ = json.Marshal(result) // our own plain types
	if data, err := json.Marshal(reply); err == nil {
		_ = c.conn.Publish(m.Reply, data)
	}
}
