package kernels

import "unsafe"

// A position that is decoded reads each key and value once. These products take them as they are kept, binary16 in
// blocks of 16 positions, each where it lies: keys [d][16 positions], behind them values [d/16][16 positions][16]. The
// chains are those of MulTiles.

// blockTokens is the number of a block's positions.
const blockTokens = 16

// DecodeQueries is how many queries Scores and Values take at most, and DecodeUnit what divides the elements of theirs.
const (
	DecodeQueries = 8
	DecodeUnit    = 32
)

// DecodesHalves tells whether the path in use has fast kernels for Scores and Values. Where it has not, widening first
// and MulTiles are faster.
func DecodesHalves() bool { return active != generic }

// Scores are those of queries q [n, d] in pairs of blocks, times f:
//
//	out[h, 16b+i] = (Σ_d q[h, d]·keys[b][d][i])·f   d ascending, each step one fma
//
// with out [n, stride]. blocks ends with two blocks more, which are only prefetched; all must be in memory.
func Scores(out []float32, stride int, q []float32, n, d int, blocks []*uint16, f float32) {
	pairs := len(blocks)/2 - 1
	if n <= 0 || n > DecodeQueries || d <= 0 || d%DecodeUnit != 0 || pairs <= 0 || len(blocks)%2 != 0 ||
		(n-1)*stride+32*pairs > len(out) || n*d > len(q) {
		panic("kernels: scores do not fit their slices")
	}
	scores(out, stride, q, n, d, blocks, f)
}

// Values is the mix of positions' values by coefficients p [n, stride]:
//
//	out[h, i] = Σ_s p[h, s]·values[s][i]   s ascending, each step one fma
//
// with out [n, d]. blocks is as for Scores: it holds one more than the positions need.
func Values(out []float32, p []float32, stride, n, d int, blocks []*uint16, positions int) {
	if n <= 0 || n > DecodeQueries || d <= 0 || d%DecodeUnit != 0 || positions <= 0 || positions > (len(blocks)-1)*blockTokens ||
		n*d > len(out) || (n-1)*stride+positions > len(p) {
		panic("kernels: values do not fit their slices")
	}
	values(out, p, stride, n, d, blocks, positions)
}

func scoresGeneric(out []float32, stride int, q []float32, n, d int, blocks []*uint16, f float32) {
	for b, block := range blocks[:len(blocks)-2] {
		keys := unsafe.Slice(block, d*blockTokens)
		for h := range n {
			mulTileHalf((*[16]float32)(out[h*stride+b*blockTokens:]), q[h*d:(h+1)*d], keys, f)
		}
	}
}

// mulTileHalf is one tile of MulTiles.
func mulTileHalf(out *[16]float32, coef []float32, tile []uint16, f float32) {
	var acc [16]float32
	for s, c := range coef {
		for i, v := range tile[16*s:][:16] {
			acc[i] = fma(c, fromHalf(v), acc[i])
		}
	}
	for i, v := range acc {
		out[i] = v * f
	}
}

func valuesGeneric(out []float32, p []float32, stride, n, d int, blocks []*uint16, positions int) {
	for h := range n {
		clear(out[h*d : (h+1)*d])
		for s, c := range p[h*stride:][:positions] {
			block := unsafe.Slice(blocks[s/blockTokens], 2*d*blockTokens)[d*blockTokens:]
			for i := range d {
				v := block[i&^15*blockTokens+s%blockTokens*16+i&15]
				out[h*d+i] = fma(c, fromHalf(v), out[h*d+i])
			}
		}
	}
}
