package kv

import (
	"sync/atomic"

	"github.com/stagecoach-llm/stagecoach/shard/kernels"
)

// chunk is how many absolute positions share a softmax. Chunks begin at multiples of it, whatever the step, so the sums
// are the same for every way to reach a position.
const chunk = 256

// Attention computes the attention of steps over a cache:
//
//	s_p = (Σ_d q_d·k_p,d)·scale,  out = Σ_p exp(s_p - max)·v_p / Σ_p exp(s_p - max)
//
// in chunks of 256 positions, merged ascending (Milakov and Gimelshein, arXiv 1805.02867). Rows of a sequence at
// neighbouring positions, and the query heads of a kv head, share each reading of the keys and values.
//
// A step is Reset, Add for each sequence, and Run for each layer.
type Attention struct {
	cache  *Cache
	pool   *kernels.Pool
	group  int // query heads to a kv head
	scale  float32
	most   int  // rows of a tile
	atOnce int  // rows whose scores are computed together
	direct bool // single rows read the cache as it is

	spans   []tile // of the sequences
	tiles   []tile
	tasks   []task
	left    []atomic.Int32 // chunks to compute, by tile and kv head; of split tiles only
	parts   []float32      // the chunks of split tiles
	scratch []*scratch     // by worker

	layer int
	q     []float32
	out   func(row int) []float32
	run   func(worker, i int)
}

// tile is rows of one sequence at consecutive positions. Those that are computed together lie in one chunk.
type tile struct {
	row, rows, pos int
	blocks         []int32
	part           int // where a split tile's chunks begin in parts
	split          bool
}

// end is the number of positions that the tile's last row sees.
func (t *tile) end() int { return t.pos + t.rows }

// chunks is the number of chunks that hold them.
func (t *tile) chunks() int { return (t.end() + chunk - 1) / chunk }

// task is what a worker takes: a kv head of a tile, one chunk of it where the tile is split.
type task struct{ tile, head, chunk int }

// splitRows is the largest tile whose chunks are shared out. It is small where sequences are decoded: there are fewer
// tiles than threads then, and a chunk's result is small beside its keys and values.
const splitRows = 4

// A tile has at most about tileQueries queries, by which the cost of widening the keys and values is divided. Of these,
// kernelQueries are computed together: as many as the fastest kernel takes.
const (
	tileQueries   = 256
	kernelQueries = 14
)

// NewAttention is for heads query heads.
func NewAttention(c *Cache, pool *kernels.Pool, heads int, scale float32) *Attention {
	a := &Attention{cache: c, pool: pool, group: heads / c.shape.KVHeads, scale: scale, most: splitRows}
	for 2*a.most*a.group <= tileQueries && a.most < chunk {
		a.most *= 2 // a power of two divides chunk
	}
	a.direct = c.typ == F16 && kernels.DecodesHalves() && a.group <= kernels.DecodeQueries && c.shape.HeadDim%kernels.DecodeUnit == 0
	a.atOnce = max(1, kernelQueries/a.group)
	for range pool.Threads() {
		a.scratch = append(a.scratch, newScratch(c.shape, a.most*a.group, a.atOnce*a.group))
	}
	a.run = func(worker, i int) { a.task(a.scratch[worker], &a.tasks[i]) }
	return a
}

// Reset begins a step.
func (a *Attention) Reset() {
	a.spans, a.tiles, a.tasks = a.spans[:0], a.tiles[:0], a.tasks[:0]
}

// Add takes in a sequence's rows of the step, from row on, at positions from pos on. blocks is its block table, which
// must cover them.
func (a *Attention) Add(row, rows, pos int, blocks []int32) {
	if rows > 0 {
		blocks = blocks[:(pos+rows+BlockTokens-1)/BlockTokens] // what follows is not looked at
		a.spans = append(a.spans, tile{row: row, rows: rows, pos: pos, blocks: blocks})
	}
}

// Run computes a layer for all rows: q [rows, heads*headDim], and out(row) [heads*headDim] receives what a row attends
// to. Everything that the rows see must be stored.
func (a *Attention) Run(layer int, q []float32, out func(row int) []float32) {
	if len(a.tasks) == 0 {
		a.plan()
	}
	heads := a.cache.shape.KVHeads
	for i := range a.tiles {
		if t := &a.tiles[i]; t.split {
			for h := range heads {
				a.left[i*heads+h].Store(int32(t.chunks()))
			}
		}
	}
	a.layer, a.q, a.out = layer, q, out
	a.pool.Run(len(a.tasks), a.run)
}

// plan divides the step into tasks.
func (a *Attention) plan() {
	rows := a.tileRows()
	for i := range a.spans {
		for t := a.spans[i]; t.rows > 0; {
			next := t
			next.rows = min(t.rows, rows-t.pos%rows)
			next.split = next.rows <= splitRows && next.chunks() > 1
			a.tiles = append(a.tiles, next)
			t.row, t.rows, t.pos = t.row+next.rows, t.rows-next.rows, t.pos+next.rows
		}
	}
	if n := len(a.tiles) * a.cache.shape.KVHeads; cap(a.left) < n {
		a.left = make([]atomic.Int32, n)
	}
	a.left = a.left[:cap(a.left)]
	parts := 0
	for i := len(a.tiles) - 1; i >= 0; i-- { // the longest of each sequence first
		parts = a.addTasks(i, parts)
	}
	if cap(a.parts) < parts {
		a.parts = make([]float32, parts)
	}
	a.parts = a.parts[:parts]
}

// tileRows is how many rows a tile has: as many as it may, but fewer where threads would be left without.
func (a *Attention) tileRows() int {
	total := 0
	for i := range a.spans {
		total += a.spans[i].rows
	}
	rows := a.most
	for rows > splitRows && total*a.cache.shape.KVHeads < 4*rows*a.pool.Threads() {
		rows /= 2
	}
	return rows
}

// addTasks adds those of a tile, whose chunks' results begin at part, and returns where they end.
func (a *Attention) addTasks(i, part int) int {
	t := &a.tiles[i]
	t.part = part
	for h := range a.cache.shape.KVHeads {
		if !t.split {
			a.tasks = append(a.tasks, task{tile: i, head: h})
			continue
		}
		for c := range t.chunks() {
			a.tasks = append(a.tasks, task{i, h, c})
		}
		part += t.chunks() * a.partElems(t)
	}
	return part
}

// partElems is the size of a chunk's result: outputs, maxima and sums.
func (a *Attention) partElems(t *tile) int { return t.rows * a.group * (a.cache.shape.width() + 2) }

// part is a chunk of a split tile.
func (a *Attention) part(t *tile, head, c int) partial {
	n := a.partElems(t)
	at := t.part + (head*t.chunks()+c)*n
	return newPartial(a.parts[at:at+n], t.rows*a.group, a.cache.shape.width())
}

func (a *Attention) task(s *scratch, k *task) {
	t := &a.tiles[k.tile]
	q := a.queries(s, t, k.head)
	if !t.split {
		a.whole(s, t, k.head, q)
		return
	}
	a.chunk(s, t, k.head, k.chunk, q, a.part(t, k.head, k.chunk))
	if a.left[k.tile*a.cache.shape.KVHeads+k.head].Add(-1) > 0 {
		return
	}
	sum := a.part(t, k.head, 0) // the last to finish merges
	for c := 1; c < t.chunks(); c++ {
		sum.merge(a.part(t, k.head, c))
	}
	a.finish(t, k.head, sum)
}

// whole computes a tile chunk by chunk.
func (a *Attention) whole(s *scratch, t *tile, head int, q []float32) {
	n := t.rows * a.group
	sum, next := s.sum.cut(0, n), s.next.cut(0, n)
	a.chunk(s, t, head, 0, q, sum)
	for c := 1; c < t.chunks(); c++ {
		a.chunk(s, t, head, c, q, next)
		sum.merge(next)
	}
	a.finish(t, head, sum)
}

// queries gives a tile's queries of a kv head, [rows*group, headDim].
func (a *Attention) queries(s *scratch, t *tile, head int) []float32 {
	d := a.cache.shape.HeadDim
	n := a.group * d
	row := a.cache.shape.KVHeads * n
	for r := range t.rows {
		at := (t.row+r)*row + head*n
		if t.rows == 1 {
			return a.q[at : at+n]
		}
		copy(s.queries[r*n:], a.q[at:at+n])
	}
	return s.queries[:t.rows*n]
}

// finish divides by the sums.
func (a *Attention) finish(t *tile, head int, p partial) {
	d := a.cache.shape.HeadDim
	for r := range t.rows {
		out := a.out(t.row + r)[head*a.group*d:]
		for h := range a.group {
			i := r*a.group + h
			kernels.Divide(out[h*d:(h+1)*d], p.out[i*p.width:], p.sum[i])
		}
	}
}
