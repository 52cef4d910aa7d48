package tokenizer

import (
	"hash/maphash"
	"sync/atomic"
)

const (
	cacheSlots = 1 << 14
	cachePiece = 32 // longest piece kept, in bytes; longer ones seldom come twice
)

// pieceCache remembers the tokens of recent pieces. It is a fixed number of slots, each holding the last piece that hashed
// to it, so it needs no lock and no eviction and stays below 4 MB. The hash is seeded per process: nobody can choose
// texts that share a slot.
type pieceCache struct {
	seed  maphash.Seed
	slots [cacheSlots]atomic.Pointer[cached]
}

type cached struct {
	piece string
	ids   []int32
}

func newPieceCache() *pieceCache { return &pieceCache{seed: maphash.MakeSeed()} }

// append appends the tokens of a piece of two bytes or more, from the cache where it has them.
func (c *pieceCache) append(t *Tokenizer, dst []int32, piece string) []int32 {
	if len(piece) > cachePiece {
		return t.appendPiece(dst, piece)
	}
	slot := &c.slots[maphash.String(c.seed, piece)%cacheSlots]
	if hit := slot.Load(); hit != nil && hit.piece == piece {
		return append(dst, hit.ids...)
	}
	start := len(dst)
	dst = t.appendPiece(dst, piece)
	// Copies: the piece is part of a text, and dst belongs to the caller.
	slot.Store(&cached{piece: string([]byte(piece)), ids: append([]int32(nil), dst[start:]...)})
	return dst
}
