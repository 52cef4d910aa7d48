//go:build amd64 && !purego

package kernels

import "github.com/stagecoach-llm/stagecoach/shard/quant"

// dotFunc multiplies a group by one or more activation rows: y [.., yStride bytes], n records of scales.
type dotFunc func(y *float32, yStride uintptr, codes, scales, acts *byte, actStride uintptr, n int)

// dotKernels holds, by type, the kernels for 1, 2, 4 and 8 rows; AVX2 has none for 8.
var dotKernels = map[path]map[quant.Type][]dotFunc{
	avx2: {
		quant.Q8_0:   {dotQ8_0x1AVX2, dotQ8_0x2AVX2, dotQ8_0x4AVX2},
		quant.Q4_0:   {dotQ4_0x1AVX2, dotQ4_0x2AVX2, dotQ4_0x4AVX2},
		quant.Q4_1:   {dotQ4_1x1AVX2, dotQ4_1x2AVX2, dotQ4_1x4AVX2},
		quant.Q5_0:   {dotQ5_0x1AVX2, dotQ5_0x2AVX2, dotQ5_0x4AVX2},
		quant.Q5_1:   {dotQ5_1x1AVX2, dotQ5_1x2AVX2, dotQ5_1x4AVX2},
		quant.IQ4_NL: {dotIQ4_NLx1AVX2, dotIQ4_NLx2AVX2, dotIQ4_NLx4AVX2},
		quant.IQ4_XS: {dotIQ4_XSx1AVX2, dotIQ4_XSx2AVX2, dotIQ4_XSx4AVX2},
		quant.Q4_K:   {dotQ4_Kx1AVX2, dotQ4_Kx2AVX2, dotQ4_Kx4AVX2},
		quant.Q5_K:   {dotQ5_Kx1AVX2, dotQ5_Kx2AVX2, dotQ5_Kx4AVX2},
		quant.Q6_K:   {dotQ6_Kx1AVX2, dotQ6_Kx2AVX2, dotQ6_Kx4AVX2},
		quant.Q3_K:   {dotQ3_Kx1AVX2, dotQ3_Kx2AVX2, dotQ3_Kx4AVX2},
		quant.Q2_K:   {dotQ2_Kx1AVX2, dotQ2_Kx2AVX2, dotQ2_Kx4AVX2},
	},
	avx512: {
		quant.Q8_0:   {dotQ8_0x1AVX512, dotQ8_0x2AVX512, dotQ8_0x4AVX512, dotQ8_0x8AVX512},
		quant.Q4_0:   {dotQ4_0x1AVX512, dotQ4_0x2AVX512, dotQ4_0x4AVX512, dotQ4_0x8AVX512},
		quant.Q4_1:   {dotQ4_1x1AVX512, dotQ4_1x2AVX512, dotQ4_1x4AVX512, dotQ4_1x8AVX512},
		quant.Q5_0:   {dotQ5_0x1AVX512, dotQ5_0x2AVX512, dotQ5_0x4AVX512, dotQ5_0x8AVX512},
		quant.Q5_1:   {dotQ5_1x1AVX512, dotQ5_1x2AVX512, dotQ5_1x4AVX512, dotQ5_1x8AVX512},
		quant.IQ4_NL: {dotIQ4_NLx1AVX512, dotIQ4_NLx2AVX512, dotIQ4_NLx4AVX512, dotIQ4_NLx8AVX512},
		quant.IQ4_XS: {dotIQ4_XSx1AVX512, dotIQ4_XSx2AVX512, dotIQ4_XSx4AVX512, dotIQ4_XSx8AVX512},
		quant.Q4_K:   {dotQ4_Kx1AVX512, dotQ4_Kx2AVX512, dotQ4_Kx4AVX512, dotQ4_Kx8AVX512},
		quant.Q5_K:   {dotQ5_Kx1AVX512, dotQ5_Kx2AVX512, dotQ5_Kx4AVX512, dotQ5_Kx8AVX512},
		quant.Q6_K:   {dotQ6_Kx1AVX512, dotQ6_Kx2AVX512, dotQ6_Kx4AVX512, dotQ6_Kx8AVX512},
		quant.Q3_K:   {dotQ3_Kx1AVX512, dotQ3_Kx2AVX512, dotQ3_Kx4AVX512, dotQ3_Kx8AVX512},
		quant.Q2_K:   {dotQ2_Kx1AVX512, dotQ2_Kx2AVX512, dotQ2_Kx4AVX512, dotQ2_Kx8AVX512},
	},
}

// mixFunc is the float kernel for a number of rows; strides in bytes.
type mixFunc func(out *float32, outStride uintptr, coef *float32, coefStride uintptr, tile *byte, steps, tiles int)

// mixSet holds kernels for 1, 2, 3, … rows.
type mixSet struct{ half, float, bf16 []mixFunc }

var mixKernels = map[path]mixSet{
	avx2: {
		half:  []mixFunc{mixHalfx1AVX2, mixHalfx2AVX2, mixHalfx3AVX2, mixHalfx4AVX2},
		float: []mixFunc{mixFloatx1AVX2, mixFloatx2AVX2, mixFloatx3AVX2, mixFloatx4AVX2},
		bf16:  []mixFunc{mixBF16x1AVX2, mixBF16x2AVX2, mixBF16x3AVX2, mixBF16x4AVX2},
	},
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
