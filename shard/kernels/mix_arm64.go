//go:build arm64 && !purego

package kernels

// mixFunc is the float kernel for a number of rows; strides in bytes.
type mixFunc func(out *float32, outStride uintptr, coef *float32, coefStride uintptr, tile *byte, steps, tiles int)

// The kernels for 1, 2, 3, … rows.
var (
	mixHalves = []mixFunc{mixHalfx1NEON, mixHalfx2NEON, mixHalfx3NEON, mixHalfx4NEON}
	mixFloats = []mixFunc{mixFloatx1NEON, mixFloatx2NEON, mixFloatx3NEON, mixFloatx4NEON}
	mixBF16s  = []mixFunc{mixBF16x1NEON, mixBF16x2NEON, mixBF16x3NEON, mixBF16x4NEON}
)
