package kernels

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"testing"
)

// TestRopeTables pins every bit of the tables that Qwen2 models use: an ulp of a frequency is multiplied by the
// position.
func TestRopeTables(t *testing.T) {
	for name, c := range map[string]struct {
		dim  int
		yarn *Yarn
		want string
	}{
		"64":       {64, nil, "3e6cc6a9f3cf4aa5"},
		"128":      {128, nil, "980a7a3d34f1ab05"},
		"128 yarn": {128, &Yarn{4, 32768, 32, 1, 1.138629436111989}, "a86861dc1b29e78e"},
	} {
		r := NewRope(c.dim, 1e6, c.yarn)
		h := sha256.New()
		cos, sin := make([]float32, c.dim/2), make([]float32, c.dim/2)
		for pos := 0; pos < 1<<17; pos += 1 + pos/37 {
			r.Table(pos, cos, sin)
			_ = binary.Write(h, binary.LittleEndian, cos)
			_ = binary.Write(h, binary.LittleEndian, sin)
		}
		if got := hex.EncodeToString(h.Sum(nil)[:8]); got != c.want {
			t.Errorf("%s: tables hash to %s, want %s", name, got, c.want)
		}
	}
}

func TestRopeIsRotation(t *testing.T) {
	const dim = 64
	r := NewRope(dim, 1e4, nil)
	cos, sin := make([]float32, dim/2), make([]float32, dim/2)
	for _, pos := range []int{0, 1, 77, 5000} {
		r.Table(pos, cos, sin)
		x := make([]float32, dim)
		for i := range x {
			x[i] = float32(i + 1)
		}
		Rotate(x, cos, sin)
		for i := range dim / 2 {
			angle := float64(pos) * math.Pow(1e4, -float64(2*i)/dim)
			a, b := float64(i+1), float64(i+1+dim/2)
			wantA, wantB := a*math.Cos(angle)-b*math.Sin(angle), a*math.Sin(angle)+b*math.Cos(angle)
			if math.Abs(float64(x[i])-wantA) > 1e-4 || math.Abs(float64(x[i+dim/2])-wantB) > 1e-4 {
				t.Errorf("position %d, pair %d: %g, %g, want %g, %g", pos, i, x[i], x[i+dim/2], wantA, wantB)
			}
		}
	}
}
