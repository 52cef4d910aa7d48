package kernels

// The float kernel has one shape. A tile is [steps][16]; lane i of output row h is a chain of its own:
//
//	out[h, 16t+i] = fma(coef[h, s], tile[t][s][i], out[h, 16t+i])   s ascending
//
// Attention's scores are a tile of 16 keys [d][16] with the queries as coefficients; its mix of values is tiles of
// 16 elements [position][16] with the probabilities; a float weight is one tile [in][16] with the activations.
// Tiles of one call are tileStep elements apart: the 16 positions of a cache block.

// tileStep is the distance between the tiles of one call.
const tileStep = 256

// MixHalf adds tiles of IEEE binary16: out [n, outStride], coef [n, coefStride].
func MixHalf(out []float32, outStride int, coef []float32, coefStride, n int, tile []uint16, steps, tiles int) {
	checkMix(len(out), outStride, len(coef), coefStride, n, len(tile), steps, tiles)
	mixHalf(out, outStride, coef, coefStride, n, tile, steps, tiles)
}

// MixFloat adds tiles of float32.
func MixFloat(out []float32, outStride int, coef []float32, coefStride, n int, tile []float32, steps, tiles int) {
	checkMix(len(out), outStride, len(coef), coefStride, n, len(tile), steps, tiles)
	mixFloat(out, outStride, coef, coefStride, n, tile, steps, tiles)
}

// checkMix panics where a kernel would leave its slices, as an index would.
func checkMix(out, outStride, coef, coefStride, n, tile, steps, tiles int) {
	if n <= 0 || steps <= 0 || tiles <= 0 || (n-1)*outStride+16*tiles > out || (n-1)*coefStride+steps > coef ||
		(tiles-1)*tileStep+16*steps > tile {
		panic("kernels: a tile does not fit its slices")
	}
}

func mixHalfGeneric(out []float32, outStride int, coef []float32, coefStride, n int, tile []uint16, steps, tiles int) {
	for t := range tiles {
		for s := range steps {
			var w [16]float32
			for i, h := range tile[t*tileStep+16*s:][:16] {
				w[i] = fromHalf(h)
			}
			for h := range n {
				mixStep(out[h*outStride+16*t:], coef[h*coefStride+s], &w)
			}
		}
	}
}

func mixFloatGeneric(out []float32, outStride int, coef []float32, coefStride, n int, tile []float32, steps, tiles int) {
	for t := range tiles {
		for s := range steps {
			w := (*[16]float32)(tile[t*tileStep+16*s:])
			for h := range n {
				mixStep(out[h*outStride+16*t:], coef[h*coefStride+s], w)
			}
		}
	}
}

func mixStep(out []float32, c float32, w *[16]float32) {
	o := (*[16]float32)(out)
	for i, v := range w {
		o[i] = fma(c, v, o[i])
	}
}
