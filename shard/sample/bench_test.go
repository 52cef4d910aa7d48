package sample

import (
	"math/rand/v2"
	"testing"

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
