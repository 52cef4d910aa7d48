//go:build arm64 && !purego

package kernels

import "unsafe"

// addFunc is like tilesFunc, but goes on from what out holds.
type addFunc func(out *float32, outStride uintptr, coef *float32, coefStride uintptr, tile *byte, tileStride uintptr, steps, tiles int)

// addHalves are the kernels for 1, 2, 3, … rows.
var addHalves = []addFunc{addHalfx1NEON, addHalfx2NEON, addHalfx3NEON, addHalfx4NEON, addHalfx5NEON}

func scores(out []float32, stride int, q []float32, n, d int, blocks []*uint16, f float32) {
	if active == generic {
		scoresGeneric(out, stride, q, n, d, blocks, f)
		return
	}
	for b, block := range blocks[:len(blocks)-2] {
		for at := 0; at < n; {
			rows := firstOf(n-at, len(tilesHalves))
			tilesHalves[rows-1](&out[at*stride+b*blockTokens], uintptr(4*stride), &q[at*d], uintptr(4*d),
				(*byte)(unsafe.Pointer(block)), 0, d, 1, f)
			at += rows
		}
	}
}

func values(out []float32, p []float32, stride, n, d int, blocks []*uint16, positions int) {
	if active == generic {
		valuesGeneric(out, p, stride, n, d, blocks, positions)
		return
	}
	clear(out[:n*d])
	for s := 0; s < positions; s += blockTokens {
		steps := min(blockTokens, positions-s)
		block := unsafe.Slice(blocks[s/blockTokens], 2*d*blockTokens)[d*blockTokens:]
		for at := 0; at < n; {
			rows := firstOf(n-at, len(addHalves))
			addHalves[rows-1](&out[at*d], uintptr(4*d), &p[at*stride+s], uintptr(4*stride),
				(*byte)(unsafe.Pointer(&block[0])), 2*16*blockTokens, steps, d/16)
			at += rows
		}
	}
}
