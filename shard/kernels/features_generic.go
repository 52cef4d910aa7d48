//go:build (!amd64 && !arm64) || purego

package kernels

// Features lists what this processor has of the instruction sets that kernels use: none in this build.
func Features() []string { return present(nil) }
