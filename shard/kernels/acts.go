package kernels

import "math"

// actBlock is 32 activations as integers, x ≈ q·d, in a cache line. The assembly knows this layout.
type actBlock struct {
	q [32]int8
	d float32

	// Negated sums, as mins want them: of all, and of the halves of 16.
	n, n0, n1 float32

	// Where the dot product of codes that are stored plus 128 begins, of all and of the halves: magic's bits less
	// 128 times the sum. It ends at magic's bits plus the product of the codes proper, which read as a float32 is
	// magic plus the product.
	z, z0, z1 int32

	_ int32
}

const actBytes = 64

// magic is 1.5·2^23. No block's dot product reaches 2^22.
const magic = 0x1.8p23

var magicBits = int32(math.Float32bits(magic))

// tiny is the largest magnitude below which a block counts as zero: 127/tiny must not overflow.
const tiny = 0x1p-100

// Acts is a batch of activation rows as a matmul reads them: float32 for float weights, and integers per 32 for
// quantised ones. It is filled row by row and reused.
//
// The integers lie in tiles, the rows that a kernel takes at once: [tile][cols/32][rows of the tile]. All tiles are
// equally wide, but for the last ones, which may be narrower by one row.
type Acts struct {
	rows, cols int
	x          []float32  // [rows, cols]
	blocks     []actBlock // empty unless asked for
	width      int        // rows of a wide tile
	wide       int        // rows in wide tiles
}

// Reset makes room for rows x cols without keeping contents. Integers are kept only where cols is a multiple of 32
// and quantised is set.
func (a *Acts) Reset(rows, cols int, quantised bool) {
	a.rows, a.cols = rows, cols
	a.x = grow(a.x, rows*cols)
	n := 0
	if quantised {
		n = rows * (cols / 32)
	}
	a.blocks = grow(a.blocks, n)
	a.width, a.wide = evenly(rows, tileRows(rows))
}

// evenly divides n rows into the fewest tiles of at most top: wide rows in tiles of width, the rest in tiles of one
// row less.
func evenly(n, top int) (width, wide int) {
	if n == 0 {
		return 1, 0
	}
	tiles := (n + top - 1) / top
	width = (n + tiles - 1) / tiles
	return width, width * (tiles - (tiles*width - n))
}

// tile is the first row and the width of the tile that row r belongs to.
func (a *Acts) tile(r int) (first, width int) {
	if r < a.wide {
		return r - r%a.width, a.width
	}
	return r - (r-a.wide)%(a.width-1), a.width - 1
}

// column is the first of row r's blocks, which lie step apart.
func (a *Acts) column(r int) (blocks []actBlock, step int) {
	first, width := a.tile(r)
	return a.blocks[first*(a.cols/32)+r-first:], width
}

func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// Row is row r's float32 values [cols]; write them, then call Seal.
func (a *Acts) Row(r int) []float32 { return a.x[r*a.cols : (r+1)*a.cols : (r+1)*a.cols] }

// Seal makes row r ready for a product: per 32 elements d = amax/127 and q = round-to-even(x·(127/amax)). It returns
// false, and leaves a row of zeros, where the row holds Inf or NaN.
func (a *Acts) Seal(r int) bool {
	x := a.Row(r)
	if !finite(x) {
		clear(x)
		a.quantise(r, x)
		return false
	}
	a.quantise(r, x)
	return true
}

func (a *Acts) quantise(r int, x []float32) {
	if len(a.blocks) == 0 {
		return
	}
	blocks, step := a.column(r)
	quantise(blocks, step, x)
}

func quantiseGeneric(dst []actBlock, step int, x []float32) {
	for i := range len(x) / 32 {
		quantiseBlock(&dst[i*step], (*[32]float32)(x[32*i:]))
	}
}

func quantiseBlock(b *actBlock, x *[32]float32) {
	var top uint32
	for _, v := range x {
		top = max(top, math.Float32bits(v)&0x7fffffff)
	}
	amax := math.Float32frombits(top)
	*b = actBlock{z: magicBits, z0: magicBits, z1: magicBits}
	if amax < tiny {
		return
	}
	b.d = amax / 127
	inv := 127 / amax
	var sums [2]int32
	for i, v := range x {
		q := int32(roundEven(float32(v * inv)))
		q = min(max(q, -127), 127)
		b.q[i] = int8(q)
		sums[i/16] += q
	}
	b.n0, b.n1, b.n = float32(-sums[0]), float32(-sums[1]), float32(-sums[0]-sums[1])
	b.z0, b.z1, b.z = magicBits-128*sums[0], magicBits-128*sums[1], magicBits-128*(sums[0]+sums[1])
}

// Finite tells whether x holds neither Inf nor NaN.
func Finite(x []float32) bool { return finite(x) }

func finiteGeneric(x []float32) bool {
	var bad uint32
	for _, v := range x {
		// the exponent's top carry: all ones + 1 overflows into the sign's place
		bad |= (math.Float32bits(v) & 0x7f800000) + 0x00800000
	}
	return bad&0x80000000 == 0
}
