package kernels

import (
	"fmt"
	"os"
	"slices"
)

// path is a set of kernels. All compute the same bits.
type path uint8

const (
	generic path = iota
	avx2         // AVX2, FMA, F16C
	avxvnni      // with AVX-VNNI's dot product
	avx512       // AVX-512 F, BW, DQ, VL and VNNI
	neon         // arm64's vectors, which every arm64 machine has
	neonDot      // with the dot product of ARMv8.4, optional before
)

var pathNames = [...]string{"generic", "avx2", "avxvnni", "avx512", "neon", "neondot"}

func (p path) String() string { return pathNames[p] }

// active is the path in use.
var active = startPath()

// best is the fastest path of this machine.
func best() path { return machinePaths[len(machinePaths)-1] }

// startPath is STAGECOACH_KERNELS, or the best where it is not set or not possible here: a cluster must not fail to
// start over a setting that changes no result.
func startPath() path {
	if i := slices.Index(pathNames[:], os.Getenv("STAGECOACH_KERNELS")); slices.Contains(machinePaths, path(i)) {
		return path(i)
	}
	return best()
}

// Path names the kernels in use: "avx512", "avxvnni", "avx2", "neondot", "neon" or "generic".
func Path() string { return active.String() }

// Paths lists what this machine and build have, the best last.
func Paths() []string {
	names := make([]string, len(machinePaths))
	for i, p := range machinePaths {
		names[i] = p.String()
	}
	return names
}

// ForcePath chooses the kernels; "" chooses the best again. It fails where this machine lacks the instructions or
// this build the kernels. It must not be called while anything computes.
func ForcePath(name string) error {
	if name == "" {
		active = best()
		return nil
	}
	i := slices.Index(pathNames[:], name)
	if i < 0 {
		return fmt.Errorf("kernels: no kernels named %q (want one of %v)", name, pathNames)
	}
	if !slices.Contains(machinePaths, path(i)) {
		return fmt.Errorf("kernels: no %s kernels on this machine or in this build (it has %v)", name, Paths())
	}
	active = path(i)
	return nil
}
