//go:build !linux

package kernels

func hugePages([]byte) {}

func forget([]byte) {}
