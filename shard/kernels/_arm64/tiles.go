package main

import "fmt"

// elem is the type of a tile's elements.
type elem struct {
	name string
	size int
}

var elems = []elem{{"Half", 2}, {"Float", 4}, {"BF16", 2}}

// tileRows are the rows of coefficients at once: four registers of sums and one of coefficients each, and four of the
// tile.
const tileRows = 5

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

// tiles is the float product (see MulTiles of package kernels) of n rows, in a tile of these elements.
func (f *file) tiles(e elem, n int) {
	name := fmt.Sprintf("tiles%sx%dNEON", e.name, n)
	args := append(tilesArgs, arg{"f", "float32"})
	f.function(name, fmt.Sprintf("multiplies %d rows by tiles. Strides are in bytes.", n), args, "", func(k *kernel) {
		t := newTiles(k, e, n)
		f := k.spread("f")
		k.loop("tile", k.pointer("tiles"), 1, func() {
			for _, v := range t.acc {
				k.zero(v)
			}
			t.steps()
			for _, v := range t.acc {
				k.three(fmul, v, v, f)
			}
			t.store()
		})
		k.op("RET")
	})
}

// addTiles goes on from what out holds.
func (f *file) addTiles(e elem, n int) {
	name := fmt.Sprintf("add%sx%dNEON", e.name, n)
	f.function(name, fmt.Sprintf("adds products of tiles to %d rows. Strides are in bytes.", n), tilesArgs, "", func(k *kernel) {
		t := newTiles(k, e, n)
		k.loop("tile", k.pointer("tiles"), 1, func() {
			for i, v := range t.acc {
				k.load(v, t.out[i/4], i%4*16)
			}
			t.steps()
			t.store()
		})
		k.op("RET")
	})
}

var tilesArgs = []arg{{"out", "*float32"}, {"outStride", "uintptr"}, {"coef", "*float32"}, {"coefStride", "uintptr"},
	{"tile", "*byte"}, {"tileStride", "uintptr"}, {"steps", "int"}, {"tiles", "int"}}

// tiles is such a kernel in the making.
type tiles struct {
	*kernel
	e                             elem
	out, coef                     []R // of each row
	tile, stride, count, at, left R
	acc, w, c                     []V
}

func newTiles(k *kernel, e elem, n int) *tiles {
	return &tiles{kernel: k, e: e, out: k.rows("out", "outStride", n), coef: k.rows("coef", "coefStride", n),
		tile: k.pointer("tile"), stride: k.pointer("tileStride"), count: k.pointer("steps"), at: k.reg(), left: k.reg(),
		acc: k.vecs(4 * n), w: k.vecs(4), c: k.vecs(n)}
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

// steps multiplies by a tile, four steps at a time and then the rest.
func (t *tiles) steps() {
	t.op("MOVD", t.tile, t.at)
	t.op("SUBS", "$4", t.count, t.left)
	t.op("BLT", "rest")
	t.label("four")
	t.multiply(4)
	t.op("SUBS", "$4", t.left)
	t.op("BGE", "four")
	t.label("rest")
	t.op("ADDS", "$4", t.left)
	t.op("BEQ", "done")
	t.label("single")
	t.multiply(1)
	t.op("SUBS", "$1", t.left)
	t.op("BNE", "single")
	t.label("done")
}

// store ends a tile: the sums go out, and all but the coefficients on to the next tile.
func (t *tiles) store() {
	for h, out := range t.out {
		for i, v := range t.acc[4*h : 4*h+4] {
			t.kernel.store(v, out, 16*i)
		}
		t.add(out, 64)
		t.op("SUB", fmt.Sprintf("%v<<2", t.count), t.coef[h])
	}
	t.op("ADD", t.stride, t.tile)
}

// multiply takes some steps.
func (t *tiles) multiply(steps int) {
	move := map[int]string{1: "FMOVS.P", 4: "FMOVQ.P"}[steps]
	for h, coef := range t.coef {
		t.op(move, mem(coef, 4*steps), t.c[h].f())
	}
	for s := range steps {
		t.e.widen(t.kernel, t.w, t.at, 16*t.e.size*s)
		for h := range t.coef {
			for i, w := range t.w {
				t.element(fmlaE, t.acc[4*h+i], w, t.c[h], s)
			}
		}
	}
	t.add(t.at, 16*t.e.size*steps)
}
