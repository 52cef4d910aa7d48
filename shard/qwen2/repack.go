package qwen2

import "fmt"

// Repack says which weights are repacked for the kernels as they are loaded. The others stay in the mapped file: they
// take no memory of their own, the system reads and drops their pages as it can, and each step repacks them again a
// few rows at a time, which is slower. The bits of the results are the same.
type Repack uint8

const (
	RepackAuto   Repack = iota // what fits in Options.WeightMemory, in the order of the layers
	RepackAlways               // everything
	RepackNever                // nothing
)

var repackNames = [...]string{"auto", "always", "never"}

func (r Repack) String() string { return repackNames[r] }

// ParseRepack reads "auto", "always" or "never"; "" is auto.
func ParseRepack(s string) (Repack, error) {
	for i, name := range repackNames {
		if s == name || s == "" {
			return Repack(i), nil
		}
	}
	return 0, fmt.Errorf("qwen2: no way to load weights named %q (want auto, always or never)", s)
}

// fits tells whether a weight of some bytes is repacked where left are left of Options.WeightMemory.
func (r Repack) fits(bytes, left int64) bool {
	return r == RepackAlways || r == RepackAuto && bytes <= left
}
