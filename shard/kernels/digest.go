package kernels

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"math"
	"slices"
	"sync"

	"github.com/stagecoach-llm/stagecoach/shard/quant"
)

// ArithmeticVersion names the definition of every bit that this package computes. Shards of different versions must
// not share a pipeline.
const ArithmeticVersion = 1

// Digest is a hash (16 hex digits) of what the kernels in use compute from fixed input. It is the same on every
// machine and path of an arithmetic version; one that differs has a fault and must not join. The first call takes
// some milliseconds.
func Digest() string { return digests[active]() }

var digests = func() (once [len(pathNames)]func() string) {
	for p := range once {
		once[p] = sync.OnceValue(digest)
	}
	return once
}()

func digest() string {
	d := &digester{h: sha256.New(), seed: ArithmeticVersion}
	d.products()
	d.rows()
	d.attention()
	d.rope()
	return hex.EncodeToString(d.h.Sum(nil)[:8])
}

type digester struct {
	h    hash.Hash
	seed uint64
}

// floats gives n values of many magnitudes, by splitmix64.
func (d *digester) floats(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		d.seed += 0x9e3779b97f4a7c15
		z := d.seed
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		z ^= z >> 31
		x[i] = (float32(z>>40) - 0x1p23) * math.Float32frombits(uint32(127-23-z&7)<<23)
	}
	return x
}

func (d *digester) write(x ...float32) {
	var b [4]byte
	for _, v := range x {
		binary.LittleEndian.PutUint32(b[:], math.Float32bits(v))
		d.h.Write(b[:])
	}
}

func (d *digester) products() {
	const rows, cols, batch = 24, 512, 11
	pool := NewPool(1)
	types := make([]quant.Type, 0, len(formats))
	for t := range formats {
		types = append(types, t)
	}
	slices.Sort(types)
	var a Acts
	a.Reset(batch, cols, true)
	for r := range batch {
		copy(a.Row(r), d.floats(cols))
		a.Seal(r)
	}
	for _, t := range types {
		d.product(t, rows, cols, &a, pool)
	}
}

func (d *digester) product(t quant.Type, rows, cols int, a *Acts, pool *Pool) {
	size, err := t.RowBytes(cols)
	if err != nil {
		panic(err)
	}
	data := make([]byte, rows*size)
	if err := quant.Quantize(t, data, d.floats(rows*cols)); err != nil {
		panic(err)
	}
	m, err := Pack(context.Background(), t, rows, cols, data, pool)
	if err != nil {
		panic(err)
	}
	defer m.Free()
	y := make([]float32, a.rows*rows)
	NewProducts(pool).Mul(a, Job{M: m, Y: y, Stride: rows})
	d.write(y...)
	row := make([]float32, cols)
	m.Row(17, row)
	d.write(row...)
}

func (d *digester) rows() {
	const n = 1000
	x, w, y := d.floats(n), d.floats(n), make([]float32, n)
	RMSNorm(y, x, w, 1e-6)
	d.write(y...)
	SwiGLU(y, y, w)
	d.write(y...)
	d.write(LogSum(x))
}

func (d *digester) attention() {
	const heads, dim, halfSteps, floatSteps = 7, 64, 16, 13
	const steps = halfSteps + floatSteps
	q, out := d.floats(heads*dim), make([]float32, heads*dim)
	half := make([]uint16, halfSteps*dim)
	values := d.floats(16 * dim)
	ToHalf(half, 1, values)
	tile, coef := make([]float32, dim*steps), make([]float32, heads*steps)
	Widen(tile, 16*steps, half, 16*halfSteps, dim/16)
	for t := range dim / 16 {
		copy(tile[16*(t*steps+halfSteps):], values[256*t:][:16*floatSteps])
	}
	for h := range heads {
		copy(coef[h*steps:], q[h*dim:][:halfSteps])
		copy(coef[h*steps+halfSteps:], q[h*dim:][:floatSteps])
	}
	MulTiles(out, dim, coef, steps, heads, tile, 16*steps, steps, dim/16, 1, nil)
	d.write(out...)
	var m, l [1]float32
	Softmax(out, len(out), len(out), len(out), m[:], l[:])
	d.write(m[0], l[0])
	d.write(out...)
	top, sum := []float32{1}, []float32{2}
	Merge(q, len(q), top, sum, out, []float32{3}, l[:])
	d.write(top[0], sum[0])
	d.write(q...)
}

func (d *digester) rope() {
	const dim = 128
	yarn := &Yarn{Factor: 4, OriginalContext: 32768, BetaFast: 32, BetaSlow: 1, AttnFactor: 1.1386294}
	cos, sin := make([]float32, dim/2), make([]float32, dim/2)
	for _, r := range []*Rope{NewRope(dim, 1e6, nil), NewRope(dim, 1e6, yarn)} {
		for _, pos := range []int{0, 1, 31, 4095, 131071} {
			r.Table(pos, cos, sin)
			x := d.floats(dim)
			Rotate(x, cos, sin)
			d.write(cos...)
			d.write(sin...)
			d.write(x...)
		}
	}
}
