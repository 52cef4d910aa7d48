package kernels

import (
	"math"
	"testing"
)

// ulps is the distance of got from want in units of want's last place.
func ulps(got float32, want float64) float64 {
	unit := math.Nextafter32(float32(math.Abs(want)), float32(math.Inf(1))) - float32(math.Abs(want))
	return math.Abs(float64(got)-want) / float64(unit)
}

func TestExp(t *testing.T) {
	worst := 0.0
	for x := float32(-87.3); x <= 88.7; x += 0.00371 {
		worst = max(worst, ulps(Exp(x), math.Exp(float64(x))))
	}
	if worst > 2 {
		t.Errorf("off by %.2f ulp, want at most 2", worst)
	}
	inf := float32(math.Inf(1))
	for x, want := range map[float32]float32{0: 1, -87.31: 0, -inf: 0, 88.71: inf, inf: inf} {
		if got := Exp(x); got != want {
			t.Errorf("e^%g is %g, want %g", x, got, want)
		}
	}
}

func TestLog(t *testing.T) {
	for _, x := range []float32{1e-45, 1e-38, 0.1, 0.99999994, 1, 1.0000001, 2, math.E, 1000, 151936, 3e38} {
		if got, want := Log(x), math.Log(float64(x)); ulps(got, want) > 0.51 && got != float32(want) {
			t.Errorf("log %g is %g, want %g", x, got, want)
		}
	}
}

// TestDoubles compares the portable float64 functions with the library's.
func TestDoubles(t *testing.T) {
	near := func(name string, x, got, want, limit float64) {
		if !(math.Abs(got-want) <= limit*math.Max(math.Abs(want), 1e-300)) {
			t.Errorf("%s(%v) is %v, want %v", name, x, got, want)
		}
	}
	for e := -300.0; e <= 300; e += 3.7 {
		x := math.Pow(10, e)
		near("ln", x, ln(x), math.Log(x), 4e-16)
		near("exp", e, exp64(e), math.Exp(e), 1e-14)
	}
	for i := range 64 {
		e := -float64(2*i) / 128
		near("pow", e, pow64(1e6, e), math.Pow(1e6, e), 1e-14)
	}
	for x := 0.0; x < 1<<20; x = x*1.37 + 0.011 {
		s, c := sincos(x)
		if math.Abs(s-math.Sin(x)) > 1e-13 || math.Abs(c-math.Cos(x)) > 1e-13 {
			t.Errorf("sincos(%v) is %v, %v, want %v, %v", x, s, c, math.Sin(x), math.Cos(x))
		}
	}
}

func TestLogSum(t *testing.T) {
	x := make([]float32, 10000)
	var want float64
	for i := range x {
		x[i] = float32(math.Sin(float64(i))*20 + 60)
		want += math.Exp(float64(x[i]))
	}
	max, logsum := LogSum(x)
	if got := float64(max) + float64(logsum); math.Abs(got-math.Log(want)) > 1e-5 {
		t.Errorf("log of the sum is %v, want %v", got, math.Log(want))
	}
}
