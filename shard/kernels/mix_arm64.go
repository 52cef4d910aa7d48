//go:build arm64 && !purego

package kernels

import (
	"unsafe"
)

// mixFunc is the float kernel for a number of rows; strides in bytes.
type mixFunc func(out *float32, outStride uintptr, coef *float32, coefStride uintptr, tile *byte, steps, tiles int)

// The kernels for 1, 2, 3, … rows.
var (
	mixHalves = []mixFunc{mixHalfx1NEON, mixHalfx2NEON, mixHalfx3NEON, mixHalfx4NEON}
	mixFloats = []mixFunc{mixFloatx1NEON, mixFloatx2NEON, mixFloatx3NEON, mixFloatx4NEON}
	mixBF16s  = []mixFunc{mixBF16x1NEON, mixBF16x2NEON, mixBF16x3NEON, mixBF16x4NEON}
)

func mixHalf(out []float32, outStride int, coef []float32, coefStride, n int, tile []uint16, steps, tiles int) {
	if active == generic {
		mixHalfGeneric(out, outStride, coef, coefStride, n, tile, steps, tiles)
		return
	}
	runMix(mixHalves, out, outStride, coef, coefStride, n, (*byte)(unsafe.Pointer(&tile[0])), steps, tiles)
}

func mixFloat(out []float32, outStride int, coef []float32, coefStride, n int, tile []float32, steps, tiles int) {
	if active == generic {
		mixFloatGeneric(out, outStride, coef, coefStride, n, tile, steps, tiles)
		return
	}
	runMix(mixFloats, out, outStride, coef, coefStride, n, (*byte)(unsafe.Pointer(&tile[0])), steps, tiles)
}

func runMix(kernels []mixFunc, out []float32, outStride int, coef []float32, coefStride, n int, tile *byte,
	steps, tiles int) {
	for h := 0; h < n; {
		rows := min(n-h, len(kernels))
		kernels[rows-1](&out[h*outStride], uintptr(4*outStride), &coef[h*coefStride], uintptr(4*coefStride), tile, steps, tiles)
		h += rows
	}
}
