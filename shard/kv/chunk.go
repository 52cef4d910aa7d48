package kv

import "github.com/stagecoach-llm/stagecoach/shard/kernels"

// partial is the attention of some queries over some chunks, before division.
type partial struct {
	width    int
	out      []float32 // [queries, width]
	max, sum []float32 // [queries]
}

// newPartial divides memory of queries*(width+2) elements.
func newPartial(x []float32, queries, width int) partial {
	n := queries * width
	return partial{width: width, out: x[:n], max: x[n : n+queries], sum: x[n+queries:]}
}

// cut is n queries from one on.
func (p partial) cut(first, n int) partial {
	return partial{p.width, p.out[first*p.width : (first+n)*p.width], p.max[first : first+n], p.sum[first : first+n]}
}

// merge adds the next chunk.
func (p partial) merge(next partial) {
	kernels.Merge(p.out, p.width, p.max, p.sum, next.out, next.max, next.sum)
}

// scoreStride is the distance between two queries' scores. A multiple of a large power of two would have them compete
// for the same lines of the first cache.
const scoreStride = chunk + 16

// scratch is one worker's memory.
type scratch struct {
	queries   []float32 // [queries of a tile, headDim]
	scores    []float32 // [queries at once, scoreStride], then their exponentials
	keys      []float32 // [blocks][headDim][16 positions] of the chunk
	values    []float32 // [tiles][chunk][16 elements]
	blocks    []*uint16 // of the chunk, where a single row reads them
	sum, next partial
}

func newScratch(s Shape, queries, atOnce int) *scratch {
	memory := func() partial { return newPartial(make([]float32, queries*(s.width()+2)), queries, s.width()) }
	return &scratch{
		queries: make([]float32, queries*s.HeadDim),
		scores:  make([]float32, atOnce*scoreStride),
		keys:    make([]float32, chunk*s.HeadDim),
		values:  make([]float32, s.width()/16*s.valueStride()),
		sum:     memory(),
		next:    memory(),
		blocks:  make([]*uint16, 0, chunk/BlockTokens+2),
	}
}

// width is a head's elements, padded for the kernels.
func (s Shape) width() int { return (s.HeadDim + 31) &^ 31 }

// valueStride is the distance between two tiles of a chunk's values.
func (s Shape) valueStride() int { return 16*chunk + 16 }

// chunk computes chunk c of a tile, some rows at a time, whose scores stay in the first cache. Meanwhile the next chunk
// is fetched, a block with each of the products.
func (a *Attention) chunk(s *scratch, t *tile, head, c int, q []float32, to partial) {
	from := c * chunk
	end := min(t.end(), from+chunk)
	if t.rows == 1 && a.direct {
		a.decode(s, t, head, from, end-from, q, to)
		return
	}
	a.cache.widen(s, a.layer, t.blocks[from/BlockTokens:(end+BlockTokens-1)/BlockTokens], head)
	k := product{a: a, s: s, head: head, next: t.blocks[min((from+chunk)/BlockTokens, len(t.blocks)):]}
	for r := 0; r < t.rows; r += a.atOnce {
		rows := min(a.atOnce, t.rows-r)
		first, n := r*a.group, rows*a.group
		k.rows(t.pos+r-from, rows, q[first*a.cache.shape.HeadDim:], to.cut(first, n))
	}
}

// product is the work on a chunk.
type product struct {
	a    *Attention
	s    *scratch
	head int
	next []int32 // blocks to fetch
}

// rows computes some rows, of which the first is at position pos of the chunk or behind it.
func (k *product) rows(pos, rows int, q []float32, to partial) {
	a, s, shape, queries := k.a, k.s, &k.a.cache.shape, rows*k.a.group
	n := min(pos+rows, chunk) // positions that the last row sees
	tiles := (n + 31) / 32 * 2
	kernels.MulTiles(s.scores, scoreStride, q, shape.HeadDim, queries, s.keys, 16*shape.HeadDim, shape.HeadDim, tiles, a.scale, k.fetch())
	if pos+1 >= chunk {
		kernels.Softmax(s.scores, scoreStride, chunk, chunk, to.max, to.sum)
	} else {
		for r := range rows { // each sees one position more; what it does not see weighs nothing
			h := r * a.group
			kernels.Softmax(s.scores[h*scoreStride:], scoreStride, pos+r+1, (n+15)&^15, to.max[h:h+a.group], to.sum[h:h+a.group])
		}
	}
	kernels.MulTiles(to.out, to.width, s.scores, scoreStride, queries, s.values, shape.valueStride(), n, to.width/16, 1, k.fetch())
}

// fetch is a block of the next chunk.
func (k *product) fetch() []byte {
	if len(k.next) == 0 {
		return nil
	}
	block := k.next[0]
	k.next = k.next[1:]
	return k.a.cache.bytes(k.a.layer, block, k.head)
}

// decode computes a single row's chunk of n positions at from. Its few queries would not repay widening the keys and
// values beforehand.
func (a *Attention) decode(s *scratch, t *tile, head, from, n int, q []float32, to partial) {
	first, count := from/BlockTokens, (n+BlockTokens-1)/BlockTokens
	last := (t.end() - 1) / BlockTokens
	s.blocks = s.blocks[:0]
	for b := range (count+1)&^1 + 2 { // whole pairs, and one more to prefetch: what comes next, or any
		key, _ := a.cache.head(a.layer, t.blocks[min(first+b, last)], head)
		s.blocks = append(s.blocks, &a.cache.half[key])
	}
	d := a.cache.shape.HeadDim
	kernels.Scores(s.scores, scoreStride, q, a.group, d, s.blocks, a.scale)
	kernels.Softmax(s.scores, scoreStride, n, (n+15)&^15, to.max, to.sum)
	kernels.Values(to.out, s.scores, scoreStride, a.group, d, s.blocks, n)
}
