//go:build arm64 && !purego

package kernels

import (
	"math"
	"unsafe"
)

// tilesFunc is the float product for a number of rows; strides in bytes.
type tilesFunc func(out *float32, outStride uintptr, coef *float32, coefStride uintptr, tile *byte, tileStride uintptr, steps, tiles int, f float32)

// The kernels for 1, 2, 3, … rows, by the tile's elements.
var (
	tilesHalves = []tilesFunc{tilesHalfx1NEON, tilesHalfx2NEON, tilesHalfx3NEON, tilesHalfx4NEON, tilesHalfx5NEON}
	tilesFloats = []tilesFunc{tilesFloatx1NEON, tilesFloatx2NEON, tilesFloatx3NEON, tilesFloatx4NEON, tilesFloatx5NEON}
	tilesBF16s  = []tilesFunc{tilesBF16x1NEON, tilesBF16x2NEON, tilesBF16x3NEON, tilesBF16x4NEON, tilesBF16x5NEON}
)

// mulTiles leaves prefetching to the machine.
func mulTiles(out []float32, outStride int, coef []float32, coefStride, n int, tile []float32, tileStride, steps, tiles int, f float32, _ []byte) {
	if active == generic {
		mulTilesGeneric(out, outStride, coef, coefStride, n, tile, tileStride, steps, tiles, f)
		return
	}
	for at := 0; at < n; {
		rows := firstOf(n-at, len(tilesFloats))
		tilesFloats[rows-1](&out[at*outStride], uintptr(4*outStride), &coef[at*coefStride], uintptr(4*coefStride),
			(*byte)(unsafe.Pointer(&tile[0])), uintptr(4*tileStride), steps, tiles, f)
		at += rows
	}
}

func widen(dst []float32, dstStride int, src []uint16, n, rows int) {
	if active == generic || n == 0 || n%16 != 0 {
		widenGeneric(dst, dstStride, src, n, rows)
		return
	}
	widenNEON(&dst[0], uintptr(4*dstStride), &src[0], n, rows)
}

func softmax(s []float32, stride, n, fill int, m, l []float32) {
	if active == generic {
		softmaxGeneric(s, stride, n, fill, m, l)
		return
	}
	for r := range m {
		row := s[r*stride:][:fill]
		m[r], l[r] = softmaxRow(row[:n])
		clear(row[n:])
	}
}

func softmaxRow(s []float32) (m, l float32) {
	m = largest(s)
	var lane, rest, unused [16]float32
	n := whole(len(s))
	if n > 0 {
		expShiftNEON(&s[0], &lane[0], n, m)
	}
	tail := s[n:]
	copy(rest[:], tail)
	expShiftNEON(&rest[0], &unused[0], 16, m)
	for i := range tail {
		tail[i] = rest[i]
		lane[i] += rest[i]
	}
	return m, fold16(&lane)
}

func largest(s []float32) float32 {
	n := whole(len(s))
	m := maxOf(s[n:])
	if n == 0 {
		return m
	}
	var lane [16]float32
	for i := range lane {
		lane[i] = float32(math.Inf(-1))
	}
	maxNEON(&s[0], &lane[0], n)
	return max(m, maxOf(lane[:]))
}

func mergeRows(o, oc []float32, n int, a, b []float32) {
	if active == generic || n == 0 || n%16 != 0 {
		mergeRowsGeneric(o, oc, n, a, b)
		return
	}
	for r := range a {
		mergeNEON(&o[r*n], &oc[r*n], n, a[r], b[r])
	}
}

func divide(dst, x []float32, l float32) {
	n := whole(len(x))
	if n > 0 {
		divideNEON(&dst[0], &x[0], n, l)
	}
	divideGeneric(dst[n:], x[n:], l)
}

func roundHalves(dst []uint16, x []float32) bool {
	n := whole(len(x))
	ok := n == 0 || toHalfNEON(&dst[0], &x[0], n)
	return roundHalvesGeneric(dst[n:], x[n:]) && ok
}
