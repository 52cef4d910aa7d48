package kernels

// SwiGLU is gate = (gate/(1+exp(-gate)))·up in place (Shazeer, arXiv 2002.05202).
func SwiGLU(gate, up []float32) { swiglu(gate, up[:len(gate)]) }

func swigluGeneric(gate, up []float32) {
	for i, g := range gate {
		gate[i] = float32(g/(1+Exp(-g))) * up[i]
	}
}
