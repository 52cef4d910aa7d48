package bus

import (
	"container/heap"
	"slices"
	"time"
)

// memSub is a subscription of a MemConn: a queue by due time and the goroutine that empties it.
type memSub struct {
	conn    *MemConn
	subject string
	fn      func(Msg)
	wake    chan struct{}

	// Guarded by the network's lock.
	queue dueQueue
	bytes int
	gone  bool
}

// pending is a message on its way to one subscription.
type pending struct {
	msg Msg
	due time.Time
	seq uint64 // breaks ties: arrival order
}

// Unsubscribe implements Subscription. A callback may still be running when it returns.
func (s *memSub) Unsubscribe() error {
	s.conn.net.mu.Lock()
	defer s.conn.net.mu.Unlock()
	s.remove()
	return nil
}

// remove ends the subscription; the network's lock is held.
func (s *memSub) remove() {
	s.gone = true
	s.queue = nil
	s.conn.subs = slices.DeleteFunc(s.conn.subs, func(o *memSub) bool { return o == s })
	signal(s.wake)
}

// push queues a message, or drops it when too much waits; the network's lock is held.
func (s *memSub) push(p pending) {
	if len(s.queue) >= DefaultPendingMessages || s.bytes+len(p.msg.Data) > DefaultPendingBytes {
		s.conn.tell(func() {
			if s.conn.events.Dropped != nil {
				s.conn.events.Dropped(s.subject, 1)
			}
		})
		return
	}
	heap.Push(&s.queue, p)
	s.bytes += len(p.msg.Data)
	signal(s.wake)
}

// losePending drops what would arrive after now; the network's lock is held.
func (s *memSub) losePending(now time.Time) {
	s.queue = slices.DeleteFunc(s.queue, func(p pending) bool {
		if p.due.After(now) {
			s.bytes -= len(p.msg.Data)
			return true
		}
		return false
	})
	heap.Init(&s.queue)
}

// run calls the callback for each message when it is due, until the subscription ends.
func (s *memSub) run() {
	for {
		m, wait, gone := s.next()
		switch {
		case gone:
			return
		case m != nil:
			if s.conn.gate.enter() {
				s.fn(*m)
				s.conn.gate.leave()
			}
		default:
			s.sleep(wait)
		}
	}
}

// sleep waits until something changes, or for wait where it is not 0.
func (s *memSub) sleep(wait time.Duration) {
	if wait == 0 {
		<-s.wake
		return
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-s.wake:
	case <-timer.C:
	}
}

// next takes the message that is due, or tells how long to wait for the first one; 0 when there is none.
func (s *memSub) next() (m *Msg, wait time.Duration, gone bool) {
	s.conn.net.mu.Lock()
	defer s.conn.net.mu.Unlock()
	if s.gone || len(s.queue) == 0 {
		return nil, 0, s.gone
	}
	if wait = time.Until(s.queue[0].due); wait > 0 {
		return nil, wait, false
	}
	p := heap.Pop(&s.queue).(pending)
	s.bytes -= len(p.msg.Data)
	return &p.msg, 0, false
}

// dueQueue is a heap of pending messages, first due first.
type dueQueue []pending

func (q dueQueue) Len() int { return len(q) }
func (q dueQueue) Less(i, j int) bool {
	if !q[i].due.Equal(q[j].due) {
		return q[i].due.Before(q[j].due)
	}
	return q[i].seq < q[j].seq
}
func (q dueQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *dueQueue) Push(x any)   { *q = append(*q, x.(pending)) }
func (q *dueQueue) Pop() any {
	old := *q
	p := old[len(old)-1]
	old[len(old)-1] = pending{}
	*q = old[:len(old)-1]
	return p
}
