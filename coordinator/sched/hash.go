package sched

import (
	"crypto/sha256"
	"encoding/binary"
)

// sum names the content of a full KV block: the salt and all tokens up to its end. It is cryptographic, because a
// collision would answer one user from another's prompt.
type sum [sha256.Size]byte

// rootSum is what the first block's sum is chained to.
func rootSum(salt string) sum {
	return sha256.Sum256([]byte("stagecoach kv " + salt))
}

// chainSum is the sum of a block of BlockTokens tokens that follows prev.
func chainSum(prev sum, tokens []int32) sum {
	var b [sha256.Size + 4*BlockTokens]byte
	n := copy(b[:], prev[:])
	for _, t := range tokens {
		binary.LittleEndian.PutUint32(b[n:], uint32(t))
		n += 4
	}
	return sha256.Sum256(b[:n])
}
