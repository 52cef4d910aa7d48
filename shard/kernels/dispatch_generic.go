//go:build (!amd64 && !arm64) || purego

package kernels

var machinePaths = []path{generic}

func pause() {}

func quantise(dst []actBlock, step int, x []float32) { quantiseGeneric(dst, step, x) }
func finite(x []float32) bool                        { return finiteGeneric(x) }
func sumSquares(x []float32) float32                 { return sumSquaresGeneric(x) }
func scaleBy(dst, x, w []float32, r float32)         { scaleByGeneric(dst, x, w, r) }
func swiglu(dst, gate, up []float32)                 { swigluGeneric(dst, gate, up) }
func add(x, y []float32)                             { addGeneric(x, y) }
func rotate(a, b, cos, sin []float32)                { rotateGeneric(a, b, cos, sin) }
func expInPlace(x []float32)                         { expInPlaceGeneric(x) }
func roundHalves(dst []uint16, x []float32) bool     { return roundHalvesGeneric(dst, x) }
func divide(dst, x []float32, l float32)             { divideGeneric(dst, x, l) }

func widen(dst []float32, dstStride int, src []uint16, n, rows int) {
	widenGeneric(dst, dstStride, src, n, rows)
}

func mulTiles(out []float32, outStride int, coef []float32, coefStride, n int, tile []float32, tileStride, steps, tiles int, f float32, _ []byte) {
	mulTilesGeneric(out, outStride, coef, coefStride, n, tile, tileStride, steps, tiles, f)
}

func softmax(s []float32, stride, n, fill int, m, l []float32) {
	softmaxGeneric(s, stride, n, fill, m, l)
}

func mergeRows(o, oc []float32, n int, a, b []float32) { mergeRowsGeneric(o, oc, n, a, b) }

func scores(out []float32, stride int, q []float32, n, d int, blocks []*uint16, f float32) {
	scoresGeneric(out, stride, q, n, d, blocks, f)
}

func values(out []float32, p []float32, stride, n, d int, blocks []*uint16, positions int) {
	valuesGeneric(out, p, stride, n, d, blocks, positions)
}
