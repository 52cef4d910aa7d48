package account

// batch is what is committed together: changes, and the operations that wait for them.
type batch struct {
	puts []put
	ops  []*op
	err  error
}

// maxBatch bounds the operations of one commit, and with it the wait of the first of them.
const maxBatch = 1024

// run is the writer: it decides operations in order, also while those before them are being committed, so that nobody but who asks
// for durability waits for the disk. What was decided meanwhile is committed together.
func (b *Book) run() {
	defer close(b.done)
	todo, committed := make(chan *batch), make(chan *batch)
	go b.commits(todo, committed)
	defer func() {
		close(todo)
		<-committed // closed: the committer has ended
	}()
	busy := false
	for {
		ops := b.ops
		if len(b.waiting) >= maxBatch || busy && b.broken != nil {
			ops = nil
		}
		select {
		case o := <-ops:
			b.repair(busy)
			b.decide(o)
			b.gather()
		case done := <-committed:
			busy = false
			b.finish(done)
		case <-b.stop:
			b.drain()
			if busy {
				b.finish(<-committed)
			}
			b.flush()
			return
		}
		if !busy && len(b.waiting) > 0 {
			busy = true
			todo <- b.take()
		}
	}
}

// commits writes batches, one after the other.
func (b *Book) commits(todo <-chan *batch, committed chan<- *batch) {
	defer close(committed)
	for c := range todo {
		c.err = b.update(c.puts)
		committed <- c
	}
}

// repair tries what could not be committed again, before anything new is decided.
func (b *Book) repair(busy bool) {
	if b.broken != nil && !busy {
		b.flush()
	}
}

// gather decides what has queued up.
func (b *Book) gather() {
	for len(b.waiting) < maxBatch {
		select {
		case o := <-b.ops:
			b.decide(o)
		default:
			return
		}
	}
}

// drain decides what was queued before the book was closed.
func (b *Book) drain() {
	for {
		select {
		case o := <-b.ops:
			b.decide(o)
		default:
			return
		}
	}
}

func (b *Book) decide(o *op) {
	o.decide()
	close(o.decided)
	b.waiting = append(b.waiting, o)
}

// take makes a batch of what is pending.
func (b *Book) take() *batch {
	c := &batch{puts: b.pending, ops: b.waiting}
	b.pending, b.waiting = nil, nil
	b.ended, b.ending = b.ending, b.ended
	clear(b.ended)
	return c
}

// finish tells those who wait for a batch. What could not be written stays pending, before what was decided since: memory is
// ahead of the disk until a later commit succeeds.
func (b *Book) finish(c *batch) {
	b.broken = c.err
	if c.err != nil {
		b.pending = append(c.puts, b.pending...)
		for id := range b.ending {
			b.ended[id] = true
		}
	}
	clear(b.ending)
	for _, o := range c.ops {
		o.err = c.err
		close(o.durable)
	}
}

// flush commits what is pending and waits for it.
func (b *Book) flush() {
	c := b.take()
	c.err = b.update(c.puts)
	b.finish(c)
}
