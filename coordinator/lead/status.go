package lead

import "github.com/stagecoach-llm/stagecoach/transport/wire"

// status is the cluster as the coordinator sees it now.
func (l *Lead) status() wire.Status {
	s := l.plan.Status()
	st := l.sched.Stats()
	s.Cluster, s.Model = l.opt.Subjects.Cluster, l.opt.ServedName
	s.UptimeMS = l.now().Milliseconds()
	s.Queue = wire.QueueStatus{
		Running: st.Running, Waiting: st.Waiting, KVBlocks: st.KVBlocks, KVUsed: st.KVUsed,
		InFlight: st.InFlight, Tokens: st.Tokens, Preempted: st.Preempted,
	}
	return s
}
