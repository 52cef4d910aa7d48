package sample

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

func TestLogprobsAreTheModels(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	const size = 10000
	padded := make([]bool, size)
	padded[17], padded[size-1] = true, true
	vocab := NewVocab(size, padded)
	logits := make([]float32, size)
	for i := range logits {
		logits[i] = float32(r.NormFloat64() * 4)
	}
	logits[17], logits[size-1] = 90, 90
	logits[100], logits[200] = 30, 30
	want := func(id int32) float64 {
		sum := 0.0
		for i, l := range logits {
			if !padded[i] {
				sum += math.Exp(float64(l) - 30)
			}
		}
		return float64(logits[id]) - 30 - math.Log(sum)
	}
	wants := map[int32]float64{}
	for _, id := range []int32{0, 5, 100, 200, 9998} {
		wants[id] = want(id)
	}
	for id, w := range wants {
		lp, err := vocab.Score(slices.Clone(logits), id, -1)
		if err != nil || math.Abs(float64(lp.LP)-w) > 1e-5 || lp.Top != nil {
			t.Errorf("token %d: %+v, %v, want %v", id, lp, err, w)
		}
	}

	scored, err := vocab.Score(slices.Clone(logits), 5, 3)
	if err != nil {
		t.Fatal(err)
	}

	p := neutral()
	p.Temperature, p.Logprobs = 0, 3
	p.LogitBias = []wire.Bias{{ID: 5, Value: 100}} // changes the token, not its log-probability
	s, err := New(vocab, p, 0)
	if err != nil {
		t.Fatal(err)
	}
	id, lp, err := s.Sample(logits, 0, nil)
	if err != nil || id != 5 || math.Abs(float64(lp.LP)-wants[5]) > 1e-5 {
		t.Fatalf("token %d, %+v, %v", id, lp, err)
	}
	if len(lp.Top) != 3 || lp.Top[0].ID != 100 || lp.Top[1].ID != 200 || lp.Top[2].LP > lp.Top[1].LP {
		t.Errorf("alternatives %+v", lp.Top)
	}
	if scored.LP != lp.LP || !slices.Equal(scored.Top, lp.Top) {
		t.Errorf("scored as %+v, drawn with %+v", scored, lp)
	}
	if math.Abs(float64(lp.Top[0].LP)-wants[100]) > 1e-5 {
		t.Errorf("log-probability %v, want %v", lp.Top[0].LP, wants[100])
	}
}

func TestFewerTokensThanAlternatives(t *testing.T) {
	p := neutral()
	p.Logprobs = 20
	s, err := New(NewVocab(3, []bool{false, true}), p, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, lp, err := s.Sample([]float32{1, 2, negInf}, 0, nil)
	if err != nil || len(lp.Top) != 1 || lp.Top[0] != (wire.TokenLP{ID: 0, LP: 0}) || lp.LP != 0 {
		t.Errorf("%+v, %v", lp, err)
	}
}

func TestScoreRefusesPadding(t *testing.T) {
	vocab := NewVocab(3, []bool{false, true, false})
	for _, id := range []int32{-1, 1, 3} {
		if lp, err := vocab.Score([]float32{0, 0, 0}, id, 0); err == nil {
			t.Errorf("token %d has log-probability %v", id, lp.LP)
		}
	}
	if lp, err := vocab.Score([]float32{0, 0, negInf}, 2, 0); err != nil || !math.IsInf(float64(lp.LP), -1) {
		t.Errorf("an impossible token: %v, %v", lp.LP, err)
	}
}
