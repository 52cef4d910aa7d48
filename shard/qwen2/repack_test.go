package qwen2

import (
	"context"
	"fmt"
	"testing"

	"github.com/stagecoach-llm/stagecoach/shard/checkpoint"
	"github.com/stagecoach-llm/stagecoach/shard/kernels"
	"github.com/stagecoach-llm/stagecoach/shard/kv"
	"github.com/stagecoach-llm/stagecoach/shard/quant"
)

// loadAs loads a whole model in one of the ways.
func loadAs(t *testing.T, ck *checkpoint.Checkpoint, threads int, how Repack, memory int64) *Model {
	t.Helper()
	pool := kernels.NewPool(threads)
	t.Cleanup(pool.Close)
	m, err := Load(context.Background(), ck, Span{Last: ck.Card().Config.Layers, Embed: true, Head: true},
		Options{Pool: pool, KVBlocks: 128, Repack: how, WeightMemory: memory})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

// loadBeside loads the span of a model, with what it shares.
func loadBeside(t *testing.T, first *Model, how Repack, memory int64) *Model {
	t.Helper()
	m, err := Load(context.Background(), first.ck, first.span,
		Options{Pool: first.pool, KVBlocks: 8, Repack: how, WeightMemory: memory, Share: first})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

// TestRepackGivesTheSameBits: whatever of the weights stays in the file, tokens and logits are those of the others.
func TestRepackGivesTheSameBits(t *testing.T) {
	for _, typ := range []quant.Type{quant.Q8_0, quant.Q4_K, quant.Q2_K, quant.F16} {
		t.Run(typ.String(), func(t *testing.T) {
			s := small
			s.typ = typ
			ck := s.open(t)
			all := loadAs(t, ck, 1, RepackAlways, 1) // always means always
			_, want := pipeline{all}.answer(t, longPrompt[:40], 16, answerTokens)
			if all.MappedBytes() != 0 {
				t.Errorf("%d bytes stay in the file", all.MappedBytes())
			}
			half := all.WeightBytes() / 2
			for _, c := range []struct {
				how    Repack
				memory int64
			}{{RepackNever, 0}, {RepackAuto, 0}, {RepackAuto, 1}, {RepackAuto, half}} {
				for _, threads := range []int{1, 3} {
					m := loadAs(t, ck, threads, c.how, c.memory)
					_, got := pipeline{m}.answer(t, longPrompt[:40], 16, answerTokens)
					sameLogits(t, got, want)
					if err := m.Layers(nil, nil, nil, nil); err != nil {
						t.Errorf("a batch without rows: %v", err)
					}
				}
			}
		})
	}
}

// TestRepackAuto: what fits is repacked, and only that.
func TestRepackAuto(t *testing.T) {
	ck := small.open(t)
	all := loadAs(t, ck, 1, RepackAlways, 0)
	whole := all.WeightBytes() // Q8_0 takes what it has in the file
	for _, c := range []struct {
		how         Repack
		memory      int64
		least, most int64 // repacked
		mapped      bool
	}{
		{how: RepackAuto, memory: 0, least: whole, most: whole},
		{how: RepackAuto, memory: whole, least: whole, most: whole},
		{how: RepackAuto, memory: whole - 1, least: whole / 2, most: whole - 1, mapped: true},
		{how: RepackAuto, memory: whole / 3, least: whole / 4, most: whole / 3, mapped: true},
		{how: RepackAuto, memory: 1, mapped: true},
		{how: RepackNever, memory: whole, mapped: true},
	} {
		t.Run(fmt.Sprint(c.how, c.memory), func(t *testing.T) {
			m := loadAs(t, ck, 1, c.how, c.memory)
			if n := m.WeightBytes(); n < c.least || n > c.most {
				t.Errorf("%d bytes are repacked, want %d to %d", n, c.least, c.most)
			}
			if got := m.MappedBytes() > 0; got != c.mapped {
				t.Errorf("%d bytes stay in the file", m.MappedBytes())
			}
		})
	}
}

// TestRepackCountsWhatIsShared: weights that another Model holds take of the same memory.
func TestRepackCountsWhatIsShared(t *testing.T) {
	ck := small.open(t)
	first := loadAs(t, ck, 1, RepackAlways, 0)
	pool := kernels.NewPool(1)
	defer pool.Close()
	layers := ck.Card().Config.Layers
	memory := ck.Card().LayerBytes[0] * int64(layers)
	m, err := Load(context.Background(), ck, Span{Last: layers, Head: true}, Options{
		Pool: pool, KVType: kv.F16, KVBlocks: 8, Share: &Model{ck: ck, span: Span{Last: layers}, layers: first.layers},
		WeightMemory: memory,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if m.out.head.MappedBytes() == 0 {
		t.Error("the head was repacked where the shared layers had taken the memory")
	}
}

// TestRepackOfWhatIsShared: weights that another Model left in the file are read where they fit now, and stay shared,
// free of charge, where they do not.
func TestRepackOfWhatIsShared(t *testing.T) {
	ck := small.open(t)
	whole := loadAs(t, ck, 1, RepackAlways, 0).WeightBytes() // Q8_0 takes what it has in the file
	for _, c := range []struct {
		how           Repack
		first, second int64 // memory
		want          int64 // repacked at least
		shared        bool  // the last layer
	}{
		{RepackAuto, 1, 0, whole, false},
		{RepackAuto, 1, whole / 2, whole / 3, true},
		{RepackAuto, whole / 2, whole + ck.Card().LayerBytes[0], whole, false},
		{RepackAuto, whole / 2, whole / 2, whole / 3, true},
		{RepackAlways, 1, 1, whole, false},
		{RepackNever, 1, 0, 0, true},
	} {
		t.Run(fmt.Sprint(c.how, c.first, c.second), func(t *testing.T) {
			first := loadAs(t, ck, 1, RepackAuto, c.first)
			m := loadBeside(t, first, c.how, c.second)
			if n := m.WeightBytes(); n < c.want || c.how == RepackAuto && c.second > 0 && n > c.second {
				t.Errorf("%d bytes are repacked and %d stay in the file, want %d of %d repacked", n, m.MappedBytes(), c.want, whole)
			}
			last := len(m.layers) - 1
			if shared := m.layers[last] == first.layers[last]; shared != c.shared || shared != (m.out == first.out) {
				t.Errorf("the last layer is shared: %v, want %v, as the head", shared, c.shared)
			}
		})
	}
}

func TestParseRepack(t *testing.T) {
	for _, r := range []Repack{RepackAuto, RepackAlways, RepackNever} {
		if got, err := ParseRepack(r.String()); err != nil || got != r {
			t.Errorf("%v is read as %v, %v", r, got, err)
		}
	}
	if got, err := ParseRepack(""); err != nil || got != RepackAuto {
		t.Errorf("nothing is read as %v, %v", got, err)
	}
	if _, err := ParseRepack("sometimes"); err == nil {
		t.Error("no error")
	}
}

// TestRepackCountsWhatIsSharedFirst: layers that are read do not take the memory of shared ones that come after them.
func TestRepackCountsWhatIsSharedFirst(t *testing.T) {
	ck := small.open(t)
	first := loadAs(t, ck, 1, RepackAlways, 0)
	layers := ck.Card().Config.Layers
	late := &Model{ck: ck, span: Span{First: layers - 1, Last: layers}, layers: first.layers[layers-1:]}
	m, err := Load(context.Background(), ck, Span{Last: layers}, Options{
		Pool: first.pool, KVType: kv.F16, KVBlocks: 8, Share: late, WeightMemory: ck.Card().LayerBytes[layers-1],
	})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for n, l := range m.layers {
		if mapped := mappedBytes(l.matrices()...) > 0; mapped != (n < layers-1) {
			t.Errorf("layer %d: in the file %v", n, mapped)
		}
	}
}
