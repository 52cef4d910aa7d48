//go:build (!amd64 && !arm64) || purego

package kernels

func peakWork() (bytes, ints, floats float64) { return 0, 0, 0 }

func readAll([]byte) {}

func int8Peak(int) {}

func floatPeak(int) {}
