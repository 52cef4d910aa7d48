//go:build amd64 && !purego

package kernels

import "golang.org/x/sys/cpu"

// Features lists what this processor has of the instruction sets that kernels use.
func Features() []string {
	const f16c = 1 << 29
	x := &cpu.X86
	return present([]feature{
		{"avx2", x.HasAVX2}, {"fma", x.HasFMA}, {"f16c", features()&f16c != 0}, {"avxvnni", x.HasAVXVNNI},
		{"avx512f", x.HasAVX512F}, {"avx512bw", x.HasAVX512BW}, {"avx512dq", x.HasAVX512DQ}, {"avx512vl", x.HasAVX512VL},
		{"avx512vnni", x.HasAVX512VNNI},
	})
}
