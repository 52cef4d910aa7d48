package bench

import "testing"

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		in   []float64
		want Spread
	}{
		{[]float64{3}, Spread{3, 3, 3}},
		{[]float64{4, 1}, Spread{2.5, 1, 4}},
		{[]float64{9, 1, 2}, Spread{2, 1, 9}},
		{[]float64{8, 1, 4, 2}, Spread{3, 1, 8}},
	} {
		if got := spread(c.in); got != c.want {
			t.Errorf("spread(%v) is %v, want %v", c.in, got, c.want)
		}
	}
	if got, want := (Spread{2, 1, 4}).per(8), (Spread{4, 2, 8}); got != want {
		t.Errorf("8 per (2, 1, 4) is %v, want %v", got, want)
	}
}
