//go:build arm64 && !purego

package kernels

import (
	"math"
	"unsafe"
)

//go:generate go run ./_arm64

// whole is the part of n elements that the kernels take.
func whole(n int) int {
	if active == generic {
		return 0
	}
	return n &^ 15
}

func quantise(dst []actBlock, x []float32) {
	if active == generic || len(dst) == 0 {
		quantiseGeneric(dst, x)
		return
	}
	_ = x[32*len(dst)-1]
	quantiseNEON((*byte)(unsafe.Pointer(&dst[0])), &x[0], len(dst))
}

func finite(x []float32) bool {
	n := whole(len(x))
	return (n == 0 || finiteNEON(&x[0], n)) && finiteGeneric(x[n:])
}

func sumSquares(x []float32) float32 {
	n := whole(len(x))
	if n == 0 {
		return sumSquaresGeneric(x)
	}
	var lane [16]float32
	sumSquaresNEON(&x[0], &lane[0], n)
	for i, v := range x[n:] {
		lane[i] += float32(v * v)
	}
	return fold16(&lane)
}

func scaleBy(dst, x, w []float32, r float32) {
	n := whole(len(x))
	if n > 0 {
		_, _ = dst[n-1], w[n-1]
		scaleByNEON(&dst[0], &x[0], &w[0], n, r)
	}
	scaleByGeneric(dst[n:], x[n:], w[n:], r)
}

func add(x, y []float32) {
	n := whole(len(x))
	if n > 0 {
		_ = y[n-1]
		addNEON(&x[0], &y[0], n)
	}
	addGeneric(x[n:], y[n:])
}

func rotate(a, b, cos, sin []float32) {
	n := whole(len(a))
	if n > 0 {
		_, _, _ = b[n-1], cos[n-1], sin[n-1]
		rotateNEON(&a[0], &b[0], &cos[0], &sin[0], n)
	}
	rotateGeneric(a[n:], b[n:], cos[n:], sin[n:])
}

func merge(o []float32, a float32, oc []float32, b float32) {
	n := whole(len(o))
	if n > 0 {
		_ = oc[n-1]
		mergeNEON(&o[0], &oc[0], n, a, b)
	}
	mergeGeneric(o[n:], a, oc[n:], b)
}

func swiglu(gate, up []float32) {
	n := whole(len(gate))
	if n > 0 {
		_ = up[n-1]
		swigluNEON(&gate[0], &up[0], n)
	}
	swigluGeneric(gate[n:], up[n:])
}

func expInPlace(x []float32) {
	n := whole(len(x))
	if n > 0 {
		expNEON(&x[0], n)
	}
	expInPlaceGeneric(x[n:])
}

func softmaxTile(s []float32) (m, l float32) {
	if active == generic || len(s) == 0 {
		return softmaxTileGeneric(s)
	}
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
