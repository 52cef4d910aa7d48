// Package generate has the coordinator answer prompts, whatever happens on the way.
//
// A [Client] is one boot of a router. [Client.Start] submits a request and returns a [Stream] of its tokens; the stream goes on
// through lost messages, a lost bus, recoveries of the pipeline and restarts of the coordinator, and ends with every choice
// finished, or with an [*Error] at the request's deadline at the latest.
//
// # How nothing is lost or doubled
//
// Positions in deltas are absolute. Tokens that a stream has are dropped, tokens that continue it are appended, and tokens
// beyond its end are a gap: the request is submitted again, with Attempt+1 and what was emitted, and goes on from there with the
// same bits. The same happens when
//
//   - a reply does not come, or is a refusal that can pass (the coordinator names a time, or the answer has begun);
//   - the coordinator ends a choice because a stage was lost, or cancels one that nobody here cancelled;
//   - the connection to the bus was down, or the coordinator's term has changed: both may have lost everything;
//   - an answer is silent and the coordinator has fewer answers than are wanted of it, or is silent for very long although
//     nothing waits there.
//
// Scores of the prompt are had in the same way: they come before all tokens, with their positions.
//
// Tokens of an earlier attempt are as good as those of the latest; its errors are not heard.
//
// # Credit
//
// Each choice has a number of output tokens up to which it may run. It is the reader's window and the lease of its budget in one,
// and bounds what a stream holds for a reader that does not read.
//
// # Ownership
//
// One goroutine, [Client.Run], owns all requests. Replies, deltas and the methods of streams are functions in its queue.
package generate
