//go:build arm64 && !purego

package kernels

import "golang.org/x/sys/cpu"

// Features lists what this processor has of the instruction sets that kernels use.
func Features() []string {
	return present([]feature{{"asimd", true}, {"asimddp", cpu.ARM64.HasASIMDDP}})
}
