//go:build (!amd64 && !arm64) || purego

package kernels

var machinePaths = []path{generic}

func pause() {}

func quantise(dst []actBlock, x []float32)                  { quantiseGeneric(dst, x) }
func finite(x []float32) bool                               { return finiteGeneric(x) }
func sumSquares(x []float32) float32                        { return sumSquaresGeneric(x) }
func scaleBy(dst, x, w []float32, r float32)                { scaleByGeneric(dst, x, w, r) }
func swiglu(gate, up []float32)                             { swigluGeneric(gate, up) }
func add(x, y []float32)                                    { addGeneric(x, y) }
func rotate(a, b, cos, sin []float32)                       { rotateGeneric(a, b, cos, sin) }
func merge(o []float32, a float32, oc []float32, b float32) { mergeGeneric(o, a, oc, b) }
func expInPlace(x []float32)                                { expInPlaceGeneric(x) }
func softmaxTile(s []float32) (m, l float32)                { return softmaxTileGeneric(s) }

func mixHalf(out []float32, outStride int, coef []float32, coefStride, n int, tile []uint16, steps, tiles int) {
	mixHalfGeneric(out, outStride, coef, coefStride, n, tile, steps, tiles)
}

func mixFloat(out []float32, outStride int, coef []float32, coefStride, n int, tile []float32, steps, tiles int) {
	mixFloatGeneric(out, outStride, coef, coefStride, n, tile, steps, tiles)
}
