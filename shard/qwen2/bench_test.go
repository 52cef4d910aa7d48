//go:build unix

package qwen2

import (
	"context"
	"fmt"
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

// BenchmarkPrefill is a prompt of 512 tokens, 0.5B.
func BenchmarkPrefill(b *testing.B) {
	ck := halfB.open(b)
	m := benchModel(b, ck, 1, 32)
	seq := Seq{Rows: 512}
	for k := range 32 {
		seq.Blocks = append(seq.Blocks, int32(k))
	}
	start := cpu(b)
	ids, x, failed := make([]int32, 512), make([]float32, 512*m.cfg.Hidden), make([]error, 1)
	for b.Loop() {
		if err := m.Embed(ids, x); err != nil {
			b.Fatal(err)
		}
		if err := m.Layers(x, []Seq{seq}, failed, nil); err != nil || failed[0] != nil {
			b.Fatal(err, failed[0])
		}
	}
	b.ReportMetric(float64(512*b.N)/b.Elapsed().Seconds(), "tokens/s")
	b.ReportMetric((cpu(b)-start)/float64(512*b.N), "cpu-ms/token")
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
				m, err := kernels.Pack(typ, rows, cols, data, pool)
				if err != nil {
					b.Fatal(err)
				}
				m.Free()
			}
			b.ReportMetric((cpu(b)-start)*1e6/float64(rows*cols*b.N), "cpu-ns/weight")
		})
	}
}
