package sample

import (
	"slices"
	"testing"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// TestPinnedDraws: tokens that were drawn once are drawn for ever, on every machine. A change here is a new version of
// the arithmetic.
func TestPinnedDraws(t *testing.T) {
	logits := make([]float32, 4096)
	for i := range logits {
		u := uniform(42, 0, i)
		logits[i] = float32(float64(u*u) * 12)
	}
	cases := []struct {
		name string
		set  func(*wire.Params)
		want []int32
	}{
		{"neutral", func(*wire.Params) {}, []int32{2518, 630, 1464, 4091, 1666, 3073, 2574, 3118, 120, 2369, 3680, 2766}},
		{"cold", func(p *wire.Params) { p.Temperature = 0.1 }, []int32{2220, 3097, 1881, 3520, 2574, 2220, 649, 800, 2830, 135, 2800, 2251}},
		{"top k", func(p *wire.Params) { p.TopK, p.Temperature = 5, 2 }, []int32{2574, 2164, 930, 2164, 649, 2574, 649, 930, 930, 930, 2164, 3969}},
		{"top p", func(p *wire.Params) { p.TopP = 0.3 }, []int32{1621, 1881, 135, 3712, 3969, 1621, 649, 3256, 1356, 3256, 2528, 3520}},
		{"min p", func(p *wire.Params) { p.MinP = 0.5 }, []int32{143, 2913, 2514, 3694, 930, 143, 649, 1418, 761, 947, 2280, 2528}},
		{"penalties", func(p *wire.Params) { p.Repetition, p.Presence, p.Frequency, p.TopK = 1.3, 0.5, 1.5, 4 }, []int32{2574, 2164, 2269, 1840, 649, 930, 3969, 26, 2990, 380, 3553, 2532}},
	}
	for _, c := range cases {
		p := neutral()
		p.Seed = 7
		c.set(&p)
		s, err := New(NewVocab(len(logits), nil), p, 1)
		if err != nil {
			t.Fatal(err)
		}
		var got []int32
		for pos := range 12 {
			id, _, err := s.Sample(logits, pos, got)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, id)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
