package sched

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// chaos turns bytes into events, sensible and not, and an honest pipeline's results.
type chaos struct {
	t     *testing.T
	b     []byte
	s     *Scheduler
	now   time.Duration
	epoch uint64
	steps []SendStep
	ended map[answerKey]time.Duration // choices that were told so, and when
	live  map[answerKey]bool          // choices that were accepted
}

type answerKey struct {
	id      string
	attempt uint32
	choice  uint32
}

func (c *chaos) next() int {
	if len(c.b) == 0 {
		return 0
	}
	v := c.b[0]
	c.b = c.b[1:]
	return int(v)
}

func (c *chaos) apply(ev Event) {
	for _, cmd := range c.s.Apply(c.now, ev, nil) {
		switch x := cmd.(type) {
		case SendStep:
			c.send(x)
		case Emit:
			c.hear(x)
		case Reply:
			c.replied(x)
		}
	}
	if err := c.s.Check(); err != nil {
		c.t.Fatalf("after %T %+v: %v", ev, ev, err)
	}
}

// replied notes who has been promised an end. A later attempt, taken or refused, ends those before it in silence.
func (c *chaos) replied(x Reply) {
	for k := range c.live {
		if k.id == x.ID && k.attempt < x.Attempt {
			delete(c.live, k)
		}
	}
	if r := c.s.requests[x.ID]; r != nil && x.Code == "" && r.attempt == x.Attempt {
		for _, ch := range r.choices {
			c.live[answerKey{x.ID, x.Attempt, ch.index}] = true
		}
	}
}

func (c *chaos) send(x SendStep) {
	if x.Epoch != c.epoch {
		c.t.Fatalf("step of epoch %d, it is %d", x.Epoch, c.epoch)
	}
	if n := uint64(len(c.steps)); n > 0 && x.Step <= c.steps[n-1].Step {
		return // again
	}
	c.steps = append(c.steps, x)
}

func (c *chaos) hear(e Emit) {
	for _, it := range e.Items {
		key := answerKey{it.ID, it.Attempt, it.Choice}
		if at, ok := c.ended[key]; ok && c.now-at <= graveTime {
			c.t.Fatalf("%v was over at %v: at %v %+v", key, at, c.now, it)
		}
		if it.Finish != "" || it.ErrorCode != "" {
			c.ended[key] = c.now
		}
	}
}

func (c *chaos) submit() {
	g := &wire.Generate{ID: fmt.Sprint(c.next() % 6), Attempt: uint32(c.next() % 4), Router: fmt.Sprint(c.next() % 2),
		Boot: "1", MaxTokens: c.next()%40 - 1, Tenant: fmt.Sprint(c.next() % 3), Priority: c.next()%3 - 1,
		RemainingMS: int64(c.next()%8) * 500}
	for range c.next() % 70 {
		g.Prompt = append(g.Prompt, int32(len(g.Prompt)*3%10))
	}
	for i := range c.next() % 4 {
		ch := wire.Choice{Index: uint32(i), Credit: uint32(c.next() % 30)}
		for range c.next() % 3 {
			ch.Emitted = append(ch.Emitted, int32(c.next()%11))
		}
		g.Choices = append(g.Choices, ch)
	}
	if k := c.next(); k%4 == 1 {
		g.Score, g.Scored = true, k/4%4
	}
	g.Params.StopIDs = []int32{9}
	c.apply(Submit{g})
}

// honest answers the oldest step; with fault some item is wrong.
func (c *chaos) honest(fault int) {
	if len(c.steps) == 0 {
		return
	}
	st := c.steps[0]
	c.steps = c.steps[1:]
	r := &wire.Sampled{Epoch: st.Epoch, Step: st.Step, Timings: []wire.Timing{{ComputeNS: int64(fault) * 1000}}}
	for i, e := range st.Entries {
		if e.Want == wire.WantNone {
			continue
		}
		it := wire.SampledItem{Seq: e.Seq, Pos: e.Pos + uint32(len(e.Tokens)), Scores: make([]wire.Logprob, len(e.Targets))}
		if e.Want == wire.WantSample || len(e.Targets) < len(e.Tokens) {
			it.Tokens = []int32{int32((int(e.Pos) + i) % 8)}
		}
		switch fault % 16 {
		case 1:
			it.Error = "overflow"
		case 2:
			it.Tokens = nil
		case 3:
			it.Pos++
		case 4:
			it.Tokens = []int32{9}
		case 5:
			it.Scores = it.Scores[:len(it.Scores)/2]
		}
		r.Items = append(r.Items, it)
	}
	c.apply(Sampled{r})
}

func (c *chaos) ready(epoch uint64) {
	if epoch > c.epoch {
		c.epoch, c.steps = epoch, nil
	}
	l := Lane{KVBlocks: c.next() % 12, MaxRows: c.next() % 40, Stages: make([]StageTime, c.next()%4)}
	c.apply(PipelineReady{Epoch: epoch, Lanes: []Lane{l}})
}

func (c *chaos) event() {
	switch c.next() % 14 {
	case 0, 1:
		c.submit()
	case 2, 3, 4:
		c.honest(c.next())
	case 5:
		c.apply(Credit{ID: fmt.Sprint(c.next() % 6), Choice: uint32(c.next() % 4), UpTo: uint32(c.next() % 40)})
	case 6:
		c.apply(Cancel{ID: fmt.Sprint(c.next() % 7), Choice: c.next()%5 - 1})
	case 7:
		c.apply(RouterBeat{Router: fmt.Sprint(c.next() % 2), Boot: "1", Live: []string{fmt.Sprint(c.next() % 6)}})
	case 8:
		c.apply(BusLost{})
		c.apply(BusBack{})
	case 9:
		c.apply(LaneGap{Epoch: uint64(c.next() % 4), Stage: c.next()%6 - 1, Step: uint64(c.next())})
	case 10:
		c.apply(PipelinePaused{Reason: "fuzz"})
	case 11:
		c.ready(uint64(c.next() % 6))
	case 12:
		c.apply(Sampled{&wire.Sampled{Epoch: uint64(c.next() % 4), Lane: uint8(c.next() % 2), Step: uint64(c.next()),
			Items: []wire.SampledItem{{Seq: uint64(c.next()), Tokens: []int32{int32(c.next()) - 9}}}}})
		c.resync()
	case 13:
		c.now += time.Duration(c.next()) * 20 * time.Millisecond
		c.apply(Tick{})
	}
}

// resync forgets steps that a made-up result settled.
func (c *chaos) resync() {
	for len(c.steps) > 0 && c.s.lane != nil && c.steps[0].Step <= c.s.lane.acked {
		c.steps = c.steps[1:]
	}
}

// drain gives everybody credit and an honest pipeline: all must end.
func (c *chaos) drain() {
	c.b = []byte{11, 39, 3}
	c.ready(c.epoch + 1)
	for i := 0; len(c.s.requests) > 0 || c.s.Stats().InFlight > 0 || len(c.s.closes) > 0; i++ {
		if i > 5000 {
			c.t.Fatalf("not over: %+v", c.s.Stats())
		}
		for _, r := range c.s.order {
			for _, ch := range r.choices {
				ch.credit = 1000
			}
		}
		c.now += time.Millisecond
		c.apply(Tick{})
		c.honest(0)
	}
	if st := c.s.Stats(); st.KVUsed != 0 || st.Waiting+st.Running != 0 {
		c.t.Fatalf("left over: %+v", st)
	}
}

// Whatever comes, in whatever order: no panic, no contradiction, nothing after the end of a choice, and with a good
// pipeline at last everybody's end.
func FuzzEvents(f *testing.F) {
	f.Add([]byte{11, 1, 8, 16, 2, 0, 1, 1, 0, 9, 0, 1, 0, 30, 1, 20, 0, 2, 0, 2, 0, 2, 0})
	f.Add([]byte{0, 1, 1, 0, 30, 0, 1, 7, 60, 3, 20, 1, 5, 20, 0, 20, 2, 1, 2, 11, 2, 6, 3, 3, 2, 1, 13, 90, 10, 13, 200, 11, 2, 1, 1, 1})
	f.Add([]byte{11, 1, 4, 9, 1, 0, 1, 1, 0, 39, 0, 1, 0, 20, 2, 20, 0, 20, 0, 2, 0, 6, 1, 0, 2, 3, 2, 0, 7, 0, 1, 13, 200, 7, 0, 2, 8, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 4000 {
			return
		}
		throw(t, b)
	})
}

func throw(t *testing.T, b []byte) {
	c := &chaos{t: t, b: b, s: New(Config{Context: 96, Vocab: 10, MaxQueue: 8, Quantum: 16}), ended: map[answerKey]time.Duration{},
		live: map[answerKey]bool{}}
	for len(c.b) > 0 {
		c.event()
	}
	c.drain()
	for key := range c.live {
		if _, ok := c.ended[key]; !ok {
			t.Errorf("%v never ended", key)
		}
	}
}

// TestRandomEvents is the fuzz target on long random inputs.
func TestRandomEvents(t *testing.T) {
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 1))
		b := make([]byte, 1500)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		throw(t, b)
	}
}
