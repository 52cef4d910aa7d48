//go:build amd64 && !purego

package kernels

// mixFunc is the float kernel for a number of rows; strides in bytes.
type mixFunc func(out *float32, outStride uintptr, coef *float32, coefStride uintptr, tile *byte, steps, tiles int)

// mixSet holds kernels for 1, 2, 3, … rows.
type mixSet struct{ half, float, bf16 []mixFunc }

var mixKernels = [len(pathNames)]mixSet{
	avx2:    mixAVX2,
	avxvnni: mixAVX2,
	avx512: {
		half: []mixFunc{
			mixHalfx1AVX512, mixHalfx2AVX512, mixHalfx3AVX512, mixHalfx4AVX512,
			mixHalfx5AVX512, mixHalfx6AVX512, mixHalfx7AVX512, mixHalfx8AVX512,
		},
		float: []mixFunc{
			mixFloatx1AVX512, mixFloatx2AVX512, mixFloatx3AVX512, mixFloatx4AVX512,
			mixFloatx5AVX512, mixFloatx6AVX512, mixFloatx7AVX512, mixFloatx8AVX512,
		},
		bf16: []mixFunc{
			mixBF16x1AVX512, mixBF16x2AVX512, mixBF16x3AVX512, mixBF16x4AVX512,
			mixBF16x5AVX512, mixBF16x6AVX512, mixBF16x7AVX512, mixBF16x8AVX512,
		},
	},
}

var mixAVX2 = mixSet{
	half:  []mixFunc{mixHalfx1AVX2, mixHalfx2AVX2, mixHalfx3AVX2, mixHalfx4AVX2},
	float: []mixFunc{mixFloatx1AVX2, mixFloatx2AVX2, mixFloatx3AVX2, mixFloatx4AVX2},
	bf16:  []mixFunc{mixBF16x1AVX2, mixBF16x2AVX2, mixBF16x3AVX2, mixBF16x4AVX2},
}
