//go:build amd64 && !purego

package kernels

import (
	"math"
	"unsafe"
)

// tilesFunc is the float product for a number of rows and n times a number of tiles; strides in bytes.
type tilesFunc func(out *float32, outStride uintptr, coef *float32, coefStride uintptr, tile *float32, tileStride uintptr, steps, n int, f float32, next *byte, nextStep uintptr)

// tilesKernels are those of 1, 2, 3, … rows, AVX2's for one tile, AVX-512's for two.
var tilesKernels = [...][]tilesFunc{
	avx2:    {tilesx1AVX2, tilesx2AVX2, tilesx3AVX2, tilesx4AVX2, tilesx5AVX2, tilesx6AVX2},
	avxvnni: {tilesx1AVX2, tilesx2AVX2, tilesx3AVX2, tilesx4AVX2, tilesx5AVX2, tilesx6AVX2},
	avx512: {
		tilesx1AVX512, tilesx2AVX512, tilesx3AVX512, tilesx4AVX512, tilesx5AVX512, tilesx6AVX512, tilesx7AVX512,
		tilesx8AVX512, tilesx9AVX512, tilesx10AVX512, tilesx11AVX512, tilesx12AVX512, tilesx13AVX512, tilesx14AVX512,
	},
}

// mulTiles shares the rows out evenly, so that no kernel is left with a few.
func mulTiles(out []float32, outStride int, coef []float32, coefStride, n int, tile []float32, tileStride, steps, tiles int, f float32, next []byte) {
	if active == generic {
		mulTilesGeneric(out, outStride, coef, coefStride, n, tile, tileStride, steps, tiles, f)
		return
	}
	if active == avx512 {
		tiles /= tilesAtOnce
	}
	kernels := tilesKernels[active]
	parts := (n + len(kernels) - 1) / len(kernels)
	share := len(next) / parts
	for at := 0; parts > 0; parts-- {
		rows := (n - at + parts - 1) / parts
		kernels[rows-1](&out[at*outStride], uintptr(4*outStride), &coef[at*coefStride], uintptr(4*coefStride),
			&tile[0], uintptr(4*tileStride), steps, tiles, f, unsafe.SliceData(next), uintptr(share/(steps*tiles)))
		at, next = at+rows, next[share:]
	}
}

func widen(dst []float32, dstStride int, src []uint16, n, rows int) {
	switch {
	case active == generic || n == 0 || n%16 != 0:
		widenGeneric(dst, dstStride, src, n, rows)
	case active == avx512:
		widenAVX512(&dst[0], uintptr(4*dstStride), &src[0], n, rows)
	default:
		widenAVX2(&dst[0], uintptr(4*dstStride), &src[0], n, rows)
	}
}

func softmax(s []float32, stride, n, fill int, m, l []float32) {
	switch {
	case active == generic || len(m) == 0:
		softmaxGeneric(s, stride, n, fill, m, l)
	case active == avx512:
		softmaxAVX512(&s[0], uintptr(4*stride), len(m), n, fill, &m[0], &l[0])
	default:
		for r := range m {
			row := s[r*stride:][:fill]
			m[r], l[r] = softmaxRow(row[:n])
			clear(row[n:])
		}
	}
}

// softmaxRow is softmax with AVX2.
func softmaxRow(s []float32) (m, l float32) {
	m = largest(s)
	var lane, rest, unused [16]float32
	n := whole(len(s))
	if n > 0 {
		expShiftAVX2(&s[0], n, m, &lane[0])
	}
	tail := s[n:]
	copy(rest[:], tail)
	expShiftAVX2(&rest[0], 16, m, &unused[0])
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
	low := float32(math.Inf(-1))
	lane := [8]float32{low, low, low, low, low, low, low, low}
	maxAVX2(&s[0], n, &lane[0])
	return max(m, maxOf(lane[:]))
}

func mergeRows(o, oc []float32, n int, a, b []float32) {
	switch {
	case active == generic || n == 0 || n%16 != 0:
		mergeRowsGeneric(o, oc, n, a, b)
	case active == avx512:
		mergeRowsAVX512(&o[0], &oc[0], len(a), n, &a[0], &b[0])
	default:
		for r := range a {
			mergeAVX2(&o[r*n], a[r], &oc[r*n], b[r], n)
		}
	}
}

func divide(dst, x []float32, l float32) {
	n := whole(len(x))
	if n > 0 {
		divideAVX2(&dst[0], &x[0], l, n)
	}
	divideGeneric(dst[n:], x[n:], l)
}

func roundHalves(dst []uint16, x []float32) bool {
	n := whole(len(x))
	ok := n == 0 || toHalfAVX2(&dst[0], &x[0], n)
	return roundHalvesGeneric(dst[n:], x[n:]) && ok
}

// The kernels of Scores and Values for 1, 2, 3, … queries.
var (
	scoresKernels = [DecodeQueries]func(out *float32, outStride uintptr, coef *float32, coefStride uintptr, blocks **uint16, d, pairs int, f float32){
		scoresx1AVX512, scoresx2AVX512, scoresx3AVX512, scoresx4AVX512,
		scoresx5AVX512, scoresx6AVX512, scoresx7AVX512, scoresx8AVX512,
	}
	valuesKernels = [DecodeQueries]func(out *float32, outStride uintptr, coef *float32, coefStride uintptr, blocks **uint16, offset uintptr, positions, pairs int){
		valuesx1AVX512, valuesx2AVX512, valuesx3AVX512, valuesx4AVX512,
		valuesx5AVX512, valuesx6AVX512, valuesx7AVX512, valuesx8AVX512,
	}
)

func scores(out []float32, stride int, q []float32, n, d int, blocks []*uint16, f float32) {
	switch active {
	case generic:
		scoresGeneric(out, stride, q, n, d, blocks, f)
	case avx512:
		scoresKernels[n-1](&out[0], uintptr(4*stride), &q[0], uintptr(4*d), &blocks[0], d, len(blocks)/2-1, f)
	default:
		scoresMix(mixKernels[active].half, out, stride, q, n, d, blocks, f)
	}
}

func values(out []float32, p []float32, stride, n, d int, blocks []*uint16, positions int) {
	switch active {
	case generic:
		valuesGeneric(out, p, stride, n, d, blocks, positions)
	case avx512:
		keys := uintptr(2 * blockTokens * d) // bytes
		valuesKernels[n-1](&out[0], uintptr(4*d), &p[0], uintptr(4*stride), &blocks[0], keys, positions, d/DecodeUnit)
	default:
		valuesMix(mixKernels[active].half, out, p, stride, n, d, blocks, positions)
	}
}
