package bench

import "slices"

// Spread is a number that was measured several times.
type Spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// spread sorts x, which must not be empty.
func spread(x []float64) Spread {
	slices.Sort(x)
	n := len(x)
	return Spread{Median: (x[(n-1)/2] + x[n/2]) / 2, Min: x[0], Max: x[n-1]}
}

// per gives n per unit of s: a rate of times.
func (s Spread) per(n float64) Spread {
	return Spread{Median: n / s.Median, Min: n / s.Max, Max: n / s.Min}
}
