package main

import "fmt"

// elem is the type of a tile's elements.
type elem struct {
	name string
	size int
}

var elems = []elem{{"Half", 2}, {"Float", 4}, {"BF16", 2}}

const (
	tileStep = 256 // between the tiles of one call, in elements
	mixRows  = 4   // rows of coefficients at once: 16 sums, 4 widened registers and 4 of coefficients
)

// widen loads the sixteen elements at p as float32.
func (e elem) widen(k *kernel, w []V, p R, at int) {
	if e.size == 4 {
		for i := range w {
			k.load(w[i], p, at+16*i)
		}
		return
	}
	for i := 0; i < 4; i += 2 {
		k.load(w[i], p, at+8*i)
		if e.name == "Half" {
			k.two(fcvtl2, w[i+1], w[i])
			k.two(fcvtl, w[i], w[i])
		} else {
			k.two(shll2, w[i+1], w[i])
			k.two(shll, w[i], w[i])
		}
	}
}

// mix is the kernel of float weights, out[h, i] += Σ coef[h, s]·tile[s][i], for n rows of coefficients.
func (f *file) mix(e elem, n int) {
	name := fmt.Sprintf("mix%sx%dNEON", e.name, n)
	args := []arg{{"out", "*float32"}, {"outStride", "uintptr"}, {"coef", "*float32"}, {"coefStride", "uintptr"},
		{"tile", "*byte"}, {"steps", "int"}, {"tiles", "int"}}
	f.function(name, fmt.Sprintf("adds tiles to %d rows. Strides are in bytes.", n), args, false, func(k *kernel) {
		m := &mix{kernel: k, e: e, n: n, out: k.rows("out", "outStride", n), coef: k.rows("coef", "coefStride", n),
			tile: k.pointer("tile"), steps: k.pointer("steps"), at: k.reg(), left: k.reg(),
			acc: k.vecs(4 * n), w: k.vecs(4), c: k.vecs(n)}
		k.loop("tile", k.pointer("tiles"), 1, m.one)
		k.op("RET")
	})
}

// mix is such a kernel in the making.
type mix struct {
	*kernel
	e                     elem
	n                     int
	out, coef             []R // of each row
	tile, steps, at, left R
	acc, w, c             []V
}

// rows are the addresses of n rows.
func (k *kernel) rows(base, stride string, n int) []R {
	rows, by := []R{k.pointer(base)}, k.pointer(stride)
	for len(rows) < n {
		next := k.reg()
		k.op("ADD", by, rows[len(rows)-1], next)
		rows = append(rows, next)
	}
	return rows
}

// one adds a tile, four steps at a time and then the rest.
func (m *mix) one() {
	for h, out := range m.out {
		for i := range 4 {
			m.load(m.acc[4*h+i], out, 16*i)
		}
	}
	m.op("MOVD", m.tile, m.at)
	m.op("SUBS", "$4", m.steps, m.left)
	m.op("BLT", "rest")
	m.label("four")
	m.multiply(4)
	m.op("SUBS", "$4", m.left)
	m.op("BGE", "four")
	m.label("rest")
	m.op("ADDS", "$4", m.left)
	m.op("BEQ", "done")
	m.label("single")
	m.multiply(1)
	m.op("SUBS", "$1", m.left)
	m.op("BNE", "single")
	m.label("done")
	for h, out := range m.out {
		for i := range 4 {
			m.store(m.acc[4*h+i], out, 16*i)
		}
		m.add(out, 64)
		m.op("SUB", fmt.Sprintf("%v<<2", m.steps), m.coef[h])
	}
	m.add(m.tile, tileStep*m.e.size)
}

// multiply takes some steps.
func (m *mix) multiply(steps int) {
	move := map[int]string{1: "FMOVS.P", 4: "FMOVQ.P"}[steps]
	for h, coef := range m.coef {
		m.op(move, mem(coef, 4*steps), m.c[h].f())
	}
	for s := range steps {
		m.e.widen(m.kernel, m.w, m.at, 16*m.e.size*s)
		for h := range m.n {
			for i, w := range m.w {
				m.element(fmlaE, m.acc[4*h+i], w, m.c[h], s)
			}
		}
	}
	m.add(m.at, 16*m.e.size*steps)
}
