package kernels

// SwiGLU is dst = (gate/(1+exp(-gate)))·up (Shazeer, arXiv 2002.05202); dst may be gate.
func SwiGLU(dst, gate, up []float32) {
	n := len(gate)
	swiglu(dst[:n], gate, up[:n])
}

func swigluGeneric(dst, gate, up []float32) {
	for i, g := range gate {
		dst[i] = float32(g/(1+Exp(-g))) * up[i]
	}
}
