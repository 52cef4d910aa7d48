// Package qwen2 runs the layers of a Qwen2 or Qwen2.5 model (arXiv 2407.10671) that one shard holds.
//
// A [Model] is a span of layers with, at the ends of the pipeline, the embedding and the head. [Load] repacks their
// weights for package kernels; [Model.Layers] takes rows x [rows, hidden] through the span, one or several rows of
// one or several sequences, and keeps their keys and values in the blocks that the caller names. A row's result is
// the same bits whatever rows share its batch, however its prompt was cut, and on any number of shards and threads.
//
// One layer:
//
//	h = RMSNorm(x)·w                        per row
//	q, k, v = Wq h + bq, Wk h + bk, Wv h + bv
//	q, k = rope(q), rope(k)                 by position, halves of a head paired
//	a = softmax(q·K/√d)·V                   over positions 0..p; heads/kvHeads query heads share a kv head
//	x = x + Wo a
//	h = RMSNorm(x)·w
//	x = x + Wdown (silu(Wgate h) ⊙ Wup h)
//
// Activations in front of a quantised weight are rounded to 8-bit integers, 32 at a time.
//
// # Caveats
//
// A Model has one caller at a time; Models that share weights (Options.Share) may use one pool only if their owner
// sees to that too. Numbers that are not finite, and keys or values that the cache cannot hold, fail their sequence
// and no other. The checkpoint must stay open while a Model lives: the embedding is read from it row by row.
package qwen2
