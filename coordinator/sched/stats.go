package sched

// Stats are the scheduler's numbers, for metrics and status. The last group only grows.
type Stats struct {
	Waiting  int // choices in the queue
	Running  int // choices that hold KV
	Starved  int // of those, out of credit
	KVBlocks int // of the lane
	KVUsed   int // in block tables
	KVCached int // kept for prefix hits only
	InFlight int // micro-batches
	Batch    int // sequences of the last micro-batch
	Rows     int // rows of the last micro-batch
	Split    int // micro-batches that the decoding sequences are split into

	Steps      uint64
	Tokens     uint64 // sampled
	Cached     uint64 // prompt tokens found in the prefix cache
	Recomputed uint64 // rows computed again after preemption or a new epoch
	Preempted  uint64 // choices sent back for want of KV
	Restarted  uint64 // choices sent back by a new epoch
	Failed     uint64 // choices that ended with an error
	Repairs    uint64 // gaps answered
	Nudges     uint64 // overdue steps sent again
	Stuck      uint64 // LaneStuck commands
}

// Stats tells how things are.
func (s *Scheduler) Stats() Stats {
	st := s.count
	st.Waiting, st.Running = s.queue.len(), s.inside()
	for _, c := range s.decodes {
		if s.idle(c) {
			st.Starved++
		}
	}
	if s.lane != nil {
		p := s.lane.pool
		st.KVBlocks, st.KVUsed, st.KVCached = len(p.blocks), p.used(), p.cached
		st.InFlight = len(s.lane.steps)
	}
	return st
}

// Epoch is the epoch that steps are sent in, and whether they are sent now.
func (s *Scheduler) Epoch() (epoch uint64, live bool) {
	if s.lane == nil {
		return 0, false
	}
	return s.lane.epoch, s.live
}
