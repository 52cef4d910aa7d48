package kernels

// Attention's two products are one kernel. A tile is [steps][16]; lane i of output row h is a chain of its own, from
// zero:
//
//	out[h, 16t+i] = (Σ_s coef[h, s]·tile[t][s][i])·f   s ascending, each step one fma
//
// Scores are the tiles of 16 keys [element][16 positions] with the queries as coefficients and f the scale; the mix of
// values is the tiles of 16 elements [position][16 elements] with the probabilities.

// tilesAtOnce is how many tiles the kernels take at once.
const tilesAtOnce = 2

// MulTiles multiplies n rows by an even number of tiles: out [n, outStride], coef [n, coefStride], tile t at t·tileStride.
// Meanwhile it prefetches next, which may be empty: what the caller reads soon.
func MulTiles(out []float32, outStride int, coef []float32, coefStride, n int, tile []float32, tileStride, steps, tiles int, f float32, next []byte) {
	if n <= 0 || steps <= 0 || tiles <= 0 || tiles%tilesAtOnce != 0 || (n-1)*outStride+16*tiles > len(out) ||
		(n-1)*coefStride+steps > len(coef) || (tiles-1)*tileStride+16*steps > len(tile) {
		panic("kernels: a tile does not fit its slices")
	}
	mulTiles(out, outStride, coef, coefStride, n, tile, tileStride, steps, tiles, f, next)
}

func mulTilesGeneric(out []float32, outStride int, coef []float32, coefStride, n int, tile []float32, tileStride, steps, tiles int, f float32) {
	for t := range tiles {
		for h := range n {
			var acc [16]float32
			for s, c := range coef[h*coefStride:][:steps] {
				w := (*[16]float32)(tile[t*tileStride+16*s:])
				for i, v := range w {
					acc[i] = fma(c, v, acc[i])
				}
			}
			for i, v := range acc {
				out[h*outStride+16*t+i] = v * f
			}
		}
	}
}

// Widen copies rows of IEEE binary16 as float32: src [rows, n], dst [rows, dstStride].
func Widen(dst []float32, dstStride int, src []uint16, n, rows int) {
	if n < 0 || rows <= 0 || rows*n > len(src) || (rows-1)*dstStride+n > len(dst) {
		panic("kernels: halves do not fit their slices")
	}
	widen(dst, dstStride, src, n, rows)
}

func widenGeneric(dst []float32, dstStride int, src []uint16, n, rows int) {
	for r := range rows {
		to := dst[r*dstStride:][:n]
		for i, h := range src[r*n:][:n] {
			to[i] = fromHalf(h)
		}
	}
}
