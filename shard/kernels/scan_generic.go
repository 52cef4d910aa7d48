//go:build (!amd64 && !arm64) || purego

package kernels

func largestOf(x []float32) (top float32, ok bool) { return largestOfGeneric(x) }
func firstTurn([]float32, float32) int             { return 0 }
func expSum(x []float32, shift float32) float32    { return expSumApart(x, shift) }

func sumExp(x []float32, max, inv float64) float64 { return sumExpFrom(0, x, max, inv) }
