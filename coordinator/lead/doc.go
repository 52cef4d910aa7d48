// Package lead is the coordinator at work: the process around the planner (package plan) and the scheduler
// (package sched), which are pure.
//
// # The loop
//
//	bus callbacks, gossip, probes, timer ──▶ inbox ──▶ one goroutine: event ──▶ plan.Apply or sched.Apply
//	                                                                             │ commands, in order
//	   publish steps, orders, deltas and replies ◀──────────────────────────────┘
//
// That goroutine owns planner, scheduler and state file. A command of one core may be an event of the other: Ready
// and Pause go from plan to sched, LaneStuck from sched to plan. They are queued, not nested.
//
// # The canary
//
// After Ready one token is sampled through every stage by an ordinary request of the coordinator's own. Only its
// end makes the cluster ready.
//
// # What is kept
//
// The state file (bbolt) holds the term, the operator's scale and the drained shards. Sequences are not kept: after
// a restart routers submit them again, with what was emitted.
//
// # Caveats
//
// A state file that cannot be written ends the process: a term that is not on disk must not be sent.
package lead
