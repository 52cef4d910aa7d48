package qwen2

import (
	"errors"
	"fmt"

	"github.com/stagecoach-llm/stagecoach/shard/kernels"
	"github.com/stagecoach-llm/stagecoach/shard/kv"
)

// Seq is a sequence's share of a batch: Rows consecutive rows of x at positions Pos, Pos+1, …
type Seq struct {
	Rows, Pos int
	Blocks    []int32 // block table: position p lies in Blocks[p/16]; covers every position up to the last row's
}

// The errors of a sequence that Layers fails.
var (
	// ErrNotFinite is returned when a number became Inf or NaN: the weights or the prompt drive the model out of range.
	ErrNotFinite = errors.New("qwen2: a number is not finite")
	// ErrKVOverflow is returned when a key or value exceeds what the cache's type can hold.
	ErrKVOverflow = errors.New("qwen2: a key or value does not fit the cache (serve with --kv f32)")
)

// fault is why a row failed.
type fault uint8

const (
	sound fault = iota
	notFinite
	overflow
)

// row is a row's place: its sequence and position.
type row struct {
	seq   int // -1 where the sequence had failed before: the row has no place in the cache
	pos   int
	fault fault
}

// step is the working memory of a batch, grown once and kept. Its functions run on the pool's threads, row by row
// or head by head; layer and index say where in the span the batch is.
type step struct {
	m     *Model
	x     []float32 // [rows, hidden]
	seqs  []Seq
	rows  []row
	layer *layer
	index int

	products *kernels.Products
	gated    *kernels.Gated
	normed   kernels.Acts // [rows, hidden]: RMSNorm's output
	attended kernels.Acts // [rows, heads*headDim]
	mixed    kernels.Acts // [rows, ffn]
	q        []float32    // [rows, heads*headDim]
	k, v     []float32    // [rows, kvHeads*headDim]
	delta    []float32    // [rows, hidden]: what attention or feed-forward add to x
	cos, sin []float32    // [rows, headDim/2]
	heads    *kv.Attention

	attnNorm, ffnNorm, positions, place, seal, close func(r int)
	attendedRow                                      func(r int) []float32

	row     func(r int) // of the running loop over rows
	unit    int         // rows that a worker takes at once
	rowLoop func(worker, i int)
}

func (s *step) init(m *Model) {
	s.m = m
	s.products = kernels.NewProducts(m.pool)
	s.gated = kernels.NewGated(s.products)
	s.heads = kv.NewAttention(m.cache, m.pool, m.cfg.Heads, m.scale)
	s.attendedRow = s.attended.Row
	s.attnNorm = func(r int) {
		if s.index > 0 {
			s.residual(r)
		}
		s.norm(r, s.layer.attnNorm)
	}
	s.ffnNorm = func(r int) { s.residual(r); s.norm(r, s.layer.ffnNorm) }
	s.positions = s.table
	s.place = s.placeRow
	s.seal = s.sealAttended
	s.close = s.closeRow
	s.rowLoop = s.someRows
}

// begin takes a batch in and sizes everything for it.
func (s *step) begin(x []float32, seqs []Seq, failed []error) error {
	cfg := &s.m.cfg
	s.x, s.seqs, s.rows = x, seqs, s.rows[:0]
	s.heads.Reset()
	for i, q := range seqs {
		if failed[i] == nil {
			failed[i] = s.m.checkSeq(&q)
		}
		if failed[i] == nil {
			s.heads.Add(len(s.rows), q.Rows, q.Pos, q.Blocks)
		}
		for r := range q.Rows {
			at := row{seq: i, pos: q.Pos + r}
			if failed[i] != nil {
				at = row{seq: -1}
			}
			s.rows = append(s.rows, at)
		}
	}
	n := len(s.rows)
	if len(x) != n*cfg.Hidden {
		return fmt.Errorf("qwen2: %d elements of x for %d rows of %d", len(x), n, cfg.Hidden)
	}
	heads, kvHeads := n*cfg.Heads*cfg.HeadDim, n*cfg.KVHeads*cfg.HeadDim
	s.q, s.k, s.v = grow(s.q, heads), grow(s.k, kvHeads), grow(s.v, kvHeads)
	s.delta = grow(s.delta, n*cfg.Hidden)
	s.cos, s.sin = grow(s.cos, n*cfg.HeadDim/2), grow(s.sin, n*cfg.HeadDim/2)
	return nil
}

// checkSeq refuses a sequence whose rows the cache has no place for.
func (m *Model) checkSeq(q *Seq) error {
	end := q.Pos + q.Rows
	if q.Pos < 0 || q.Rows < 0 || end > maxPosition {
		return fmt.Errorf("qwen2: rows at positions %d to %d (want 0 to %d)", q.Pos, end, maxPosition)
	}
	n := (end + kv.BlockTokens - 1) / kv.BlockTokens
	if n > len(q.Blocks) {
		return fmt.Errorf("qwen2: %d blocks for %d positions, want %d", len(q.Blocks), end, n)
	}
	for _, b := range q.Blocks[:n] {
		if !m.cache.Holds(b) {
			return fmt.Errorf("qwen2: block %d of a cache of %d", b, m.cache.Blocks())
		}
	}
	return nil
}

// maxPosition bounds positions: rope's angles are exact enough below it.
const maxPosition = 1 << 20

// collect turns rows' faults into their sequences' errors.
func (s *step) collect(failed []error) {
	for _, r := range s.rows {
		if r.fault != sound && r.seq >= 0 && failed[r.seq] == nil {
			failed[r.seq] = r.fault.err(r.pos)
		}
	}
}

func (f fault) err(pos int) error {
	if f == overflow {
		return fmt.Errorf("%w, at position %d", ErrKVOverflow, pos)
	}
	return fmt.Errorf("%w, at position %d", ErrNotFinite, pos)
}

func (s *step) fail(r int, f fault) {
	if s.rows[r].fault == sound {
		s.rows[r].fault = f
	}
}

func grow(x []float32, n int) []float32 {
	if cap(x) < n {
		return make([]float32, n)
	}
	return x[:n]
}
