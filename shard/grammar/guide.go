package grammar

import (
	"container/list"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
)

// What a Guide keeps.
const (
	maxGrammars = 32
	maxMasks    = 512 // 19 kB each for 152,000 tokens
	maxAhead    = 256 // states whose masks wait to be made
)

// Guide leads the sequences of one model through their grammars. It and its cursors belong to one goroutine; a second one, which
// Close ends, makes masks before they are needed.
type Guide struct {
	mu       sync.Mutex // everything below: held by the second goroutine for the vocabulary, and for one mask
	vocab    *Vocab
	wanted   atomic.Bool // the owner waits for mu: a mask that is being made is given up
	grammars map[string]*list.Element
	recent   *list.List // of *compiled, the latest in front
	masks    *list.List // of *kept, likewise

	ahead chan place
	done  sync.WaitGroup
}

type compiled struct {
	text    string
	grammar *Grammar
}

// kept is a mask and the state that it is of.
type kept struct {
	of   *state
	mask Mask
}

// place is a state of a grammar.
type place struct {
	grammar *Grammar
	state   *state
}

// NewGuide makes a guide over a vocabulary, which takes a while to make: the second goroutine does it, and who comes earlier
// waits. Close the guide.
func NewGuide(vocab func() *Vocab) *Guide {
	g := &Guide{grammars: map[string]*list.Element{}, recent: list.New(), masks: list.New(), ahead: make(chan place, maxAhead)}
	g.mu.Lock()
	g.done.Go(func() {
		g.vocab = vocab()
		g.mu.Unlock()
		g.prepare()
	})
	return g
}

// Close ends the second goroutine and waits for it.
func (g *Guide) Close() {
	g.wanted.Store(true)
	close(g.ahead)
	g.done.Wait()
}

// lock takes the grammars away from the second goroutine.
func (g *Guide) lock() {
	if g.mu.TryLock() {
		return
	}
	g.wanted.Store(true)
	g.mu.Lock()
	g.wanted.Store(false)
}

// prepare makes masks that will be asked for.
func (g *Guide) prepare() {
	for p := range g.ahead {
		g.mu.Lock()
		if p.state = p.grammar.current(p.state); p.state.mask == nil {
			_, _ = g.mask(p, g.wanted.Load) // whoever asks for it again learns why there is none
		}
		g.mu.Unlock()
	}
}

// Open begins a sequence whose answer must be what text, an encoded Spec, says.
func (g *Guide) Open(text string) (*Cursor, error) {
	g.lock()
	defer g.mu.Unlock()
	if e, ok := g.grammars[text]; ok {
		g.recent.MoveToFront(e)
		return g.begin(e.Value.(*compiled).grammar), nil
	}
	gr, err := Compile(text)
	if err != nil {
		return nil, err
	}
	g.grammars[text] = g.recent.PushFront(&compiled{text, gr})
	if g.recent.Len() > maxGrammars {
		delete(g.grammars, g.recent.Remove(g.recent.Back()).(*compiled).text)
	}
	return g.begin(gr), nil
}

func (g *Guide) begin(gr *Grammar) *Cursor {
	return &Cursor{guide: g, place: place{gr, gr.start}}
}

// mask is the tokens that may follow a place, whose state is of this era.
func (g *Guide) mask(p place, stop func() bool) (Mask, error) {
	if e := p.state.mask; e != nil {
		g.masks.MoveToFront(e)
		return e.Value.(*kept).mask, nil
	}
	m := g.buffer()
	if err := p.grammar.allowed(g.vocab, p.state, m, stop); err != nil {
		return nil, err
	}
	p.state.mask = g.masks.PushFront(&kept{p.state, m})
	return m, nil
}

// buffer is the memory of a new mask, of the one that was used least lately where there are enough.
func (g *Guide) buffer() Mask {
	if g.masks.Len() < maxMasks {
		return g.vocab.empty()
	}
	k := g.masks.Remove(g.masks.Back()).(*kept)
	k.of.mask = nil
	return k.mask
}

// Cursor is where one sequence is in its grammar.
type Cursor struct {
	guide  *Guide
	place  place
	tokens []int32 // that have led here
	steps  int     // that they took
	told   bool    // masks are made ahead
}

// maxAnswer is how many steps the tokens of an answer may take: a recovery takes them all at once.
const maxAnswer = 1 << 24

// ErrForeign is returned when a sequence holds a token that its grammar does not allow.
var ErrForeign = errors.New("grammar: a token is there that the grammar does not allow")

// ErrComplex is returned when it takes too long to tell what a schema allows: too many alternatives are possible at once. It
// depends on the schema, the vocabulary and the tokens of the answer and on nothing else.
var ErrComplex = errors.New("grammar: the schema is too complex to be enforced here: too many of its alternatives are possible at once")

// Seek goes to where tokens, the whole answer so far, lead. After an error the cursor is of no use.
func (c *Cursor) Seek(tokens []int32) error {
	g := c.guide
	g.lock()
	defer g.mu.Unlock()
	if n := len(c.tokens); n > len(tokens) || !slices.Equal(c.tokens, tokens[:n]) {
		c.tokens, c.steps, c.place.state = c.tokens[:0], 0, c.place.grammar.start
	}
	for _, id := range tokens[len(c.tokens):] {
		s, steps := c.after(id)
		if c.steps += steps; c.steps > maxAnswer || steps > maxSteps {
			return fmt.Errorf("token %d of the answer: %w", len(c.tokens), ErrComplex)
		}
		if s == dead {
			return fmt.Errorf("token %d at %d of the answer: %w", id, len(c.tokens), ErrForeign)
		}
		c.place.state, c.tokens = s, append(c.tokens, id)
	}
	return nil
}

// after is the state behind one more token, dead where it may not come or takes more than maxSteps, and the steps that it takes.
func (c *Cursor) after(id int32) (s *state, steps int) {
	g := c.place.grammar
	defer g.trim()
	text := c.guide.vocab.text(id)
	if len(text) == 0 {
		return dead, 0
	}
	s = g.current(c.place.state)
	for _, b := range text {
		m := g.move(s, b)
		if steps += int(m.steps); m.to == dead || steps > maxSteps {
			return dead, steps
		}
		s = m.to
	}
	return s, steps
}

// Allows tells whether a token may come next.
func (c *Cursor) Allows(id int32) (bool, error) {
	c.guide.lock()
	defer c.guide.mu.Unlock()
	s, steps := c.after(id)
	if steps > maxSteps {
		return false, ErrComplex
	}
	return s != dead, nil
}

// MayEnd tells whether the answer is complete.
func (c *Cursor) MayEnd() bool { return c.place.state.accept }

// MustEnd tells whether nothing can follow.
func (c *Cursor) MustEnd() bool { return len(c.place.state.threads) == 0 }

// Mask is the tokens that may come next. It is valid until the next call.
func (c *Cursor) Mask() (Mask, error) {
	c.told = true
	c.guide.lock()
	defer c.guide.mu.Unlock()
	c.place.state = c.place.grammar.current(c.place.state)
	return c.guide.mask(c.place, func() bool { return false })
}

// Expect says which token comes next. Where masks were needed before, the one behind it is made meanwhile.
func (c *Cursor) Expect(id int32) {
	if !c.told {
		return
	}
	g := c.guide
	g.lock()
	s, _ := c.after(id)
	known := s == dead || s.mask != nil
	g.mu.Unlock()
	if known {
		return
	}
	select {
	case g.ahead <- place{c.place.grammar, s}:
	default: // it will be made when it is needed
	}
}
