//go:build arm64 && !purego

package kernels

import (
	"math"
	"unsafe"
)

var ones = func() (one [256]float32) {
	for i := range one {
		one[i] = 1
	}
	return one
}()

// mulTiles adds tiles to zeros with the kernels of float weights.
func mulTiles(out []float32, outStride int, coef []float32, coefStride, n int, tile []float32, tileStride, steps, tiles int, f float32, _ []byte) {
	if active == generic {
		mulTilesGeneric(out, outStride, coef, coefStride, n, tile, tileStride, steps, tiles, f)
		return
	}
	for h := range n {
		clear(out[h*outStride:][:16*tiles])
	}
	for t := range tiles {
		for h := 0; h < n; {
			rows := min(n-h, len(mixFloats))
			mixFloats[rows-1](&out[h*outStride+16*t], uintptr(4*outStride), &coef[h*coefStride], uintptr(4*coefStride),
				(*byte)(unsafe.Pointer(&tile[t*tileStride])), steps, 1)
			h += rows
		}
	}
	if f == 1 {
		return
	}
	for h := range n {
		for x := out[h*outStride:][:16*tiles]; len(x) > 0; {
			part := x[:min(len(x), len(ones))]
			scaleBy(part, part, ones[:len(part)], f)
			x = x[len(part):]
		}
	}
}

func widen(dst []float32, dstStride int, src []uint16, n, rows int) {
	widenGeneric(dst, dstStride, src, n, rows)
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

func divide(dst, x []float32, l float32)         { divideGeneric(dst, x, l) }
func roundHalves(dst []uint16, x []float32) bool { return roundHalvesGeneric(dst, x) }
