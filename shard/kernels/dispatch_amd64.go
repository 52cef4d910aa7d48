//go:build amd64 && !purego

package kernels

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

//go:generate sh -c "cd _asm && GOWORK=off go run . -set float -out ../kernels_amd64.s -stubs ../kernels_amd64.go -pkg kernels"
//go:generate sh -c "cd _asm && GOWORK=off go run . -set dot -out ../dot_amd64.s -stubs ../dot_amd64.go -pkg kernels"

// machinePaths are the paths of this machine, the best last.
var machinePaths = func() []path {
	const f16c = 1 << 29
	x, paths := &cpu.X86, []path{generic}
	if !x.HasAVX2 || !x.HasFMA || features()&f16c == 0 {
		return paths
	}
	paths = append(paths, avx2)
	if x.HasAVXVNNI {
		paths = append(paths, avxvnni)
	}
	if x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL && x.HasAVX512VNNI {
		paths = append(paths, avx512)
	}
	return paths
}()

// whole is the part of n elements that the kernels take.
func whole(n int) int {
	if active == generic {
		return 0
	}
	return n &^ 15
}

func quantise(dst []actBlock, step int, x []float32) {
	n := len(x) / 32
	if active == generic || n == 0 {
		quantiseGeneric(dst, step, x)
		return
	}
	_ = dst[(n-1)*step]
	quantiseAVX2((*byte)(unsafe.Pointer(&dst[0])), uintptr(step*actBytes), &x[0], n)
}

func finite(x []float32) bool {
	n := whole(len(x))
	return (n == 0 || finiteAVX2(&x[0], n)) && finiteGeneric(x[n:])
}

func sumSquares(x []float32) float32 {
	n := whole(len(x))
	if n == 0 {
		return sumSquaresGeneric(x)
	}
	var lane [16]float32
	sumSquaresAVX2(&x[0], n, &lane[0])
	for i, v := range x[n:] {
		lane[i] += float32(v * v)
	}
	return fold16(&lane)
}

func scaleBy(dst, x, w []float32, r float32) {
	n := whole(len(x))
	if n > 0 {
		_, _ = dst[n-1], w[n-1]
		scaleByAVX2(&dst[0], &x[0], &w[0], r, n)
	}
	scaleByGeneric(dst[n:], x[n:], w[n:], r)
}

func add(x, y []float32) {
	n := whole(len(x))
	if n > 0 {
		_ = y[n-1]
		addAVX2(&x[0], &y[0], n)
	}
	addGeneric(x[n:], y[n:])
}

func rotate(a, b, cos, sin []float32) {
	n := whole(len(a))
	if n > 0 {
		_, _, _ = b[n-1], cos[n-1], sin[n-1]
		rotateAVX2(&a[0], &b[0], &cos[0], &sin[0], n)
	}
	rotateGeneric(a[n:], b[n:], cos[n:], sin[n:])
}

func swiglu(dst, gate, up []float32) {
	n := whole(len(gate))
	switch {
	case n == 0:
	case active == avx512:
		swigluAVX512(&dst[0], &gate[0], &up[0], n)
	default:
		swigluAVX2(&dst[0], &gate[0], &up[0], n)
	}
	swigluGeneric(dst[n:], gate[n:], up[n:])
}

func expInPlace(x []float32) {
	n := whole(len(x))
	switch {
	case n == 0:
	case active == avx512:
		expAVX512(&x[0], n)
	default:
		expAVX2(&x[0], n)
	}
	expInPlaceGeneric(x[n:])
}
