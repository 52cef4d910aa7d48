package sched

import (
	"time"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// lane is the pipeline of one epoch: its KV blocks and the steps in it. Steps are consecutive from 1 and return in
// that order.
type lane struct {
	id      uint8
	epoch   uint64
	stages  int
	maxRows int
	perRow  int // tokens of opens that take a row's room
	pool    *pool
	cost    cost
	steps   []*step // in flight: acked+1 to acked+len(steps)
	acked   uint64
	idle    []*step // memory of returned steps

	moved  time.Duration // last sign of progress while steps were in flight
	nudges int           // since then
	due    time.Duration // of the next
	repair repair
	rate   float64 // rows per second, moving average
}

// step is a micro-batch in flight. Its entries stay as they are until it has returned, for sending it again.
type step struct {
	number  uint64
	sent    time.Duration
	rows    int
	history int // tokens in its opens
	entries []wire.Entry
	ops     []wire.Op
	parts   []part // beside the entries that have rows
}

// part is what the scheduler expects of an entry.
type part struct {
	seq  *sequence
	end  int // position after its rows
	want bool
	// of the prompt's tokens from position at on
	at, scores int
}

// repair remembers the last gap that was asked for.
type repair struct {
	from  uint64
	stage int
	at    time.Duration
	tries int
}

func newLane(epoch uint64, l Lane, maxRows int) *lane {
	if l.MaxRows > 0 {
		maxRows = min(maxRows, l.MaxRows)
	}
	n := &lane{epoch: epoch, stages: max(len(l.Stages), 1), maxRows: maxRows, perRow: l.RowTokens, pool: newPool(max(l.KVBlocks, 0))}
	if n.perRow <= 0 {
		n.perRow = max(2*maxHistory/maxRows, 1)
	}
	n.cost.predicted = usable(l.Stages)
	return n
}

// usable fills in for predictions that nobody made.
func usable(stages []StageTime) []StageTime {
	out := append([]StageTime(nil), stages...)
	if len(out) == 0 {
		out = make([]StageTime, 1)
	}
	for i := range out {
		if out[i].Fixed <= 0 && out[i].PerRow <= 0 {
			out[i] = StageTime{Fixed: time.Millisecond, PerRow: 100 * time.Microsecond}
		}
	}
	return out
}

// positions is how many tokens the whole KV memory holds.
func (l *lane) positions() int { return len(l.pool.blocks) * BlockTokens }

// rowsBeside is how many rows fit into a step beside opens with so many tokens.
func (l *lane) rowsBeside(tokens int) int {
	return max(l.maxRows-(max(tokens-manyHistory, 0)+l.perRow-1)/l.perRow, 1)
}

func (l *lane) sent() uint64 { return l.acked + uint64(len(l.steps)) }

// begin gives an empty step. It is not in flight before launch.
func (l *lane) begin() *step {
	if n := len(l.idle); n > 0 {
		b := l.idle[n-1]
		l.idle = l.idle[:n-1]
		return b
	}
	return &step{}
}

func (l *lane) launch(b *step, now time.Duration) {
	b.number, b.sent = l.sent()+1, now
	l.steps = append(l.steps, b)
}

// retire takes the oldest step out of flight. It stays readable until recycle.
func (l *lane) retire(now time.Duration) *step {
	b := l.steps[0]
	l.steps = append(l.steps[:0], l.steps[1:]...)
	l.acked++
	if spent := now - max(b.sent, l.moved); spent > 0 {
		l.rate += (float64(b.rows)/spent.Seconds() - l.rate) / 16
	}
	return b
}

func (l *lane) recycle(b *step) {
	clear(b.entries)
	clear(b.ops)
	clear(b.parts)
	*b = step{entries: b.entries[:0], ops: b.ops[:0], parts: b.parts[:0]}
	l.idle = append(l.idle, b)
}
