package kernels

// mul computes one group of 16 outputs for all activation rows:
//
//	y[r*stride + 16g + i] = Σ_k w[16g+i, k]·x[r, k]
//
// y [.., stride]; outputs beyond the matrix's rows are left alone. Each output is a chain of its own over ascending
// k, so the result of a row depends on nothing but that row.
//
// Quantised, by block of 32 columns with exact integer dot products i (i0, i1 of the halves where scales are per
// 16), weight scales ws, mins wm, activation scale as, activation sums s:
//
//	u   = float(i)·ws                        one scale
//	u   = fma(float(i0), ws0, float(i1)·ws1) two scales
//	u   = fma(wm, -float(s), u)              with mins; two of them ascending
//	acc = fma(u, as, acc)
//
// Float weights are widened exactly: acc = fma(w, x, acc).
func (m *Matrix) mul(y []float32, stride int, a *Acts, g int) {
	at := g * groupRows
	n := min(groupRows, m.Rows-at)
	for r := 0; r < a.rows; {
		cols := m.tile(a, r)
		if n == groupRows {
			m.mulTile(y[r*stride+at:], stride, a, r, cols, g)
		} else {
			var t [maxTile * groupRows]float32
			m.mulTile(t[:], groupRows, a, r, cols, g)
			for c := range cols {
				copy(y[(r+c)*stride+at:][:n], t[c*groupRows:])
			}
		}
		r += cols
	}
}

// maxTile is how many activation rows share one reading of the weights.
const maxTile = 8

// mulTileGeneric is y[c*stride + i] for c < cols, i < 16.
func (m *Matrix) mulTileGeneric(y []float32, stride int, a *Acts, r, cols, g int) {
	var acc [maxTile][groupRows]float32
	if m.Quantised() {
		m.accumulate(&acc, a, r, cols, g)
	} else {
		m.accumulateFloat(&acc, a, r, cols, g)
	}
	for c := range cols {
		copy(y[c*stride:][:groupRows], acc[c][:])
	}
}

func (m *Matrix) accumulate(acc *[maxTile][groupRows]float32, a *Acts, r, cols, g int) {
	codes, scales := m.group(g)
	f := m.fmt
	pair := f.kind == scalePair || f.kind == scaleNibble
	mins := f.kind == scaleDM || f.kind == scaleSuper
	var p panel
	var ls lineScales
	var column [maxTile][]actBlock
	var step [maxTile]int
	for c := range cols {
		column[c], step[c] = a.column(r + c)
	}
	for b := range m.blocks {
		f.unpack(&p, codes[b*f.blockBytes():])
		f.lines(&ls, scales[b/f.span*f.record:], b%f.span)
		for c := range cols {
			x := &column[c][b*step[c]]
			var lo, hi [groupRows]int32
			dot16(&lo, (*[256]int8)(p[:]), (*[16]int8)(x.q[:]))
			dot16(&hi, (*[256]int8)(p[256:]), (*[16]int8)(x.q[16:]))
			for i := range acc[c] {
				var u float32
				if pair {
					u = fma(float32(lo[i]), ls.ws[0][i], float32(float32(hi[i])*ls.ws[1][i]))
				} else {
					u = float32(float32(lo[i]+hi[i]) * ls.ws[0][i])
				}
				if mins {
					u = fma(ls.wm[0][i], x.n, u)
				} else if f.kind == scaleNibble {
					u = fma(ls.wm[0][i], x.n0, u)
					u = fma(ls.wm[1][i], x.n1, u)
				}
				acc[c][i] = fma(u, x.d, acc[c][i])
			}
		}
	}
}

// dot16 adds sixteen rows' products of four steps.
func dot16(sum *[groupRows]int32, w *[256]int8, x *[16]int8) {
	for s := 0; s < 16; s += 4 {
		x0, x1, x2, x3 := int32(x[s]), int32(x[s+1]), int32(x[s+2]), int32(x[s+3])
		step := (*[64]int8)(w[16*s:])
		for i := range sum {
			sum[i] += int32(step[4*i])*x0 + int32(step[4*i+1])*x1 + int32(step[4*i+2])*x2 + int32(step[4*i+3])*x3
		}
	}
}

func (m *Matrix) accumulateFloat(acc *[maxTile][groupRows]float32, a *Acts, r, cols, g int) {
	codes, _ := m.group(g)
	for k := range m.Cols {
		var w [groupRows]float32
		for i := range w {
			w[i] = m.float(codes, k*groupRows+i)
		}
		for c := range cols {
			x := a.x[(r+c)*m.Cols+k]
			for i := range w {
				acc[c][i] = fma(w[i], x, acc[c][i])
			}
		}
	}
}
