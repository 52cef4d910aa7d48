package kernels

// sum16 adds lane i mod 16, ascending within a lane, then the halves 8, 4, 2, 1: the order that a kernel with
// sixteen lanes has anyway.
func sum16(x []float32) float32 {
	var lane [16]float32
	for len(x) >= 16 {
		for i, v := range (*[16]float32)(x) {
			lane[i] += v
		}
		x = x[16:]
	}
	for i, v := range x {
		lane[i] += v
	}
	return fold16(&lane)
}

// fold16 ends a sum16: halves 8, 4, 2, 1.
func fold16(lane *[16]float32) float32 {
	for half := 8; half > 0; half /= 2 {
		for i := range half {
			lane[i] += lane[i+half]
		}
	}
	return lane[0]
}
