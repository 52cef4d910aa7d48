//go:build amd64 && !purego

package kernels

import "github.com/stagecoach-llm/stagecoach/shard/quant"

//go:generate sh -c "cd _asm && GOWORK=off go run . -set pack -out ../repack_amd64.s -stubs ../repack_amd64.go -pkg kernels"

// packFunc repacks n blocks of each of sixteen rows that are stride bytes apart.
type packFunc func(codes, scales, rows *byte, stride uintptr, n int)

// packKernels are those of the types that people use; memory sets their speed, so both paths have the same.
var packKernels = map[quant.Type]packFunc{
	quant.Q8_0: packQ8_0AVX2, quant.Q4_0: packQ4_0AVX2, quant.Q4_1: packQ4_1AVX2, quant.Q5_0: packQ5_0AVX2,
	quant.Q5_1: packQ5_1AVX2, quant.IQ4_NL: packQ4_0AVX2, quant.Q4_K: packQ4_KAVX2, quant.Q5_K: packQ5_KAVX2,
	quant.Q6_K: packQ6_KAVX2, quant.F32: packWordsAVX2, quant.F16: packHalvesAVX2, quant.BF16: packHalvesAVX2,
}

// packWhole repacks sixteen rows, and tells whether the path in use has a kernel that does.
func (m *Matrix) packWhole(codes, scales, rows []byte) bool {
	kernel := packKernels[m.Type]
	if kernel == nil || active == generic {
		return false
	}
	elems, size := m.Type.Block()
	bytes := m.Cols / elems * size
	_ = rows[groupRows*bytes-1]
	if m.Quantised() {
		kernel(&codes[0], &scales[0], &rows[0], uintptr(bytes), m.Cols/elems)
		return true
	}
	if bytes%16 > 0 {
		return false
	}
	kernel(&codes[0], nil, &rows[0], uintptr(bytes), bytes/16)
	return true
}
