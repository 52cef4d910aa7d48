// Package place splits a model's layers over the shards that are there.
//
// Place is pure: sizes and measured speeds in, contiguous layer ranges out. The same input gives the same
// placement on every machine, so a restarted coordinator finds the weights where they already are.
//
// # What is minimised
//
// Every token goes through all stages, and with enough sequences in flight all stages work at once. Throughput
// is therefore bounded by the slowest stage and the latency of one sequence by the sum. Place minimises, in
// this order,
//
//  1. the slowest stage,
//  2. the sum of the stages, with a thousandth of weight on their balance (sum of t + t²/(1000 slowest)), so
//     that among equal sums the work is spread evenly.
//
// A stage's time is a roofline over the node's measured speeds plus a fixed cost per stage:
//
//	t = max(bytes / bytesPerSec, ops / opsPerSec) + overhead
//	bytes = weights of its layers + rows·context·(K and V of one position)·layers
//	ops   = rows·(multiply-adds of its layers, attention over context included)
//
// The first stage also embeds (one row of the table for each row of the batch), the last one also norms and
// multiplies by the head, which costs as much as several layers.
//
// # Constraints
//
// On each node: weights + KV blocks of its layers + scratch <= memory. A block spans 16 positions in every layer,
// so all stages have the same number of blocks: the stage with the least room decides it. Place asks for
// WantKVBlocks first, and halves that down to MinKVBlocks until something fits. After placing, it gives out as
// many blocks as fit everywhere, up to MaxKVBlocks.
//
// # Which nodes
//
// Whoever starts N shards wants N shards used: latency of one stream is about equal, and memory adds up. So
// the largest number of stages wins whose slowest stage is at most IdleFactor times as slow as the best
// placement's; a node beyond that is left out, with the reason. MaxStages and the number of layers bound it too.
//
// # How
//
// Up to MaxExact nodes, order and subset are chosen exactly, by dynamic programming over (set of nodes
// used, layers placed): once for the slowest stage of each number of stages, once for the sum under that bound.
// Beyond MaxExact nodes the fastest are taken in order of speed, each of the fastest dozen is tried as the one that
// carries the head, and the split is exact for each such order. The order is a heuristic there, the split is not.
//
// # Stability
//
// Moving layers costs loading time. Given the current ranges, Place keeps them when their slowest stage and
// their sum are within Stability (2%) of the best; otherwise it prefers, within the same margin, ranges
// that overlap the current ones.
//
// # Caveats
//
//   - A tied head is counted once as embedding and once as head even where one stage holds both.
//   - Hops are a constant; a node behind a slow link looks as near as any other.
//   - A node that reports no speed is taken for a slow one (DefaultBytesPerSec), not for the mean.
package place
