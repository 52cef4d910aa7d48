package qwen2

import (
	"github.com/stagecoach-llm/stagecoach/shard/checkpoint"
	"github.com/stagecoach-llm/stagecoach/shard/kernels"
	"github.com/stagecoach-llm/stagecoach/shard/kv"
)

// Model is a loaded span of layers and their cache.
type Model struct {
	cfg  checkpoint.Config
	ck   *checkpoint.Checkpoint
	span Span
	pool *kernels.Pool

	layers    []*layer
	out       *outputs          // nil without the head
	embedding checkpoint.Tensor // of the file
	cache     *kv.Cache
	rope      *kernels.Rope
	scale     float32 // of attention scores, 1/sqrt(headDim)

	step step
}

// prepare makes what a step needs.
func (m *Model) prepare() {
	m.rope = newRope(&m.cfg)
	m.step.init(m)
}

// WeightBytes is the memory of the repacked weights, shared ones included. MappedBytes has the others.
func (m *Model) WeightBytes() int64 {
	var n int64
	for _, l := range m.layers {
		n += l.bytes()
	}
	if m.out != nil {
		n += m.out.head.Bytes()
	}
	return n
}

// MappedBytes is the size of the weights that are read from the file in every step.
func (m *Model) MappedBytes() int64 {
	var n int64
	for _, l := range m.layers {
		n += mappedBytes(l.matrices()...)
	}
	if m.out != nil {
		n += mappedBytes(m.out.head)
	}
	return n
}

// KVBytes is the memory of the cache when all of it is in use.
func (m *Model) KVBytes() int64 { return m.cache.Bytes() }

// CopyBlock copies a block of the cache in every layer. Blocks that it does not have are left alone: a sequence
// that names one fails in Layers.
func (m *Model) CopyBlock(from, to int32) { m.cache.CopyBlock(from, to) }

// Close frees the cache, and the weights that no other Model shares.
func (m *Model) Close() {
	for _, l := range m.layers {
		l.release()
	}
	if m.out != nil {
		m.out.release()
	}
	if m.cache != nil {
		m.cache.Close()
	}
	m.layers, m.out, m.cache = nil, nil, nil
}
