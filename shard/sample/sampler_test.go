package sample

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// neutral are parameters that change nothing: sampling from the model's distribution.
func neutral() wire.Params {
	return wire.Params{Temperature: 1, TopP: 1, Repetition: 1, Logprobs: -1}
}

// naive is the package comment, word by word, with a whole sort.
func naive(p wire.Params, choice uint32, padded []bool, raw []float32, pos int, history []int32) int32 {
	l := slices.Clone(raw)
	for id := range l {
		if padded[id] {
			l[id] = negInf
		}
	}
	for _, b := range p.LogitBias {
		l[b.ID] += b.Value
	}
	output := map[int32]int{}
	var seen []int32
	for i, id := range history {
		if padded[id] {
			continue
		}
		if !slices.Contains(seen, id) {
			seen = append(seen, id)
		}
		if i >= p.PromptLen {
			output[id]++
		}
	}
	for _, id := range seen {
		if l[id] > 0 {
			l[id] = float32(float64(l[id]) / p.Repetition)
		} else {
			l[id] = float32(float64(l[id]) * p.Repetition)
		}
	}
	for id, n := range output {
		l[id] = float32(float64(l[id]) - (float64(p.Frequency*float64(n)) + p.Presence))
	}
	if pos-p.PromptLen < p.MinTokens {
		for _, id := range p.StopIDs {
			l[id] = negInf
		}
	}
	return naivePick(p, choice, l, pos)
}

func naivePick(p wire.Params, choice uint32, l []float32, pos int) int32 {
	ids := make([]int32, 0, len(l))
	for id := range l {
		if l[id] != negInf {
			ids = append(ids, int32(id))
		}
	}
	slices.SortStableFunc(ids, func(a, b int32) int {
		switch {
		case l[a] > l[b]:
			return -1
		case l[a] < l[b]:
			return 1
		}
		return 0
	})
	if p.Temperature == 0 {
		return ids[0]
	}
	weight := func(id int32) float64 { return exp((float64(l[id]) - float64(l[ids[0]])) * (1 / p.Temperature)) }
	mass := 0.0
	sum := func() {
		mass = 0
		for _, id := range ids {
			mass += weight(id)
		}
	}
	if p.TopK > 0 && p.TopK < len(l) {
		ids = ids[:min(p.TopK, len(ids))]
		sum()
	} else {
		for id := range l {
			mass += weight(int32(id))
		}
	}
	if p.TopP < 1 {
		part := 0.0
		for i, id := range ids {
			if part += weight(id); part >= p.TopP*mass {
				ids = ids[:i+1]
				break
			}
		}
		sum()
	}
	if p.MinP > 0 {
		if i := slices.IndexFunc(ids, func(id int32) bool { return weight(id) < p.MinP }); i >= 0 {
			ids = ids[:i]
		}
		sum()
	}
	part, last := 0.0, ids[0]
	for _, id := range ids {
		if weight(id) == 0 {
			break
		}
		last = id
		if part += weight(id); part > uniform(p.Seed, choice, pos)*mass {
			break
		}
	}
	return last
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

func randomParams(r *rand.Rand, size int) wire.Params {
	p := wire.Params{
		Temperature: pick(r, 0, 1e-30, 0.01, 0.7, 1, 2, 100),
		TopP:        pick(r, 1, 1, 0.95, 0.5, 0.01, 0),
		TopK:        pick(r, 0, 0, 1, 2, 40, 999, size+1),
		MinP:        pick(r, 0, 0, 0.05, 0.5, 1),
		Repetition:  pick(r, 1, 1.1, 0.5, 5),
		Presence:    pick(r, 0, 0.5, -2),
		Frequency:   pick(r, 0, 0.3, -2),
		Seed:        r.Uint64(),
		Logprobs:    -1,
		MinTokens:   pick(r, 0, 100),
		PromptLen:   r.IntN(8),
	}
	for range r.IntN(4) {
		p.LogitBias = append(p.LogitBias, wire.Bias{ID: int32(r.IntN(size)), Value: pick[float32](r, -100, -1, 0.5, 100)})
		p.StopIDs = append(p.StopIDs, int32(r.IntN(size)))
	}
	return p
}

func TestAgainstTheNaiveSampler(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int{5, 300, 20000} {
		padded := make([]bool, size)
		padded[2], padded[size-1] = true, true
		vocab := NewVocab(size, padded)
		for range 4000000 / (size + 4000) {
			logits := randomLogits(r, size)
			p := randomParams(r, size)
			history := make([]int32, p.PromptLen+r.IntN(20))
			for i := range history {
				history[i] = int32(r.IntN(min(size, 12)))
			}
			p.StopIDs = slices.DeleteFunc(p.StopIDs, func(id int32) bool { return id < 2 }) // leave something to sample
			s, err := New(vocab, p, 3)
			if err != nil {
				t.Fatal(err)
			}
			want := naive(p, 3, padded, logits, len(history), history)
			before := slices.Clone(logits)
			got, lp, err := s.Sample(logits, len(history), history)
			if err != nil || got != want || lp != nil {
				t.Fatalf("%d logits, %+v, history %v: token %d, %v, want %d", size, p, history, got, err, want)
			}
			for id := range logits {
				if !vocab.Padding(int32(id)) && math.Float32bits(logits[id]) != math.Float32bits(before[id]) {
					t.Fatalf("logit %d was %v and came back as %v", id, before[id], logits[id])
				}
			}
		}
	}
}

// randomLogits gives peaked, flat and coarse rows, the last with many equals, and some -Inf.
func randomLogits(r *rand.Rand, size int) []float32 {
	logits := make([]float32, size)
	scale, step := pick(r, 0, 0.1, 3, 30), pick(r, 0, 0.5)
	for i := range logits {
		l := r.NormFloat64() * scale
		if step > 0 {
			l = math.Round(l/step) * step // makes -0, too
		}
		logits[i] = float32(l)
		if i > 2 && r.IntN(20) == 0 {
			logits[i] = negInf
		}
	}
	return logits
}

func TestPaddingIsNeverSampled(t *testing.T) {
	padded := []bool{false, true, false, false, true, true}
	vocab := NewVocab(6, padded)
	for _, temperature := range []float64{0, 1, 100} {
		p := neutral()
		p.Temperature = temperature
		p.LogitBias = []wire.Bias{{ID: 1, Value: 100}, {ID: 5, Value: 100}}
		s, err := New(vocab, p, 0)
		if err != nil {
			t.Fatal(err)
		}
		for pos := range 300 {
			id, _, err := s.Sample([]float32{0, 50, 1, 2, 50, float32(math.NaN())}, pos, nil)
			if err != nil || padded[id] {
				t.Fatalf("temperature %v: token %d, %v", temperature, id, err)
			}
		}
	}
}

func TestGreedyTakesTheLowestOfEquals(t *testing.T) {
	p := neutral()
	p.Temperature = 0
	s, err := New(NewVocab(4, nil), p, 0)
	if err != nil {
		t.Fatal(err)
	}
	minusZero := float32(math.Copysign(0, -1))
	if id, _, err := s.Sample([]float32{-1, minusZero, 0, 0}, 0, nil); id != 1 || err != nil {
		t.Errorf("token %d, %v", id, err)
	}
}

// A draw depends on seed, choice and position, not on what was drawn before it.
func TestDrawsAreIndependentOfOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	vocab := NewVocab(1000, nil)
	logits := randomLogits(r, 1000)
	s, err := New(vocab, neutral(), 1)
	if err != nil {
		t.Fatal(err)
	}
	draw := func(s *Sampler, pos int) int32 {
		id, _, err := s.Sample(logits, pos, nil)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	var forward []int32
	for pos := range 50 {
		forward = append(forward, draw(s, pos))
	}
	again, err := New(NewVocab(1000, nil), neutral(), 1)
	if err != nil {
		t.Fatal(err)
	}
	for pos := 49; pos >= 0; pos-- {
		if got := draw(again, pos); got != forward[pos] {
			t.Fatalf("position %d: %d, then %d", pos, forward[pos], got)
		}
	}
	other, err := New(vocab, neutral(), 2)
	if err != nil {
		t.Fatal(err)
	}
	same := 0
	for pos, id := range forward {
		if draw(other, pos) == id {
			same++
		}
	}
	if same == len(forward) {
		t.Error("two choices draw the same")
	}
}

func TestFrequenciesFollowTheWeights(t *testing.T) {
	logits := []float32{0, float32(math.Log(2)), float32(math.Log(5))}
	s, err := New(NewVocab(3, nil), neutral(), 0)
	if err != nil {
		t.Fatal(err)
	}
	var seen [3]float64
	const n = 40000
	for pos := range n {
		id, _, err := s.Sample(logits, pos, nil)
		if err != nil {
			t.Fatal(err)
		}
		seen[id]++
	}
	for id, want := range []float64{n / 8.0, n / 4.0, n * 5 / 8.0} {
		if math.Abs(seen[id]-want) > 5*math.Sqrt(want) {
			t.Errorf("token %d came %v times of %d, want about %v", id, seen[id], n, want)
		}
	}
}

func TestUnusableLogits(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	vocab := NewVocab(3, nil)
	s, err := New(vocab, neutral(), 0)
	if err != nil {
		t.Fatal(err)
	}
	for name, logits := range map[string][]float32{
		"NaN": {0, nan, 1}, "Inf": {0, 1, inf}, "nothing": {negInf, negInf, negInf}, "short": {0, 1}, "none": nil,
	} {
		if _, _, err := s.Sample(logits, 0, nil); err == nil {
			t.Errorf("%s: sampled", name)
		}
		if _, err := vocab.Score(logits, 1, 0); err == nil {
			t.Errorf("%s: scored", name)
		}
	}
	if id, _, err := s.Sample([]float32{negInf, 3, negInf}, 0, nil); id != 1 || err != nil {
		t.Errorf("the only token: %d, %v", id, err)
	}
}

func TestEveryTokenIsMasked(t *testing.T) {
	p := neutral()
	p.StopIDs, p.MinTokens = []int32{0, 1}, 1
	s, err := New(NewVocab(2, nil), p, 0)
	if err != nil {
		t.Fatal(err)
	}
	logits := []float32{1, 2}
	if _, _, err := s.Sample(logits, 0, nil); err == nil || logits[0] != 1 || logits[1] != 2 {
		t.Errorf("error %v, logits %v", err, logits)
	}
	if _, _, err := s.Sample(logits, 1, []int32{0}); err != nil {
		t.Errorf("after min_tokens: %v", err)
	}
}

func TestHugeBiasStaysFinite(t *testing.T) {
	p := neutral()
	p.LogitBias = []wire.Bias{{ID: 0, Value: math.MaxFloat32}, {ID: 0, Value: math.MaxFloat32}, {ID: 1, Value: -math.MaxFloat32}}
	p.Repetition = 1e-6
	s, err := New(NewVocab(3, nil), p, 0)
	if err != nil {
		t.Fatal(err)
	}
	if id, _, err := s.Sample([]float32{math.MaxFloat32, -math.MaxFloat32, 0}, 2, []int32{0, 1}); id != 0 || err != nil {
		t.Errorf("token %d, %v", id, err)
	}
}

func TestSamplingAllocatesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	logits := randomLogits(r, 5000)
	p := neutral()
	p.Repetition, p.Presence, p.TopP, p.MinP = 1.1, 0.2, 0.99, 0.001
	p.LogitBias = []wire.Bias{{ID: 3, Value: 1}}
	s, err := New(NewVocab(5000, nil), p, 0)
	if err != nil {
		t.Fatal(err)
	}
	history := []int32{1, 2, 3, 3}
	n := testing.AllocsPerRun(20, func() {
		if _, _, err := s.Sample(logits, 4, history); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}
