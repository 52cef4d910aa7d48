//go:build amd64 && !purego

package kernels

// peakWork is what a byte of readAll and a turn of int8Peak and floatPeak count for; zeros where there are none.
func peakWork() (bytes, ints, floats float64) {
	const chains, perMultiply = 12, 2
	switch active {
	case generic:
		return 0, 0, 0
	case avx512:
		return 1, chains * 64 * perMultiply, chains * 16 * perMultiply
	}
	return 1, chains * 32 * perMultiply, chains * 8 * perMultiply
}

// readAll loads b, whole 512 bytes of it.
func readAll(b []byte) {
	switch active {
	case generic:
	case avx512:
		readAVX512(&b[0], len(b)/512)
	default:
		readAVX2(&b[0], len(b)/512)
	}
}

func int8Peak(turns int) {
	switch active {
	case generic:
	case avx512:
		int8PeakAVX512(turns)
	case avxvnni:
		int8PeakAVXVNNI(turns)
	default:
		int8PeakAVX2(turns)
	}
}

func floatPeak(turns int) {
	switch active {
	case generic:
	case avx512:
		floatPeakAVX512(turns)
	default:
		floatPeakAVX2(turns)
	}
}
