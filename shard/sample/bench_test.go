package sample

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stagecoach-llm/stagecoach/shard/grammar"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

func BenchmarkSample(b *testing.B) {
	const size = 151936
	for _, shape := range []struct {
		name  string
		scale float64
	}{{"peaked", 3}, {"flat", 0.3}} {
		r := rand.New(rand.NewPCG(1, 2))
		logits := make([]float32, size)
		for i := range logits {
			logits[i] = float32(r.NormFloat64() * shape.scale)
		}
		for _, c := range []struct {
			name string
			set  func(*wire.Params)
		}{
			{"greedy", func(p *wire.Params) { p.Temperature = 0 }},
			{"neutral", func(*wire.Params) {}},
			{"topk40", func(p *wire.Params) { p.TopK = 40 }},
			{"topp95", func(p *wire.Params) { p.TopP = 0.95 }},
			{"logprobs20", func(p *wire.Params) { p.Temperature, p.Logprobs = 0, 20 }},
		} {
			b.Run(shape.name+"/"+c.name, func(b *testing.B) {
				p := neutral()
				c.set(&p)
				s, err := New(NewVocab(size, nil), p, 0)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs()
				for pos := 0; b.Loop(); pos++ {
					if _, _, err := s.Sample(logits, pos, nil); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkGuided draws one token under a grammar whose mask is known, in a string of a JSON object: "kept" where the first draw is
// allowed, "redrawn" where it is not.
func BenchmarkGuided(b *testing.B) {
	const size = 151936
	texts := make([][]byte, size)
	for id := range texts {
		texts[id] = fmt.Appendf(nil, "%x", id)
	}
	texts['"'], texts['{'], texts['\n'] = []byte(`"`), []byte(`{`), []byte("\n")
	guide := grammar.NewGuide(func() *grammar.Vocab {
		return grammar.NewVocab(size, func(id int32) []byte { return texts[id] })
	})
	defer guide.Close()
	for _, temperature := range []float64{0, 1} {
		for _, c := range []struct {
			name      string
			favourite int32
		}{{"free", 7}, {"kept", 7}, {"redrawn", '\n'}} {
			b.Run(fmt.Sprintf("temperature %v/%s", temperature, c.name), func(b *testing.B) {
				r := rand.New(rand.NewPCG(1, 2))
				logits := make([]float32, size)
				for i := range logits {
					logits[i] = float32(r.NormFloat64() * 3)
				}
				logits[c.favourite] = 40
				v := NewVocab(size, nil)
				v.Guide(guide)
				p := neutral()
				p.Temperature, p.StopIDs = temperature, []int32{size - 1}
				if c.name != "free" {
					p.Grammar = grammarOf(b, `{"type":"object"}`)
				}
				s, err := New(v, p, 0)
				if err != nil {
					b.Fatal(err)
				}
				history := []int32{'{', '"', 7, 7}
				b.ReportAllocs()
				for pos := 0; b.Loop(); pos++ {
					if _, _, err := s.Sample(logits, pos, history); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
