//go:build unix

package qwen2

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/stagecoach-llm/stagecoach/shard/checkpoint"
	"github.com/stagecoach-llm/stagecoach/shard/kernels"
	"github.com/stagecoach-llm/stagecoach/shard/kv"
	"github.com/stagecoach-llm/stagecoach/shard/quant"
)

func benchModel(b *testing.B, ck *checkpoint.Checkpoint, threads, blocks int) *Model {
	pool := kernels.NewPool(threads)
	b.Cleanup(pool.Close)
	m, err := Load(context.Background(), ck, Span{Last: ck.Card().Config.Layers, Embed: true, Head: true},
		Options{Pool: pool, KVType: kv.F16, KVBlocks: blocks})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(m.Close)
	return m
}

// cpu is the process's time on processors, which a busy machine does not stretch.
func cpu(b *testing.B) float64 {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e6
}

// BenchmarkDecode is one token of each of some sequences, 0.5B, head included, at position 256 and on.
func BenchmarkDecode(b *testing.B) {
	for _, typ := range []quant.Type{quant.Q8_0, quant.Q4_0, quant.Q6_K} {
		s := halfB
		s.typ = typ
		if typ == quant.Q6_K {
			s.hidden, s.heads, s.kvHeads = 1024, 16, 2 // whole blocks of 256
		}
		if typ == quant.Q6_K {
			s.ffn = 4096
		}
		ck := s.open(b)
		for _, threads := range []int{1, 2} {
			for _, batch := range []int{1, 8} {
				b.Run(fmt.Sprintf("%v/threads=%d/batch=%d", typ, threads, batch), func(b *testing.B) {
					decode(b, benchModel(b, ck, threads, 64*batch), batch)
				})
			}
		}
		ck.Close()
	}
}

func decode(b *testing.B, m *Model, batch int) {
	x := make([]float32, batch*m.cfg.Hidden)
	logits := make([]float32, batch*m.cfg.Vocab)
	ids, rows, seqs, failed := make([]int32, batch), make([]int, batch), make([]Seq, batch), make([]error, batch)
	for i := range seqs {
		seqs[i] = Seq{Rows: 1}
		for k := range 64 {
			seqs[i].Blocks = append(seqs[i].Blocks, int32(64*i+k))
		}
		rows[i] = i
	}
	b.ReportAllocs()
	tokens, start := 0, cpu(b)
	for b.Loop() {
		for i := range seqs {
			seqs[i].Pos = 256 + tokens%512
			ids[i] = int32(1 + tokens%100 + i)
		}
		if err := m.Embed(ids, x); err != nil {
			b.Fatal(err)
		}
		if err := m.Layers(x, seqs, failed, nil); err != nil || failed[0] != nil {
			b.Fatal(err, failed[0])
		}
		if err := m.Logits(x, rows, logits); err != nil {
			b.Fatal(err)
		}
		tokens++
	}
	perSecond := float64(b.N*batch) / b.Elapsed().Seconds()
	b.ReportMetric(perSecond, "tokens/s")
	b.ReportMetric((cpu(b)-start)/float64(b.N*batch), "cpu-ms/token")
	b.ReportMetric(float64(b.N)*float64(m.WeightBytes())/b.Elapsed().Seconds()/1e9, "GB/s")
}

// BenchmarkContext is one token after a context of some length, 0.5B, head included.
func BenchmarkContext(b *testing.B) {
	ck := halfB.open(b)
	for _, threads := range []int{1, 2} {
		for _, context := range []int{1, 512, 4096, 32768} {
			b.Run(fmt.Sprintf("threads=%d/context=%d", threads, context), func(b *testing.B) {
				m := benchModel(b, ck, threads, context/kv.BlockTokens+1)
				seq := benchSeq(1, context)
				fillCache(b, m, seq.Blocks)
				run(b, m, []int32{1}, []Seq{seq}, make([]float32, m.cfg.Vocab))
			})
		}
	}
}

// fillCache gives every position keys and values of its own, so that the memory is there and none is a special case.
func fillCache(b *testing.B, m *Model, blocks []int32) {
	r := rand.New(rand.NewPCG(1, 2))
	k := make([]float32, 4096+m.cfg.KVHeads*m.cfg.HeadDim)
	for i := range k {
		k[i] = float32(r.NormFloat64())
	}
	for l := range m.layers {
		for i, block := range blocks {
			for slot := range kv.BlockTokens {
				at := (l*31 + i*17 + slot*5) % 4096
				if !m.cache.Store(l, block, slot, k[at:], k[at:]) {
					b.Fatal("does not fit")
				}
			}
		}
	}
}

// benchSeq is some rows at a position, in blocks from 0 on.
func benchSeq(rows, pos int) Seq {
	s := Seq{Rows: rows, Pos: pos}
	for p := 0; p < pos+rows; p += kv.BlockTokens {
		s.Blocks = append(s.Blocks, int32(p/kv.BlockTokens))
	}
	return s
}

// BenchmarkPrefill is a prompt, 0.5B, as the engine gets it: in steps of at most 512 tokens.
func BenchmarkPrefill(b *testing.B) {
	ck := halfB.open(b)
	for _, threads := range []int{1, 2} {
		for _, n := range []int{512, 8192} {
			b.Run(fmt.Sprintf("threads=%d/tokens=%d", threads, n), func(b *testing.B) {
				m := benchModel(b, ck, threads, n/kv.BlockTokens)
				var steps []Seq
				for pos := 0; pos < n; pos += 512 {
					steps = append(steps, benchSeq(512, pos))
				}
				run(b, m, make([]int32, 512), steps, nil)
			})
		}
	}
}

// run measures steps of a sequence, and the logits of the last row where there is room for them.
func run(b *testing.B, m *Model, ids []int32, steps []Seq, logits []float32) {
	x, failed, last := make([]float32, len(ids)*m.cfg.Hidden), make([]error, 1), []int{len(ids) - 1}
	b.ReportAllocs()
	start := cpu(b)
	for b.Loop() {
		for i := range steps {
			if err := m.Embed(ids, x); err != nil {
				b.Fatal(err)
			}
			if err := m.Layers(x, steps[i:i+1], failed, nil); err != nil || failed[0] != nil {
				b.Fatal(err, failed[0])
			}
		}
		if logits == nil {
			continue
		}
		if err := m.Logits(x, last, logits); err != nil {
			b.Fatal(err)
		}
	}
	tokens := float64(len(ids) * len(steps) * b.N)
	b.ReportMetric(tokens/b.Elapsed().Seconds(), "tokens/s")
	b.ReportMetric((cpu(b)-start)/tokens, "cpu-ms/token")
}

// BenchmarkLoad is repacking, per type, in bytes of the file.
func BenchmarkLoad(b *testing.B) {
	for _, typ := range []quant.Type{quant.Q8_0, quant.Q4_K, quant.Q6_K, quant.Q5_K, quant.Q4_0, quant.BF16} {
		b.Run(typ.String(), func(b *testing.B) {
			const rows, cols = 4096, 4096
			n, err := typ.RowBytes(cols)
			if err != nil {
				b.Fatal(err)
			}
			data := make([]byte, rows*n)
			for i := range data {
				data[i] = byte(i * 7)
			}
			pool := kernels.NewPool(2)
			defer pool.Close()
			b.SetBytes(int64(len(data)))
			start := cpu(b)
			for b.Loop() {
				m, err := kernels.Pack(b.Context(), typ, rows, cols, data, pool)
				if err != nil {
					b.Fatal(err)
				}
				m.Free()
			}
			b.ReportMetric((cpu(b)-start)*1e6/float64(rows*cols*b.N), "cpu-ns/weight")
		})
	}
}
