package wire

import (
	"encoding/binary"
	"math"
)

// The put functions append the primitives of a descriptor (see the package comment).

func putU32(b []byte, v uint32) []byte  { return binary.LittleEndian.AppendUint32(b, v) }
func putU64(b []byte, v uint64) []byte  { return binary.LittleEndian.AppendUint64(b, v) }
func putF32(b []byte, v float32) []byte { return putU32(b, math.Float32bits(v)) }
func putF64(b []byte, v float64) []byte { return putU64(b, math.Float64bits(v)) }
func putUvar(b []byte, v uint64) []byte { return binary.AppendUvarint(b, v) }
func putSvar(b []byte, v int64) []byte  { return binary.AppendVarint(b, v) }

func putInts(b []byte, v []int32) []byte {
	b = putUvar(b, uint64(len(v)))
	for _, x := range v {
		b = putU32(b, uint32(x))
	}
	return b
}

func putText(b []byte, s string) []byte {
	b = putUvar(b, uint64(len(s)))
	return append(b, s...)
}
