package kernels

import "math"

// RMSNorm writes dst = (x·r)·w with r = 1/sqrt(ss/n + eps), ss the sum in sixteen lanes of the rounded squares of
// x [n] (Zhang and Sennrich, arXiv 1910.07467). It returns false where ss is Inf or NaN.
func RMSNorm(dst, x, w []float32, eps float32) bool {
	ss := sumSquares(x)
	if ss-ss != 0 {
		return false
	}
	r := 1 / float32(math.Sqrt(float64(ss/float32(len(x))+eps)))
	scaleBy(dst, x, w, r)
	return true
}

// Normal tells whether RMSNorm can take x.
func Normal(x []float32) bool {
	ss := sumSquares(x)
	return ss-ss == 0
}

func sumSquaresGeneric(x []float32) float32 {
	var lane [16]float32
	for len(x) >= 16 {
		for i, v := range (*[16]float32)(x) {
			lane[i] += float32(v * v)
		}
		x = x[16:]
	}
	for i, v := range x {
		lane[i] += float32(v * v)
	}
	return fold16(&lane)
}

func scaleByGeneric(dst, x, w []float32, r float32) {
	for i, v := range x {
		dst[i] = float32(v*r) * w[i]
	}
}

// Add is x += y, element by element: the residual, and a bias.
func Add(x, y []float32) { add(x, y[:len(x)]) }

func addGeneric(x, y []float32) {
	for i, v := range y {
		x[i] += v
	}
}
