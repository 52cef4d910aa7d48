//go:build amd64 && !purego

package kernels

import "unsafe"

// The kernels of float weights add tiles of binary16 to rows: these are Scores and Values of AVX2, which has no kernels
// of its own for them.

func scoresMix(kernels []mixFunc, out []float32, stride int, q []float32, n, d int, blocks []*uint16, f float32) {
	blocks = blocks[:len(blocks)-2]
	width := len(blocks) * blockTokens
	for h := range n {
		clear(out[h*stride:][:width])
	}
	for b, block := range blocks {
		runMix(kernels, out[b*blockTokens:], stride, q, d, n, block, d, 1)
	}
	for h := range n {
		scale(out[h*stride:][:width], f)
	}
}

func valuesMix(kernels []mixFunc, out []float32, p []float32, stride, n, d int, blocks []*uint16, positions int) {
	clear(out[:n*d])
	for s := 0; s < positions; s += blockTokens {
		steps := min(blockTokens, positions-s)
		block := unsafe.Slice(blocks[s/blockTokens], 2*d*blockTokens)[d*blockTokens:]
		runMix(kernels, out, d, p[s:], stride, n, &block[0], steps, d/16)
	}
}

// runMix adds tiles to rows: out [n, outStride], coef [n, coefStride].
func runMix(kernels []mixFunc, out []float32, outStride int, coef []float32, coefStride, n int, tile *uint16, steps, tiles int) {
	for h := 0; h < n; {
		rows := min(n-h, len(kernels))
		kernels[rows-1](&out[h*outStride], uintptr(4*outStride), &coef[h*coefStride], uintptr(4*coefStride),
			(*byte)(unsafe.Pointer(tile)), steps, tiles)
		h += rows
	}
}

// scale is x *= f. The factor of one that follows changes nothing.
func scale(x []float32, f float32) {
	for len(x) > 0 {
		part := x[:min(len(x), len(ones))]
		scaleBy(part, part, ones[:len(part)], f)
		x = x[len(part):]
	}
}

var ones = func() (one [256]float32) {
	for i := range one {
		one[i] = 1
	}
	return one
}()
