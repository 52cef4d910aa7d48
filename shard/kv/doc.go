// Package kv is the paged key/value cache of a shard's layers, and the attention that reads it.
//
// The cache is blocks of [BlockTokens] positions. Which block holds which positions of which sequence is decided
// elsewhere: a sequence's block table maps position p to block table[p/16], slot p%16, the same in every layer and on
// every shard. Values are kept as IEEE binary16 (or float32) and attention reads what is kept, also the keys and
// values of its own step, so that it does not matter when a position was computed.
//
// Inside a block keys lie [kv head][element][16 positions] and values [kv head][element/16][16 positions][16 elements],
// so that sixteen lanes are sixteen positions of a score, or sixteen elements of an output.
//
// [Attention] divides a step into tiles, rows of a sequence at neighbouring positions. A tile's rows and the query heads
// of a kv head read the keys and values once, widened to float32 chunk by chunk of 256 positions; a row that is decoded
// alone reads them as they are. Tiles and kv heads are shared out over threads, and the chunks of small tiles too. None
// of this changes a bit: each score and each element of an output is a chain of its own.
//
// # Caveats
//
// A cache has one owner: Store may run on several goroutines only for different positions, and Attention may
// run only after the positions that it reads are stored. f16 ends at 65,504; Store reports what does not fit.
package kv
