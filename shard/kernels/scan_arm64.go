//go:build arm64 && !purego

package kernels

import "math"

func largestOf(x []float32) (top float32, ok bool) {
	n := whole(len(x))
	if n == 0 {
		return largestOfGeneric(x)
	}
	var lanes [16]float32
	for i := range lanes {
		lanes[i] = float32(math.Inf(-1))
	}
	ok = largestNEON(&x[0], &lanes[0], n)
	top, _ = largestOfGeneric(lanes[:])
	rest, restOK := largestOfGeneric(x[n:])
	return max(top, rest), ok && restOK
}

// firstTurn is where to begin to look for an element of at least low.
func firstTurn(x []float32, low float32) int {
	n := whole(len(x))
	if n == 0 {
		return 0
	}
	return atLeastNEON(&x[0], n, low)
}

func expSum(x []float32, shift float32) float32 { return expSumApart(x, shift) }

func sumExp(x []float32, max, inv float64) float64 { return sumExpFrom(0, x, max, inv) }
