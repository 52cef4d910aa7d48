package sched

import (
	"cmp"
	"slices"
	"time"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// request is what was submitted under one id.
type request struct {
	id        string
	attempt   uint32
	router    string
	boot      string
	tenant    string
	priority  int
	root      sum // of the salt
	prompt    int // tokens
	scored    int // prompt tokens that need no score (any more); the first never does
	maxTokens int
	room      int // tokens that a choice may have for the sake of KV memory; 0: not known yet
	accepted  time.Duration
	deadline  time.Duration // 0: none
	arrival   uint64
	own       bool      // the coordinator's
	choices   []*choice // those that have not ended
}

// scoring tells whether log-probabilities of the prompt are still to be found. No choice has any output before.
func (r *request) scoring() bool { return r.scored < r.prompt }

type state uint8

const (
	waiting state = iota // in the queue, holds nothing
	running              // holds KV: has a sequence
	ended
)

// choice is one answer in the making: what is left of it when the pipeline is lost.
type choice struct {
	req    *request
	index  uint32
	params wire.Params // with the choice's seed
	tokens []int32     // prompt and output; only appended to
	names  []sum       // of the full blocks of tokens, as far as needed
	credit int         // output tokens allowed
	state  state
	seq    *sequence     // while running
	spoke  time.Duration // of the last token
	parked time.Duration // since when it has not fitted in KV memory; 0: it fits

	begun      bool // has run before
	high       int  // positions that were computed at some time
	cached     int  // prompt tokens found in the prefix cache when it first ran
	recomputed int
}

func (c *choice) output() int { return len(c.tokens) - c.req.prompt }

// starved: no further token may be sampled. Who samples none needs no credit.
func (c *choice) starved() bool { return c.req.maxTokens > 0 && c.output() >= c.credit }

// rows is how many tokens have to be computed: nothing follows the last one where only scores are wanted.
func (c *choice) rows() int {
	if c.req.maxTokens == 0 {
		return len(c.tokens) - 1
	}
	return len(c.tokens)
}

// ahead tells whether a waiting choice goes before the fair queue.
func (c *choice) ahead() bool { return c.begun || c.req.own }

// rank orders choices: the first is served first and preempted last. The coordinator's own come first.
func rank(a, b *choice) int {
	if a.req.own != b.req.own {
		if a.req.own {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(a.req.arrival, b.req.arrival), cmp.Compare(a.index, b.index))
}

// turn orders the choices of one tenant that wait for the first time: a lower priority number is more important. It counts
// among them alone, for every client chooses its own.
func turn(a, b *choice) int { return cmp.Or(cmp.Compare(a.req.priority, b.req.priority), rank(a, b)) }

// name is the sum of the choice's i-th block, which is full.
func (c *choice) name(i int) sum {
	for n := len(c.names); n <= i; n++ {
		prev := c.req.root
		if n > 0 {
			prev = c.names[n-1]
		}
		c.names = append(c.names, chainSum(prev, c.tokens[n*BlockTokens:(n+1)*BlockTokens]))
	}
	return c.names[i]
}

// stopped tells whether the last output token is a stop id.
func (c *choice) stopped() bool {
	return c.output() > 0 && slices.Contains(c.params.StopIDs, c.tokens[len(c.tokens)-1])
}

// sequence is a choice's presence in the pipeline: a block table and how far its rows are. It outlives the
// choice while steps that write its blocks are in flight.
type sequence struct {
	id        uint64
	choice    *choice
	blocks    []int32
	told      int  // blocks that the stages know of
	opened    bool // the stages know the sequence
	sent      int  // positions in KV once every step sent has run
	done      int  // positions in KV for certain
	published int  // blocks
	steps     int  // in flight
	last      uint64
	dying     bool
	failed    bool // its blocks hold nothing to be shared
}

func blocksFor(tokens int) int { return (tokens + BlockTokens - 1) / BlockTokens }
