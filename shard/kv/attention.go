package kv

import "github.com/stagecoach-llm/stagecoach/shard/kernels"

// chunk is how many absolute positions share a softmax tile. Chunks begin at multiples of it, whatever the step, so
// the sums are the same for every way to reach a position.
const chunk = 256

// Scratch is one goroutine's memory for Attend.
type Scratch struct {
	scores             []float32 // [heads of a kv head][chunk]
	mix                []float32 // [heads][tiles*16]: the chunk's output
	out                []float32 // [heads][tiles*16]: what the chunks so far gave
	max                []float32 // [heads]: of the chunks so far
	sum                []float32
	chunkMax, chunkSum []float32
}

// NewScratch makes scratch for heads query heads to a kv head.
func NewScratch(s Shape, heads int) *Scratch {
	w := s.tiles() * 16
	return &Scratch{
		scores:   make([]float32, heads*chunk),
		mix:      make([]float32, heads*w),
		out:      make([]float32, heads*w),
		max:      make([]float32, heads),
		sum:      make([]float32, heads),
		chunkMax: make([]float32, heads),
		chunkSum: make([]float32, heads),
	}
}

// Attend computes the query heads of one kv head at a position: q and out [heads, headDim], table the sequence's
// blocks. Positions 0..pos must be stored.
//
//	s_p = (Σ_d q_d·k_p,d)·scale,  out = Σ_p exp(s_p - max)·v_p / Σ_p exp(s_p - max)
//
// in chunks of 256 positions, merged ascending (Milakov and Gimelshein, arXiv 1805.02867).
func (c *Cache) Attend(w *Scratch, layer int, table []int32, pos, head int, scale float32, q, out []float32) {
	d := c.shape.HeadDim
	heads := len(q) / d
	for from := 0; from <= pos; from += chunk {
		n := min(chunk, pos+1-from)
		blocks := table[from/BlockTokens : (from+n+BlockTokens-1)/BlockTokens]
		c.score(w, layer, blocks, head, heads, q)
		c.mixChunk(w, layer, blocks, head, heads, n, scale, from == 0)
	}
	width := c.shape.tiles() * 16
	for h := range heads {
		kernels.Divide(out[h*d:(h+1)*d], w.out[h*width:], w.sum[h])
	}
}

// score fills the chunk's scores, whole blocks: slots beyond the position are never read.
func (c *Cache) score(w *Scratch, layer int, blocks []int32, head, heads int, q []float32) {
	d := c.shape.HeadDim
	clear(w.scores)
	for b, block := range blocks {
		key, _ := c.head(layer, block, head)
		s := w.scores[b*BlockTokens:]
		if c.typ == F32 {
			kernels.MixFloat(s, chunk, q, d, heads, c.float[key:key+c.shape.keyElems()], d, 1)
		} else {
			kernels.MixHalf(s, chunk, q, d, heads, c.half[key:key+c.shape.keyElems()], d, 1)
		}
	}
}

// mixChunk turns the chunk's scores into its output and merges that.
func (c *Cache) mixChunk(w *Scratch, layer int, blocks []int32, head, heads, n int, scale float32, first bool) {
	width := c.shape.tiles() * 16
	m, l := w.chunkMax, w.chunkSum
	for h := range heads {
		s := w.scores[h*chunk:][:n]
		kernels.ScaleInPlace(s, scale)
		m[h], l[h] = kernels.SoftmaxTile(s)
	}
	c.values(w, layer, blocks, head, heads, n)
	for h := range heads {
		o, oc := w.out[h*width:(h+1)*width], w.mix[h*width:(h+1)*width]
		if first {
			copy(o, oc)
			w.max[h], w.sum[h] = m[h], l[h]
		} else {
			w.max[h], w.sum[h] = kernels.Merge(o, w.max[h], w.sum[h], oc, m[h], l[h])
		}
	}
}

// values is the chunk's output before division: a chain by position from zero.
func (c *Cache) values(w *Scratch, layer int, blocks []int32, head, heads, n int) {
	tiles := c.shape.tiles()
	clear(w.mix)
	for b, block := range blocks {
		_, value := c.head(layer, block, head)
		steps := min(BlockTokens, n-b*BlockTokens)
		p := w.scores[b*BlockTokens:]
		if c.typ == F32 {
			kernels.MixFloat(w.mix, tiles*16, p, chunk, heads, c.float[value:value+c.shape.valueElems()], steps, tiles)
		} else {
			kernels.MixHalf(w.mix, tiles*16, p, chunk, heads, c.half[value:value+c.shape.valueElems()], steps, tiles)
		}
	}
}
