package sample

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stagecoach-llm/stagecoach/shard/grammar"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// The test vocabulary: the 256 bytes, some words, and the end.
var words = []string{`{"`, `":`, ` 1`, `"}`, `, "`, "name", `true`}

const (
	endID     = 256
	firstWord = 257
)

var guidedSize = firstWord + len(words)

// guided is a vocabulary whose samplers obey grammars.
func guided(t testing.TB) *Vocab {
	v := NewVocab(guidedSize, nil)
	g := grammar.NewGuide(func() *grammar.Vocab {
		return grammar.NewVocab(guidedSize, func(id int32) []byte {
			switch {
			case id < endID:
				return []byte{byte(id)}
			case id == endID:
				return nil
			}
			return []byte(words[id-firstWord])
		})
	})
	t.Cleanup(g.Close)
	v.Guide(g)
	return v
}

func grammarOf(t testing.TB, schema string) string {
	t.Helper()
	spec := grammar.Spec{Schema: json.RawMessage(schema)}
	text, err := spec.Text()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func spell(ids []int32) string {
	var b strings.Builder
	for _, id := range ids {
		switch {
		case id < endID:
			b.WriteByte(byte(id))
		case id > endID:
			b.WriteString(words[id-firstWord])
		}
	}
	return b.String()
}

// answer samples until the end from logits that depend on the position alone.
func answer(t *testing.T, v *Vocab, p wire.Params, most int) []int32 {
	t.Helper()
	s, err := New(v, p, 0)
	if err != nil {
		t.Fatal(err)
	}
	history := []int32{'x', 'y'}
	for pos := 2; pos < most; pos++ {
		id, _, err := s.Sample(logitsAt(pos), pos, history)
		if err != nil {
			t.Fatalf("after %q: %v", spell(history), err)
		}
		history = append(history, id)
		if id == endID {
			break
		}
	}
	return history
}

func logitsAt(pos int) []float32 {
	logits := make([]float32, guidedSize)
	for i := range logits {
		logits[i] = float32(8 * uniform(9, uint32(pos), i))
	}
	return logits
}

const small = `{"type":"object","properties":{"name":{"type":"string","maxLength":8},"ok":{"type":"boolean"}},"required":["name","ok"],"additionalProperties":false}`

func withGrammar(t testing.TB, schema string, set func(*wire.Params)) wire.Params {
	p := neutral()
	p.Grammar, p.StopIDs, p.PromptLen, p.Seed = grammarOf(t, schema), []int32{endID}, 2, 11
	if set != nil {
		set(&p)
	}
	return p
}

func TestGuidedAnswersParse(t *testing.T) {
	for name, set := range map[string]func(*wire.Params){
		"greedy": func(p *wire.Params) { p.Temperature = 0 },
		"hot":    func(p *wire.Params) { p.Temperature = 2 },
		"cut":    func(p *wire.Params) { p.TopK, p.TopP = 3, 0.5 },
		"least":  func(p *wire.Params) { p.MinTokens = 500 },
		"biased": func(p *wire.Params) { p.LogitBias = []wire.Bias{{ID: endID, Value: 100}, {ID: 'q', Value: 50}} },
	} {
		for seed := range uint64(8) {
			got := answer(t, guided(t), withGrammar(t, small, func(p *wire.Params) { set(p); p.Seed = seed }), 400)
			var doc struct {
				Name *string
				OK   *bool
			}
			if err := json.Unmarshal([]byte(spell(got[2:])), &doc); err != nil || doc.Name == nil || doc.OK == nil || got[len(got)-1] != endID {
				t.Fatalf("%s: %q: %v", name, spell(got[2:]), err)
			}
		}
	}
}

// What is drawn is a function of the history: wherever a sequence is taken up again, it goes on with the same tokens.
func TestGuidedAnswersGoOn(t *testing.T) {
	p := withGrammar(t, small, nil)
	want := answer(t, guided(t), p, 400)
	v := guided(t)
	for at := 2; at < len(want); at++ {
		s, err := New(v, p, 0)
		if err != nil {
			t.Fatal(err)
		}
		id, _, err := s.Sample(logitsAt(at), at, want[:at])
		if err != nil || id != want[at] {
			t.Fatalf("token %d is %d, was %d: %v", at, id, want[at], err)
		}
	}
}

// TestGuidedDistribution: without cuts, two draws have the distribution of one draw from what is allowed.
func TestGuidedDistribution(t *testing.T) {
	v := guided(t)
	logits := make([]float32, guidedSize)
	for i := range logits {
		logits[i] = -4
	}
	weights := map[int32]float64{'1': 1, '2': 2, '3': 0.5, '-': 1.5}
	logits['x'], logits['7'] = 3, 1
	want := map[int32]float64{}
	total := 0.0
	p := withGrammar(t, `{"enum":[1,2,3,-1]}`, nil)
	for id, w := range weights {
		logits[id] = float32(math.Log(w))
		want[id] = w
		total += w
	}
	const n = 8000
	seen := map[int32]float64{}
	for seed := range uint64(n) {
		p.Seed = seed
		s, err := New(v, p, 0)
		if err != nil {
			t.Fatal(err)
		}
		id, _, err := s.Sample(logits, 2, []int32{'x', 'y'})
		if err != nil {
			t.Fatal(err)
		}
		seen[id]++
	}
	chi := 0.0
	for id, w := range want {
		e := n * w / total
		chi += (seen[id] - e) * (seen[id] - e) / e
	}
	if len(seen) != len(want) || chi > 3+5*math.Sqrt(6) { // three degrees of freedom, five standard deviations
		t.Errorf("chi-squared %v: %v", chi, seen)
	}
}

// A greedy token is the largest of those allowed; the log-probabilities stay the model's, and so do the logits.
func TestGuidedLogprobsAreTheModels(t *testing.T) {
	v := guided(t)
	logits := logitsAt(5)
	logits['{'], logits['z'], logits[firstWord] = 17, 19, 16
	before := slices.Clone(logits)
	s, err := New(v, withGrammar(t, small, func(p *wire.Params) { p.Temperature, p.Logprobs = 0, 2 }), 0)
	if err != nil {
		t.Fatal(err)
	}
	id, lp, err := s.Sample(logits, 2, []int32{'x', 'y'})
	if err != nil || id != '{' || lp.Top[0].ID != 'z' || lp.Top[1].ID != '{' || lp.Top[1].LP != lp.LP {
		t.Errorf("token %d, %+v, %v", id, lp, err)
	}
	if !slices.Equal(before, logits) {
		t.Error("the logits have changed")
	}
}

// TestGuidedEnd: a stop id may come where the answer may end, and must where it is complete; min_tokens holds it back only in between.
func TestGuidedEnd(t *testing.T) {
	v := guided(t)
	for _, c := range []struct {
		schema, said string
		least        int
		want         func(id int32) bool
	}{
		{`{"type":"integer"}`, "1", 0, func(id int32) bool { return id == endID }},
		{`{"type":"integer"}`, "1", 9, func(id int32) bool { return id >= '0' && id <= '9' }},
		{`{"type":"integer"}`, "", 0, func(id int32) bool { return id != endID }},
		{`{"type":"object"}`, "{}", 9, func(id int32) bool { return id == endID }},
	} {
		logits := logitsAt(3)
		logits[endID] = 30
		s, err := New(v, withGrammar(t, c.schema, func(p *wire.Params) { p.MinTokens = c.least }), 0)
		if err != nil {
			t.Fatal(err)
		}
		history := []int32{'x', 'y'}
		for _, b := range []byte(c.said) {
			history = append(history, int32(b))
		}
		id, _, err := s.Sample(logits, len(history), history)
		if err != nil || !c.want(id) {
			t.Errorf("%s after %q: token %d, %v", c.schema, c.said, id, err)
		}
	}
}

func TestGuidedRefuses(t *testing.T) {
	v := guided(t)
	good := withGrammar(t, small, nil)
	for name, change := range map[string]func(*wire.Params){
		"no schema":  func(p *wire.Params) { p.Grammar = "{}" },
		"bad schema": func(p *wire.Params) { p.Grammar = grammarOf(t, `{"not":{}}`) },
		"no end":     func(p *wire.Params) { p.StopIDs = nil },
	} {
		p := good
		change(&p)
		if _, err := New(v, p, 0); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := New(NewVocab(guidedSize, nil), good, 0); err == nil {
		t.Error("a vocabulary without bytes: no error")
	}
	s, err := New(v, good, 0)
	if err != nil {
		t.Fatal(err)
	}
	if id, _, err := s.Sample(logitsAt(3), 3, []int32{'x', 'y', 'z'}); err == nil {
		t.Errorf("the history is not the grammar's, and %d was drawn", id)
	}
	if grammar.MaxSpec != wire.MaxGrammar {
		t.Errorf("a grammar may have %d bytes, its message %d", grammar.MaxSpec, wire.MaxGrammar)
	}
}

// TestPinnedGuidedDraws: as TestPinnedDraws, for draws that a grammar rejects.
func TestPinnedGuidedDraws(t *testing.T) {
	got := spell(answer(t, guided(t), withGrammar(t, small, nil), 400)[2:])
	if want := "{\"name\":\"}媐㎟Bx!\U0010a77e?\", \"ok\":true }"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
