// Package plan decides who serves which layers, and when. It owns membership, promises and epochs.
//
// The Planner is pure: events in, commands out, no clock and no I/O. The process around it calls Apply from one
// goroutine and carries out the commands in order:
//
//	out = p.Apply(now, plan.Start{}, out[:0])          // once, first
//	out = p.Apply(now, plan.Heard{Message: m}, out[:0]) // every wire.NodeMessage
//	out = p.Apply(now, plan.Tick{}, out[:0])           // when the time of the last WakeAt has come
//
// A Persist must be on disk before the commands after it are carried out; if it fails, the coordinator ends.
//
// # Members
//
// A shard is known by its Hello: node and boot. Model, wire version, arithmetic version and digest must be the
// coordinator's, else it is refused and told so in the status. A message of another boot of the same node is
// answered with an Announce; a Hello of it ends the old boot. A shard that beats and is unknown is asked for a Hello.
//
// # Terms and epochs
//
// An epoch is term<<32 | salt<<20 | n. A new coordinator takes the highest term it knows of, from its disk and
// from what shards have promised, plus one, and persists it before it sends it. A shard is placed only after it has
// promised the term; from then on it refuses orders of lower ones. The salt, random per process, tells
// apart the epochs of two coordinators that took the same term at the same moment.
//
// A shard that comes with a higher promise only remembers another coordinator: the term is raised above it, and what
// is live serves on until the same is prepared in the new term. A shard that had promised this coordinator and now
// promises a higher term, or shows another's epoch in the same term, proves that another one is alive. Then this one pauses,
// says so, and stands down: 10 s, then 20 s, at most 60 s, before it takes a higher term. So two coordinators never
// fight faster than a plan can be made, and either goes on when the other is gone.
//
// # From change to plan
//
//	join          gathered for half a second, at most 3 s
//	loss          at once; the epoch that was live is paused
//	drain, scale  at once
//
// A new placement is prepared on all its shards while the live epoch serves on; then Pause, Commit to all, and with
// the last Committed, Ready. After Ready one token must go through all stages (CanaryDone) before Status says ready.
// Orders are repeated until they are answered.
//
// The first plan waits for Want shards, at most WantWithin after the first Hello.
//
// # Failure
//
//	500 ms without a beat              suspect: probed every 300 ms
//	no responders, twice in >= 300 ms  lost
//	then 3 s without an answer         lost
//	gossip says dead, and suspect      lost
//	Leaving, or a new boot             lost
//	loading fails, or orders are not answered while nothing moves
//	                                   left out for 5 s, then 10 s, at most 5 min
//	lost from an epoch three times,
//	each within a minute of service    not used for 5 s, then 10 s, at most a minute, unless nothing fits without it
//	lane stuck                         stages are asked to promise again, which goes through the goroutine that computes:
//	                                   one does not: a new epoch without it; all answer, and 300 ms later no step has
//	                                   come back: a new epoch on the same shards
//	canary fails                       a new epoch, after 1 s, then 2 s, at most 30 s
//
// While the bus is lost nobody is judged, and for 2 s afterwards nobody is declared lost for not answering probes. A gap of
// more than a second between two events counts as the coordinator's own absence and not as the shards'.
//
// # When it does not fit
//
// Without a feasible placement the Planner waits, and Status().Reason says what is missing. If a placement serves and only a
// drain or scale does not fit, it serves on and says so.
//
// # Caveats
//
//   - A leaving shard says so when it has stopped: it is treated as lost. Drain it first to keep the pause short.
//   - A failing canary does not tell which stage is at fault; the same shards are tried again.
//   - A prepared epoch takes memory for KV beside the live one's.
package plan
