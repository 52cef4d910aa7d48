// Package bench measures the engine inside this process: how long a model takes to load and what memory it then has,
// tokens per second of prompts (prefill) and of answers (decode), and the speed of single kernels beside what the
// machine could do at most.
//
// Machines are shared and their speed drifts, so everything is run in rounds: each round runs every case once, and a
// case's number is the median of its rounds, with the slowest and the fastest beside it. Ratios of one report can be
// compared, absolute numbers of two reports hardly.
//
// # Cases
//
// Prefill is one prompt of a length, from an empty cache, in chunks as the scheduler would cut it; the head computes
// the last row only. Decode is a step of several sequences, each of which has a context of a length already, and the
// head for each; nothing is sampled. The cache of a long context is filled by copies of a computed block: attention
// reads all of it, and no speed depends on the values.
//
// # Caveats
//
// [Engine] and [Kernels] expect the machine for themselves, and the latter changes the kernels in use while it runs.
package bench
