package stage

import "github.com/stagecoach-llm/stagecoach/transport/wire"

// Verdict is what a lane does with an arriving frame.
type Verdict int

const (
	Execute   Verdict = iota // it is the next step
	Duplicate                // it has been executed
	Early                    // a step before it is missing; it is held
	Stale                    // it is of another epoch or lane
	Overflow                 // early, and too many are held already: dropped, to be resent
)

// maxHeld bounds the early frames of a lane. In flight are at most stages+1 micro-batches.
const maxHeld = 64

// Lane fences the steps of one epoch at one stage: consecutive from 1, each executed once.
// It keeps what was sent until the coordinator has acknowledged it. Pure; the runner owns it.
type Lane struct {
	epoch uint64
	lane  uint8
	last  uint64                 // executed
	held  map[uint64]*wire.Frame // early frames by step
	sent  map[uint64][]byte      // encoded outputs by step, in (acked, last]
	acked uint64
	free  [][]byte // buffers of forgotten outputs, to be used again
}

// NewLane starts an epoch's lane at step 1.
func NewLane(epoch uint64, lane uint8) *Lane {
	return &Lane{epoch: epoch, lane: lane, held: map[uint64]*wire.Frame{}, sent: map[uint64][]byte{}}
}

// Accept judges a frame. An Early frame is kept and returned by Next when its turn has come.
func (l *Lane) Accept(f *wire.Frame) Verdict {
	switch {
	case f.Epoch != l.epoch || f.Lane != l.lane:
		return Stale
	case f.Step <= l.last:
		return Duplicate
	case f.Step == l.last+1:
		return Execute
	}
	if _, ok := l.held[f.Step]; ok {
		return Duplicate
	}
	if len(l.held) >= maxHeld {
		return Overflow
	}
	l.held[f.Step] = f
	return Early
}

// Done records that a step was executed and what it sent, and forgets outputs up to ack.
func (l *Lane) Done(step, ack uint64, output []byte) {
	l.last = step
	l.sent[step] = output
	for ; l.acked < ack && l.acked < l.last; l.acked++ {
		l.free = append(l.free, l.sent[l.acked+1])
		delete(l.sent, l.acked+1)
	}
}

// Buffer is an empty buffer for the next output.
func (l *Lane) Buffer() []byte {
	n := len(l.free)
	if n == 0 {
		return nil
	}
	b := l.free[n-1]
	l.free = l.free[:n-1]
	return b[:0]
}

// Next gives the held frame whose turn it is, if it is here.
func (l *Lane) Next() *wire.Frame {
	f := l.held[l.last+1]
	delete(l.held, l.last+1)
	return f
}

// Gap is the step that the lane waits for while it holds later ones; 0 when nothing is missing.
func (l *Lane) Gap() uint64 {
	if len(l.held) == 0 {
		return 0
	}
	return l.last + 1
}

// Retained calls fn for each output from step on, in order.
func (l *Lane) Retained(from uint64, fn func(step uint64, output []byte)) {
	for s := max(from, l.acked+1); s <= l.last; s++ {
		if out, ok := l.sent[s]; ok {
			fn(s, out)
		}
	}
}
