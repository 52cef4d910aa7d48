package qwen2

import (
	"fmt"

	"github.com/stagecoach-llm/stagecoach/shard/kernels"
	"github.com/stagecoach-llm/stagecoach/shard/kv"
)

// Layers takes x [rows, hidden] through the span's layers, in place. The rows are those of seqs, one after the
// other. failed [len(seqs)] receives why a sequence failed, nil where it did not (a sequence that comes with an
// error keeps it); the rows of a failed sequence mean nothing afterwards. progress, if not nil, hears the number of
// each layer as it begins. The error, which fails every sequence too, is for a batch that makes no sense.
func (m *Model) Layers(x []float32, seqs []Seq, failed []error, progress func(layer int)) error {
	if len(failed) != len(seqs) {
		return fmt.Errorf("qwen2: %d places for the errors of %d sequences", len(failed), len(seqs))
	}
	s := &m.step
	if err := s.begin(x, seqs, failed); err != nil {
		for i := range failed {
			failed[i] = err
		}
		return err
	}
	m.pool.Begin()
	if m.out == nil { // else Logits comes next, which workers that park would be late for
		defer m.pool.End()
	}
	s.each(s.positions)
	for i, l := range m.layers {
		if progress != nil {
			progress(m.span.First + i)
		}
		s.layer, s.index = l, i
		s.attention()
		s.feedForward()
	}
	if len(m.layers) > 0 {
		s.each(s.close)
	}
	s.collect(failed)
	return nil
}

// rowsAtOnce is how many rows a worker takes in loops over rows: handing out each alone would cost a tenth of the work.
const rowsAtOnce = 8

// each calls f for every row.
func (s *step) each(f func(r int)) {
	s.row, s.unit = f, max(1, min(rowsAtOnce, len(s.rows)/(4*s.m.pool.Threads())))
	s.m.pool.Run((len(s.rows)+s.unit-1)/s.unit, s.rowLoop)
}

func (s *step) someRows(_, i int) {
	for r := i * s.unit; r < min((i+1)*s.unit, len(s.rows)); r++ {
		s.row(r)
	}
}

// attention adds what the layer before left in delta to x, and leaves what attention adds there.
func (s *step) attention() {
	cfg, l, n := &s.m.cfg, s.layer, len(s.rows)
	width, kvWidth := cfg.Heads*cfg.HeadDim, cfg.KVHeads*cfg.HeadDim
	s.normed.Reset(n, cfg.Hidden, l.q.Quantised() || l.k.Quantised() || l.v.Quantised())
	s.each(s.attnNorm)
	s.products.Mul(&s.normed, kernels.Job{M: l.q, Y: s.q, Stride: width}, kernels.Job{M: l.k, Y: s.k, Stride: kvWidth},
		kernels.Job{M: l.v, Y: s.v, Stride: kvWidth})
	s.each(s.place)
	s.attended.Reset(n, width, l.o.Quantised())
	s.heads.Run(s.index, s.q, s.attendedRow)
	s.each(s.seal)
	s.products.Mul(&s.attended, kernels.Job{M: l.o, Y: s.delta, Stride: cfg.Hidden})
}

// feedForward does the same for the layer's second half.
func (s *step) feedForward() {
	cfg, l, n := &s.m.cfg, s.layer, len(s.rows)
	s.normed.Reset(n, cfg.Hidden, l.gate.Quantised() || l.up.Quantised())
	s.each(s.ffnNorm)
	s.mixed.Reset(n, cfg.FFN, l.down.Quantised())
	for _, r := range s.gated.Run(&s.normed, l.gate, l.up, &s.mixed) {
		s.fail(r, notFinite)
	}
	s.products.Mul(&s.mixed, kernels.Job{M: l.down, Y: s.delta, Stride: cfg.Hidden})
}

// table is row r's rotation.
func (s *step) table(r int) {
	n := s.m.cfg.HeadDim / 2
	s.m.rope.Table(s.rows[r].pos, s.cos[r*n:(r+1)*n], s.sin[r*n:(r+1)*n])
}

// norm takes row r of x into normed.
func (s *step) norm(r int, w []float32) {
	if !kernels.RMSNorm(s.normed.Row(r), s.rowX(r), w, s.m.cfg.Eps) {
		s.fail(r, notFinite)
		clear(s.normed.Row(r))
	}
	s.sealRow(&s.normed, r)
}

// sealAttended ends a row of attention; a row of a sequence that failed had none.
func (s *step) sealAttended(r int) {
	if s.rows[r].seq < 0 {
		clear(s.attended.Row(r))
	}
	s.sealRow(&s.attended, r)
}

func (s *step) sealRow(a *kernels.Acts, r int) {
	if !a.Seal(r) {
		s.fail(r, notFinite)
	}
}

// placeRow ends row r's query, key and value and keeps the latter two.
func (s *step) placeRow(r int) {
	cfg, at := &s.m.cfg, &s.rows[r]
	if at.seq < 0 {
		return
	}
	q, k, v := cut(s.q, r, cfg.Heads*cfg.HeadDim), cut(s.k, r, cfg.KVHeads*cfg.HeadDim), cut(s.v, r, cfg.KVHeads*cfg.HeadDim)
	kernels.Add(q, s.layer.qBias)
	kernels.Add(k, s.layer.kBias)
	kernels.Add(v, s.layer.vBias)
	s.rotate(r, q)
	s.rotate(r, k)
	block := s.seqs[at.seq].Blocks[at.pos/kv.BlockTokens]
	if !s.m.cache.Store(s.index, block, at.pos%kv.BlockTokens, k, v) {
		s.fail(r, overflow)
		clear(k)
		clear(v)
		s.m.cache.Store(s.index, block, at.pos%kv.BlockTokens, k, v) // rows of attention share what they read
	}
}

func (s *step) rotate(r int, heads []float32) {
	d := s.m.cfg.HeadDim
	cos, sin := cut(s.cos, r, d/2), cut(s.sin, r, d/2)
	for ; len(heads) > 0; heads = heads[d:] {
		kernels.Rotate(heads[:d], cos, sin)
	}
}

func (s *step) residual(r int) { kernels.Add(s.rowX(r), cut(s.delta, r, s.m.cfg.Hidden)) }

// closeRow ends row r, and fails it where no norm could take it, here and not in the next shard.
func (s *step) closeRow(r int) {
	s.residual(r)
	if !kernels.Normal(s.rowX(r)) {
		s.fail(r, notFinite)
	}
}

func (s *step) rowX(r int) []float32 { return cut(s.x, r, s.m.cfg.Hidden) }

// cut is part i of parts of n elements.
func cut(x []float32, i, n int) []float32 { return x[i*n : (i+1)*n : (i+1)*n] }

// Logits computes logits [len(rows), vocab] of some rows of x [.., hidden], as Layers left it: final norm, then the
// head. The whole padded vocabulary is there.
func (m *Model) Logits(x []float32, rows []int, logits []float32) error {
	h, n := m.cfg.Hidden, len(rows)
	if m.out == nil {
		return fmt.Errorf("qwen2: layers %d to %d have no head", m.span.First, m.span.Last)
	}
	if len(logits) < n*m.cfg.Vocab {
		return fmt.Errorf("qwen2: room for %d logits, want %d rows of %d", len(logits), n, m.cfg.Vocab)
	}
	s := &m.step
	s.normed.Reset(n, h, m.out.head.Quantised())
	for i, r := range rows {
		if r < 0 || (r+1)*h > len(x) {
			return fmt.Errorf("qwen2: logits of row %d of %d", r, len(x)/h)
		}
		if !kernels.RMSNorm(s.normed.Row(i), cut(x, r, h), m.out.norm, m.cfg.Eps) || !s.normed.Seal(i) {
			return fmt.Errorf("%w, in front of the head", ErrNotFinite)
		}
	}
	m.pool.Begin()
	defer m.pool.End()
	s.products.Mul(&s.normed, kernels.Job{M: m.out.head, Y: logits, Stride: m.cfg.Vocab})
	return nil
}
