package sample

import (
	"cmp"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stagecoach-llm/stagecoach/shard/kernels"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// candidate is a token with its weight as an integer, of which the logit is the logarithm.
type candidate struct {
	id     int32
	weight int64
}

// exact are the probabilities that top-k, top-p and min-p, in this order, leave of integer weights, in rational numbers. It says
// nothing of how they are computed: each cut is its definition.
func exact(weights []int64, topK int, topP, minP *big.Rat) map[int32]*big.Rat {
	var kept []candidate
	for id, w := range weights {
		if w > 0 {
			kept = append(kept, candidate{int32(id), w})
		}
	}
	slices.SortStableFunc(kept, func(a, b candidate) int { return cmp.Compare(b.weight, a.weight) })
	if topK > 0 {
		kept = kept[:min(topK, len(kept))]
	}
	sum := func(c []candidate) (s int64) {
		for _, x := range c {
			s += x.weight
		}
		return s
	}
	share := func(part, whole int64) *big.Rat { return big.NewRat(part, whole) }
	for n := 1; n <= len(kept); n++ { // the fewest whose share is p or more
		if share(sum(kept[:n]), sum(kept)).Cmp(topP) >= 0 {
			kept = kept[:n]
			break
		}
	}
	kept = slices.DeleteFunc(kept, func(c candidate) bool { return share(c.weight, kept[0].weight).Cmp(minP) < 0 })
	out := map[int32]*big.Rat{}
	for _, c := range kept {
		out[c.id] = share(c.weight, sum(kept))
	}
	return out
}

// drawn counts which tokens n values of u draw that lie evenly in [0, 1).
func drawn(t *testing.T, p wire.Params, logits []float32, n int) map[int32]int {
	t.Helper()
	s, err := New(NewVocab(len(logits), nil), p, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, top, _ := kernels.Largest(logits)
	r := &s.vocab.rank
	counts := map[int32]int{}
	for i := range n {
		r.start(logits, top, p.Temperature)
		kept, mass := s.keep(r)
		u := (float64(i) + 0.5) / float64(n)
		counts[draw(r, kept, u*mass)]++
	}
	return counts
}

// TestDistributionsAreExact: over an even grid of u, each token comes as often as its exact probability says, but for the one
// point that a border between two tokens can take from either, and a token that is cut never comes.
func TestDistributionsAreExact(t *testing.T) {
	const grid = 5000
	random := rand.New(rand.NewPCG(11, 12))
	for range 60 {
		// A prime for every probability, so that none of the cuts falls on a border where rounding decides.
		p := neutral()
		topP, minP := big.NewRat(1, 1), new(big.Rat)
		if random.IntN(3) > 0 {
			topP = big.NewRat(int64(1+random.IntN(1008)), 1009)
		}
		if random.IntN(3) > 0 {
			minP = big.NewRat(int64(1+random.IntN(500)), 1013)
		}
		p.TopP, _ = topP.Float64()
		p.MinP, _ = minP.Float64()
		p.TopK = pick(random, 0, 0, 1, 2, 7, 100)
		p.Temperature = pick(random, 0.5, 1, 2)

		// The logits are such that exp(logit/temperature) is a whole number.
		weights, logits := make([]int64, 40), make([]float32, 40)
		for id := range weights {
			weights[id] = int64(random.IntN(30000))
			logits[id] = float32(p.Temperature * math.Log(float64(weights[id])))
			if weights[id] == 0 {
				logits[id] = negInf
			}
		}
		want := exact(weights, p.TopK, topP, minP)
		got := drawn(t, p, logits, grid)
		for id, n := range got {
			if want[id] == nil {
				t.Fatalf("%+v: token %d of weight %d came %d times and should be cut", p, id, weights[id], n)
			}
		}
		for id, probability := range want {
			f, _ := probability.Float64()
			// float32 logits move a border by less than a grid point.
			if expected := f * grid; math.Abs(float64(got[id])-expected) > 1.5 {
				t.Fatalf("%+v: token %d came %d times of %d, exactly it is %v", p, id, got[id], grid, expected)
			}
		}
	}
}

// TestPenaltiesAsDocumented: repetition counts a token once wherever it occurs, presence once and frequency each time it occurs in the
// output, the prompt counts for the first alone.
func TestPenaltiesAsDocumented(t *testing.T) {
	logits := []float32{2, -2, 4, 1, -1, 3}
	history := []int32{0, 0, 1, 2, 4, 2, 2} // the first three are the prompt
	for _, c := range []struct {
		name string
		set  func(*wire.Params)
		want []float32
	}{
		{"repetition", func(p *wire.Params) { p.Repetition = 2 }, []float32{1, -4, 2, 1, -2, 3}},
		{"repetition below 1", func(p *wire.Params) { p.Repetition = 0.5 }, []float32{4, -1, 8, 1, -0.5, 3}},
		{"presence", func(p *wire.Params) { p.Presence = 0.5 }, []float32{2, -2, 3.5, 1, -1.5, 3}},
		{"frequency", func(p *wire.Params) { p.Frequency = 0.5 }, []float32{2, -2, 2.5, 1, -1.5, 3}},
		{"all", func(p *wire.Params) { p.Repetition, p.Presence, p.Frequency = 2, 0.25, -1 }, []float32{1, -4, 4.75, 1, -1.25, 3}},
		{"bias before repetition", func(p *wire.Params) {
			p.Repetition, p.LogitBias = 2, []wire.Bias{{ID: 1, Value: 4}, {ID: 3, Value: -100}}
		}, []float32{1, 1, 2, -99, -2, 3}},
		{"min_tokens", func(p *wire.Params) { p.MinTokens, p.StopIDs = 5, []int32{2, 5} }, []float32{2, -2, negInf, 1, -1, negInf}},
		{"min_tokens reached", func(p *wire.Params) { p.MinTokens, p.StopIDs = 4, []int32{2, 5} }, logits},
	} {
		p := neutral()
		p.PromptLen = 3
		c.set(&p)
		s, err := New(NewVocab(len(logits), nil), p, 0)
		if err != nil {
			t.Fatal(err)
		}
		got := slices.Clone(logits)
		s.adjust(got, len(history), history)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
