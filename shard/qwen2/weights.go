package qwen2

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/stagecoach-llm/stagecoach/shard/checkpoint"
	"github.com/stagecoach-llm/stagecoach/shard/kernels"
	"github.com/stagecoach-llm/stagecoach/shard/quant"
)

// layer is the weights of one transformer block. Models that share it count themselves.
type layer struct {
	refs atomic.Int32

	attnNorm, ffnNorm []float32 // [hidden]
	qBias             []float32 // [heads*headDim]
	kBias, vBias      []float32 // [kvHeads*headDim]

	q, k, v, o     *kernels.Matrix
	gate, up, down *kernels.Matrix
}

func (l *layer) matrices() []*kernels.Matrix {
	return []*kernels.Matrix{l.q, l.k, l.v, l.o, l.gate, l.up, l.down}
}

func (l *layer) bytes() int64 { return matrixBytes(l.matrices()...) }

// release frees the weights with their last owner.
func (l *layer) release() {
	if l.refs.Add(-1) == 0 {
		freeAll(l.matrices()...)
	}
}

// outputs is the final norm and the head.
type outputs struct {
	refs atomic.Int32
	norm []float32 // [hidden]
	head *kernels.Matrix
}

func (o *outputs) release() {
	if o.refs.Add(-1) == 0 {
		freeAll(o.head)
	}
}

// matrixBytes is the memory of repacked matrices.
func matrixBytes(ms ...*kernels.Matrix) int64 {
	var n int64
	for _, m := range ms {
		if m != nil {
			n += m.Bytes()
		}
	}
	return n
}

// mappedBytes is what matrices have in the file.
func mappedBytes(ms ...*kernels.Matrix) int64 {
	var n int64
	for _, m := range ms {
		if m != nil {
			n += m.MappedBytes()
		}
	}
	return n
}

func freeAll(ms ...*kernels.Matrix) {
	for _, m := range ms {
		if m != nil {
			m.Free()
		}
	}
}

// reader reads weights, remembering the first error.
type reader struct {
	ctx  context.Context
	ck   *checkpoint.Checkpoint
	pool *kernels.Pool
	did  func(bytes int64) // reports progress
	err  error

	repack Repack
	left   int64 // of Options.WeightMemory
}

func (r *reader) tensor(name string) (checkpoint.Tensor, bool) {
	if r.err == nil {
		r.err = r.ctx.Err()
	}
	if r.err != nil {
		return checkpoint.Tensor{}, false
	}
	t, err := r.ck.Tensor(name)
	r.err = err
	return t, err == nil
}

// share counts weights of some bytes that another Model has, and tells whether they are worth taking: not those that
// it left in the file and that fit now. The others have been charged before anything was read (repackedBytes).
func (r *reader) share(bytes int64, ms ...*kernels.Matrix) bool {
	if mapped := mappedBytes(ms...); mapped > 0 {
		if r.repack.fits(bytes, r.left) {
			return false
		}
		r.left -= bytes - mapped
	}
	r.did(bytes)
	return true
}

// matrix repacks a weight and lets go of the file's pages, or leaves it in the file.
func (r *reader) matrix(name string) *kernels.Matrix {
	t, ok := r.tensor(name)
	if !ok {
		return nil
	}
	var m *kernels.Matrix
	if r.repack.fits(int64(len(t.Data)), r.left) {
		r.left -= int64(len(t.Data))
		m, r.err = kernels.Pack(r.ctx, t.Type, t.Rows, t.Cols, t.Data, r.pool)
		r.ck.Drop(t)
	} else {
		m, r.err = kernels.Map(t.Type, t.Rows, t.Cols, t.Data)
	}
	if r.err != nil {
		r.err = fmt.Errorf("qwen2: tensor %s: %w", name, r.err)
		return nil
	}
	r.did(int64(len(t.Data)))
	return m
}

// vector widens a norm's weight or a bias.
func (r *reader) vector(name string) []float32 {
	t, ok := r.tensor(name)
	if !ok {
		return nil
	}
	v := make([]float32, t.Rows*t.Cols)
	if err := quant.Dequantize(t.Type, v, t.Data); err != nil {
		r.err = fmt.Errorf("qwen2: tensor %s: %w", name, err)
	}
	r.did(int64(len(t.Data)))
	return v
}

func (r *reader) layer(n int) *layer {
	name := func(s string) string { return fmt.Sprintf("blk.%d.%s", n, s) }
	l := &layer{
		attnNorm: r.vector(name("attn_norm.weight")),
		ffnNorm:  r.vector(name("ffn_norm.weight")),
		qBias:    r.vector(name("attn_q.bias")),
		kBias:    r.vector(name("attn_k.bias")),
		vBias:    r.vector(name("attn_v.bias")),
		q:        r.matrix(name("attn_q.weight")),
		k:        r.matrix(name("attn_k.weight")),
		v:        r.matrix(name("attn_v.weight")),
		o:        r.matrix(name("attn_output.weight")),
		gate:     r.matrix(name("ffn_gate.weight")),
		up:       r.matrix(name("ffn_up.weight")),
		down:     r.matrix(name("ffn_down.weight")),
	}
	l.refs.Store(1)
	return l
}

func (r *reader) outputs() *outputs {
	o := &outputs{norm: r.vector("output_norm.weight"), head: r.matrix("output.weight")}
	o.refs.Store(1)
	return o
}
