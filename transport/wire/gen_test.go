package wire

import (
	"math"
	"math/rand/v2"
)

// random messages for the property tests; every slice is sometimes empty.

func randInts(r *rand.Rand) []int32 {
	out := make([]int32, r.IntN(5))
	for i := range out {
		out[i] = int32(r.Uint32())
	}
	return out
}

func randText(r *rand.Rand) string {
	b := make([]byte, r.IntN(12))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return string(b)
}

func randParams(r *rand.Rand) *Params {
	if r.IntN(4) == 0 {
		return nil
	}
	p := &Params{Temperature: r.Float64(), TopP: r.Float64(), TopK: int(int32(r.Uint32())), MinP: r.Float64(),
		Repetition: r.Float64(), Presence: -r.Float64(), Frequency: math.Inf(1), Seed: r.Uint64(),
		Logprobs: r.IntN(22) - 1, MinTokens: r.IntN(9), PromptLen: r.IntN(1 << 20), Grammar: randText(r)}
	for range r.IntN(3) {
		p.LogitBias = append(p.LogitBias, Bias{ID: int32(r.Uint32()), Value: r.Float32()})
	}
	p.StopIDs = randInts(r)
	return p
}

func randOp(r *rand.Rand) Op {
	switch kind := OpKind(1 + r.IntN(5)); kind {
	case OpOpen:
		return Op{Kind: kind, Params: randParams(r), Choice: r.Uint32(), History: randInts(r)}
	case OpBlocks:
		return Op{Kind: kind, At: r.Uint32(), Blocks: randInts(r)}
	case OpFork:
		return Op{Kind: kind, Parent: r.Uint64(), Len: r.Uint32()}
	case OpCopy:
		return Op{Kind: kind, From: int32(r.Uint32()), To: int32(r.Uint32())}
	default:
		return Op{Kind: OpClose}
	}
}

func randTimings(r *rand.Rand) []Timing {
	out := make([]Timing, r.IntN(4))
	for i := range out {
		out[i] = Timing{QueueNS: r.Int64() - r.Int64(), ComputeNS: r.Int64N(1e9)}
	}
	return out
}

func randFrame(r *rand.Rand) *Frame {
	f := &Frame{Epoch: r.Uint64(), Lane: uint8(r.Uint32()), Step: r.Uint64(), Ack: r.Uint64(), SentNS: r.Int64(), Timings: randTimings(r)}
	tokens := 0
	for range r.IntN(5) {
		e := Entry{Seq: r.Uint64(), Pos: r.Uint32(), Tokens: randInts(r), Want: Want(r.IntN(int(WantFailed) + 1)), Targets: randInts(r)}
		for range r.IntN(4) {
			e.Ops = append(e.Ops, randOp(r))
		}
		tokens += len(e.Tokens)
		f.Entries = append(f.Entries, e)
	}
	if tokens > 0 && r.IntN(3) > 0 {
		f.Rows, f.Width = tokens, 1+r.IntN(9)
		f.Body = make([]byte, f.Rows*f.Width*4)
		for i := range f.Body {
			f.Body[i] = byte(r.Uint32())
		}
	}
	return f
}

func randLogprobs(r *rand.Rand) []Logprob {
	out := make([]Logprob, r.IntN(3))
	for i := range out {
		out[i].LP = -r.Float32()
		for range r.IntN(4) {
			out[i].Top = append(out[i].Top, TokenLP{ID: int32(r.Uint32()), LP: -r.Float32()})
		}
	}
	return out
}

func randSampled(r *rand.Rand) *Sampled {
	s := &Sampled{Epoch: r.Uint64(), Lane: uint8(r.Uint32()), Step: r.Uint64(), SentNS: r.Int64(), Timings: randTimings(r)}
	for range r.IntN(5) {
		it := SampledItem{Seq: r.Uint64(), Pos: r.Uint32(), Tokens: randInts(r), Logprobs: randLogprobs(r), Error: randText(r)}
		for range r.IntN(4) {
			it.Scores = append(it.Scores, Logprob{LP: -r.Float32()})
		}
		if r.IntN(3) == 0 {
			it.Scores = randLogprobs(r)
		}
		s.Items = append(s.Items, it)
	}
	return s
}

func randDelta(r *rand.Rand) *Delta {
	x := &Delta{Term: r.Uint64()}
	for range r.IntN(5) {
		x.Items = append(x.Items, DeltaItem{ID: randText(r), Attempt: r.Uint32(), Choice: r.Uint32(), Position: r.Uint32(),
			Tokens: randInts(r), Logprobs: randLogprobs(r), Cached: r.Uint32(), Recomputed: r.Uint32(),
			Finish: randText(r), ErrorCode: randText(r), Error: randText(r)})
		if it := &x.Items[len(x.Items)-1]; r.IntN(4) == 0 {
			if it.Scores = randLogprobs(r); len(it.Scores) > 0 {
				it.ScorePos = r.Uint32()
			}
		}
	}
	return x
}

// fixed messages for goldens and benchmarks.

func decodeFrame(sequences, width int) *Frame {
	f := &Frame{Epoch: 3<<32 | 7, Lane: 1, Step: 41, Ack: 38, SentNS: 1_700_000_000_000_000_000, Rows: sequences, Width: width}
	for i := range sequences {
		f.Entries = append(f.Entries, Entry{Seq: uint64(100 + i), Pos: uint32(500 + i), Tokens: []int32{int32(1000 + i)}, Want: WantSample})
	}
	x := make([]float32, sequences*width)
	for i := range x {
		x[i] = float32(i)/8 - 1
	}
	f.Body = F32Body(nil, x)
	f.Timings = []Timing{{QueueNS: 1500, ComputeNS: 2_000_000}}
	return f
}

func openStep() *Frame {
	return &Frame{Epoch: 1 << 32, Step: 1, Entries: []Entry{
		{Seq: 9, Pos: 16, Tokens: []int32{151644, 872}, Want: WantScore, Targets: []int32{872, -1}, Ops: []Op{
			{Kind: OpOpen, Choice: 2, History: []int32{1, 2, 3}, Params: &Params{Temperature: 0.7, TopP: 0.9, TopK: 40, MinP: 0.05,
				Repetition: 1.1, Presence: 0.5, Frequency: -0.5, Seed: 0xfeedface, Logprobs: -1, MinTokens: 4, PromptLen: 18,
				LogitBias: []Bias{{ID: 13, Value: -100}}, StopIDs: []int32{151645}}},
			{Kind: OpBlocks, At: 1, Blocks: []int32{7, 8, 300}},
			{Kind: OpFork, Parent: 8, Len: 16},
			{Kind: OpCopy, From: 3, To: 4},
		}},
		{Seq: 4, Ops: []Op{{Kind: OpClose}}},
	}}
}

func guidedStep() *Frame {
	f := openStep()
	f.Entries[0].Ops[0].Params.Grammar = `{"schema":{"type":"object"}}`
	return f
}

func sampledExample() *Sampled {
	return &Sampled{Epoch: 3<<32 | 7, Lane: 1, Step: 41, SentNS: 1_700_000_000_000_000_001, Items: []SampledItem{
		{Seq: 100, Pos: 501, Tokens: []int32{42}, Logprobs: []Logprob{{LP: -0.25, Top: []TokenLP{{ID: 42, LP: -0.25}, {ID: 7, LP: -2}}}}},
		{Seq: 101, Pos: 502, Scores: []Logprob{{LP: -1}, {LP: -2.5}}},
		{Seq: 102, Error: "numeric: row 3 is not finite"},
	}, Timings: []Timing{{1500, 2_000_000}, {900, 2_100_000}}}
}

func scoredExample() *Sampled {
	s := sampledExample()
	s.Items[1].Scores[1].Top = []TokenLP{{ID: 9, LP: -0.5}, {ID: 11, LP: -1.5}}
	return s
}

func scoresExample() *Delta {
	x := deltaExample()
	x.Items[1] = DeltaItem{ID: "req-2", ScorePos: 17, Scores: []Logprob{{LP: -1}, {LP: -2.5, Top: []TokenLP{{ID: 9, LP: -0.5}}}}}
	return x
}

func deltaExample() *Delta {
	return &Delta{Term: 3, Items: []DeltaItem{
		{ID: "req-1", Attempt: 2, Choice: 1, Position: 17, Tokens: []int32{42, 151645}, Logprobs: []Logprob{{LP: -0.5}, {LP: -1}}, Cached: 32, Recomputed: 18, Finish: FinishStop},
		{ID: "req-2", ErrorCode: CodeNumeric, Error: "row 3 is not finite"},
	}}
}
