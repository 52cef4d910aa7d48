//go:build arm64 && !purego

package kernels

import "unsafe"

//go:generate go run ./_arm64

// whole is the part of n elements that the kernels take.
func whole(n int) int {
	if active == generic {
		return 0
	}
	return n &^ 15
}

func quantise(dst []actBlock, step int, x []float32) {
	if active == generic || step != 1 || len(x) < 32 {
		quantiseGeneric(dst, step, x)
		return
	}
	dst = dst[:len(x)/32]
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

func swiglu(dst, gate, up []float32) {
	n := whole(len(gate))
	if n > 0 {
		_, _ = dst[n-1], up[n-1]
		swigluNEON(&dst[0], &gate[0], &up[0], n)
	}
	swigluGeneric(dst[n:], gate[n:], up[n:])
}

func expInPlace(x []float32) {
	n := whole(len(x))
	if n > 0 {
		expNEON(&x[0], n)
	}
	expInPlaceGeneric(x[n:])
}
