//go:build arm64 && !purego

package kernels

import "golang.org/x/sys/cpu"

// machinePaths are the paths of this machine, the best last. On macOS, x/sys/cpu asks sysctl for the dot product,
// which every Apple processor that runs it has.
var machinePaths = func() []path {
	if cpu.ARM64.HasASIMDDP {
		return []path{generic, neon, neonDot}
	}
	return []path{generic, neon}
}()
