//go:build arm64 && !purego

package kernels

// peakWork is what a byte of readAll and a turn of int8Peak and floatPeak count for; zeros where there are none.
func peakWork() (bytes, ints, floats float64) {
	const chains, perMultiply = 12, 2
	switch active {
	case generic:
		return 0, 0, 0
	case neonDot:
		return 1, chains * 16 * perMultiply, chains * 4 * perMultiply
	}
	return 1, chains * 8 * perMultiply, chains * 4 * perMultiply
}

// readAll loads b, whole 512 bytes of it.
func readAll(b []byte) {
	if active != generic {
		readNEON(&b[0], len(b)/512)
	}
}

func int8Peak(turns int) {
	switch active {
	case generic:
	case neonDot:
		int8PeakNEONDot(turns)
	default:
		int8PeakNEON(turns)
	}
}

func floatPeak(turns int) {
	if active != generic {
		floatPeakNEON(turns)
	}
}
