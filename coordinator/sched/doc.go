// Package sched decides, step by step, what the pipeline computes: continuous batching over a paged KV cache.
//
// Apply is the whole interface: one event in, commands out. There is no clock, no I/O, no randomness and no
// goroutine; the same events at the same times give the same commands. The caller owns the Scheduler in one
// goroutine, turns messages into events and commands into messages, and calls Apply with a Tick when a WakeAt is due.
//
// # The way of a choice
//
//	Submit ─▶ waiting ──admit──▶ running: prefill ──▶ decode ──▶ ended (stop, length, cancel, error)
//	             ▲                        │             │
//	             └── preempted, or a new epoch ─────────┘
//
// A choice is prompt, output so far, parameters. Everything else can be made again from these: a preempted choice and
// one whose epoch has ended wait, prefill prompt and output, and go on. Each time it runs it is a new sequence to the
// stages, so that nothing late can be taken for it. Its tokens do not depend on any decision made here, because the
// sampler's randomness is a function of seed, choice and position.
//
// # Steps
//
// A step (micro-batch) has at most MaxRows rows: one for each of its decoding sequences and, in what is left, chunks
// of prompts in order of admission. A decoding sequence is in one step at a time; chunks of a prompt follow one
// another without waiting, because every stage executes steps in order, so that one long prompt keeps all stages busy.
//
// With k micro-batches of n/k decoding sequences in flight, a round takes
//
//	max(k · slowest stage(n/k rows), sum of stages(n/k rows) + hop)
//
// and k, between 1 and S+1 for S stages, is chosen to make that least, from stage times measured at that size (the
// prediction in PipelineReady until there are any). Where it is 1, decoding sequences wait for one another rather than
// read the weights twice. While prompts are there, S+1 steps may be in flight. Chunks are sized so that the last row
// leaves the last stage the soonest, but so that no stage takes longer than Config.StepTarget beside decoding rows, or
// ten times that alone.
//
// # KV blocks
//
// A block holds BlockTokens positions in every layer of every stage. A choice is admitted when there are blocks for
// all its tokens and one to spare for each running choice. When a decoding choice needs a block and there is none,
// choices that have been out of credit for long give theirs first, then the last in rank behind it (priority, then
// arrival), then it waits itself. Those long out of credit also give way to who waits. A sequence's blocks are released when no step in flight has it.
//
// Full blocks are published under a chained SHA-256 of the request's salt and all tokens up to their end, when the
// step that wrote them has returned. Published blocks are shared and never written again; without owners they stay
// until their room is needed, least recently used first. At least one token of a prompt is always computed. The
// choices of one request wait for the first of them to compute the prompt and find it there.
//
// # Order
//
// A request without a router is the coordinator's own (a canary): it goes before everybody and is never refused for
// load. Submitted while the pipeline is paused, it is the first in the new epoch. Choices that ran before go next,
// by rank. New ones are taken by deficit round robin over tenants, a quantum of
// tokens each per round, and by rank within a tenant. Whoever is next and does not fit holds up the others. A lower
// Generate.Priority is more important. Choices without credit are passed over.
//
// # Output
//
// Each sampled token is emitted at once, with its absolute position in the choice's output, in one Emit per router
// and Apply. Emitted and finished means: the last item says so, with Finish or ErrorCode. Cached counts the
// prompt tokens found in the prefix cache when the choice first ran, Recomputed the rows computed once more since.
//
// # Scores
//
// A request may want the log-probability of each token of its prompt (Generate.Score), or nothing else (MaxTokens 0).
// Then one choice computes the prompt for all, each chunk with its next tokens as targets, while the others wait. It
// takes from the prefix cache only what comes before the first token without a score, so that a choice that begins
// again, or another in its place, goes on where the scores ended. They are emitted once, in order, with the token's
// position, the last of them beside the first output token or the end.
//
// # When something is lost
//
// Steps return in order. A later result, or a stage's LaneGap, makes the stage before the gap send again what it
// retains. When the oldest step is overdue (Config.NudgeAfter, or three times its prediction) everything in flight is
// sent again by everybody, since a lost frame with none behind it leaves no gap; and past Config.StuckAfter (or six
// times) LaneStuck asks for a probe, again and again until PipelinePaused or PipelineReady. All of it is harmless
// when nothing was lost: stages and scheduler drop what they have.
//
// # Caveats
//
//   - Request ids are unique across routers: Credit and Cancel name nothing else.
//   - Credit that gets lost is lost. Routers repeat it while they wait.
//   - A request without a deadline, whose router lives and gives no credit, waits for ever; what KV it holds goes to
//     whoever needs it.
//   - One lane is used.
package sched
