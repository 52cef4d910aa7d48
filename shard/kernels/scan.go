package kernels

import "math"

// scanUnit is how many elements the kernels look at in a turn.
const scanUnit = 32

// Largest returns the first of the largest elements of x, 0 and -Inf where there is none, and whether x holds neither
// NaN, which counts as none, nor +Inf.
func Largest(x []float32) (i int, top float32, ok bool) {
	top, ok = largestOf(x)
	if i = IndexAtLeast(x, top); i == len(x) {
		i = 0
	}
	return i, top, ok
}

// IndexAtLeast is the index of the first element of at least low, or the length.
func IndexAtLeast(x []float32, low float32) int {
	for i := firstTurn(x, low); i < len(x); i++ {
		if x[i] >= low {
			return i
		}
	}
	return len(x)
}

func largestOfGeneric(x []float32) (top float32, ok bool) {
	top, ok = float32(math.Inf(-1)), true
	for _, v := range x {
		if v > top {
			top = v
		}
		ok = ok && v <= math.MaxFloat32
	}
	return top, ok
}
