//go:build amd64 && !purego

package kernels

// ahead is what later passes will read from memory or from a far cache. The kernels prefetch it, a piece a call: the
// next pair's codes, and a share of the activations of the next run of blocks.
type ahead struct {
	codes  [2][]byte
	r, end int // rows of activations
	b      int // and their block
}

// aheadBytes is what a call prefetches: six lines a block.
const aheadBytes = gemmBlocks * 6 * 64

// next is the place of a piece, or of something at hand where all have had their turn.
func (h *ahead) next(a *Acts, none *byte) *byte {
	for i, c := range h.codes {
		if len(c) > 0 {
			h.codes[i] = c[min(aheadBytes, len(c)):]
			return &c[0]
		}
	}
	if h.r < h.end {
		piece, width := a.from(h.r, h.b)
		h.r += width
		return piece
	}
	return none
}

// look finds out what comes after this pass.
func (w *workspace) look() {
	h := &w.ahead
	*h = ahead{}
	g, b := w.g+2*w.p+2, w.b
	if w.p+1 == w.pairs {
		if g, b = w.g, w.b+w.n; b == w.m.blocks {
			g, b = w.g+2*w.pairs, 0
		}
	}
	if g+2 <= w.m.Groups() {
		n := min(gemmBlocks, w.m.blocks-b) * w.m.fmt.blockBytes()
		for i := range h.codes {
			c, _ := w.m.group(g + i)
			h.codes[i] = c[b*w.m.fmt.blockBytes():][:n]
		}
	}
	if h.b = w.b + w.n; h.b < w.m.blocks {
		rows := w.end - w.r
		h.r, h.end = w.acts.cut(w.r+rows*w.p/w.pairs), w.acts.cut(w.r+rows*(w.p+1)/w.pairs)
	}
}
