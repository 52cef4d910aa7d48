package lead

import (
	"context"
	"sync"

	"github.com/stagecoach-llm/stagecoach/coordinator/plan"
	"github.com/stagecoach-llm/stagecoach/coordinator/sched"
)

// busState is what the bus last said of its connection. Nobody repeats it, so it does not go through the inbox, which drops.
type busState struct {
	mu      sync.Mutex
	lost    bool
	fell    bool          // it was lost since the loop last looked, if only for a moment
	changed chan struct{} // holds one
}

func (b *busState) set(lost bool) {
	b.mu.Lock()
	b.lost, b.fell = lost, b.fell || lost
	b.mu.Unlock()
	select {
	case b.changed <- struct{}{}:
	default:
	}
}

// look gives the state, and whether the connection was lost since the last look.
func (b *busState) look() (lost, fell bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	lost, fell = b.lost, b.fell
	b.fell = false
	return lost, fell
}

// takeBus tells both cores.
func (l *Lead) takeBus(ctx context.Context) error {
	lost, fell := l.bus.look()
	if fell {
		l.next(todo{sched: sched.BusLost{}})
		if err := l.do(ctx, todo{plan: plan.BusLost{}}); err != nil {
			return err
		}
	}
	if lost {
		return nil
	}
	l.next(todo{sched: sched.BusBack{}})
	return l.do(ctx, todo{plan: plan.BusBack{}})
}
