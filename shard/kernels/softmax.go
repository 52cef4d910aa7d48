package kernels

// Softmax turns rows of n scores, s [len(m), stride], into p = exp(s - max) in place, with zeros behind them up to fill
// elements, a multiple of 16. m receives the maxima and l the sums of p in sixteen lanes. A row is an attention chunk;
// chunks are merged by their maxima and sums.
func Softmax(s []float32, stride, n, fill int, m, l []float32) {
	rows := len(m)
	if n <= 0 || n > fill || fill%16 != 0 || fill > stride || len(l) != rows || (rows-1)*stride+fill > len(s) {
		panic("kernels: scores do not fit their slices")
	}
	softmax(s, stride, n, fill, m, l)
}

func softmaxGeneric(s []float32, stride, n, fill int, m, l []float32) {
	for r := range m {
		row := s[r*stride:][:fill]
		m[r] = maxOf(row[:n])
		for i, v := range row[:n] {
			row[i] = Exp(v - m[r])
		}
		clear(row[n:])
		l[r] = sum16(row[:n])
	}
}

// Merge adds a chunk's attention to what earlier chunks gave, row by row: o [len(m), n] with maxima m and sums l, oc, mc
// and lc likewise; n is a multiple of 16. m' = max(m, mc), a = exp(m-m'), b = exp(mc-m'), o = fma(o, a, oc·b), l likewise.
func Merge(o []float32, n int, m, l, oc, mc, lc []float32) {
	for len(m) > 0 {
		var a, b [16]float32
		rows := min(len(m), len(a))
		for r, v := range m[:rows] {
			top := v
			if mc[r] > v {
				top = mc[r]
			}
			a[r], b[r] = v-top, mc[r]-top
			m[r] = top
		}
		expInPlace(a[:])
		expInPlace(b[:])
		for r, v := range l[:rows] {
			l[r] = fma(v, a[r], float32(lc[r]*b[r]))
		}
		mergeRows(o[:rows*n], oc[:rows*n], n, a[:rows], b[:rows])
		o, m, l, oc, mc, lc = o[rows*n:], m[rows:], l[rows:], oc[rows*n:], mc[rows:], lc[rows:]
	}
}

func mergeRowsGeneric(o, oc []float32, n int, a, b []float32) {
	for r := range a {
		for i, v := range oc[r*n:][:n] {
			o[r*n+i] = fma(o[r*n+i], a[r], float32(v*b[r]))
		}
	}
}

// Divide is dst = x / l, element by element.
func Divide(dst, x []float32, l float32) { divide(dst, x[:len(dst)], l) }

func divideGeneric(dst, x []float32, l float32) {
	for i, v := range x {
		dst[i] = v / l
	}
}
