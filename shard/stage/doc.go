// Package stage is a shard at work: it holds the layers that a plan gave it, executes the steps of its lane in
// order and sends their rows on.
//
// # The way of a frame
//
//	bus callback ──▶ inbox ──▶ runner: Lane.Accept ──▶ Engine.Step ──▶ encode ──▶ next stage, or Sampled
//	                             │ duplicate: dropped                 └─▶ retained until acknowledged
//	                             │ early: held, the gap is reported in the beat
//	                             └ other epoch: dropped
//
// # Who owns what
//
// The runner goroutine owns the lane, the engine (model, KV, samplers) and the retained outputs; every control
// message that touches them goes through its inbox. The loader goroutine builds engines for prepared epochs.
// The beat goroutine does no compute and reads atomics only, so that silence means trouble and not work.
//
// # Fencing
//
// epoch = term<<32 | salt<<20 | n. A shard promises its highest term and obeys no lower one. It holds at most two epochs:
// the active one, and one that is prepared. Commit swaps them; frames of any other epoch than the active one are
// dropped. Steps of a lane are consecutive from 1; a stage executes exactly last+1.
//
// # Caveats
//
// The bus is at-most-once: a frame that does not arrive shows as a gap, in the beat of the stage that misses it,
// and the stage before it publishes its retained output again when the coordinator says so.
// A stage that fails a sequence (Inf, NaN, f16 overflow) goes on with the others of the step.
package stage
