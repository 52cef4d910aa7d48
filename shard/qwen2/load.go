package qwen2

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/stagecoach-llm/stagecoach/shard/checkpoint"
	"github.com/stagecoach-llm/stagecoach/shard/kernels"
	"github.com/stagecoach-llm/stagecoach/shard/kv"
	"github.com/stagecoach-llm/stagecoach/shard/quant"
)

// Span is what a Model holds of a model: layers First..Last-1, and what lies at the ends.
type Span struct {
	First, Last int // layers [First, Last)
	Embed       bool
	Head        bool // final norm and head
}

func (s Span) check(layers int) error {
	if s.First < 0 || s.Last < s.First || s.Last > layers {
		return fmt.Errorf("qwen2: layers %d to %d of a model that has %d", s.First, s.Last, layers)
	}
	return nil
}

// Options are how a Model runs.
type Options struct {
	Pool     *kernels.Pool // threads; required
	KVType   kv.Type
	KVBlocks int // blocks of 16 positions

	Repack Repack
	// WeightMemory is how many bytes of the file's weights are repacked under RepackAuto; 0 is no limit. Placement
	// counts by the file too: a plan that fits is repacked whole.
	WeightMemory int64

	// Progress, if set, hears after each weight how many bytes of the file's weights are loaded, of how many.
	Progress func(done, total int64)

	// Share, if set, is a Model of the same checkpoint whose loaded weights this one uses too, as when layers move
	// between shards. Both may be closed in any order. Only weights are shared, never keys and values.
	Share *Model
}

// Load reads and repacks the weights of a span and reserves its cache. On an error, ctx's end included, nothing
// stays allocated.
func Load(ctx context.Context, ck *checkpoint.Checkpoint, span Span, o Options) (*Model, error) {
	cfg := ck.Card().Config
	if err := span.check(cfg.Layers); err != nil {
		return nil, err
	}
	if o.Pool == nil {
		return nil, errors.New("qwen2: no pool to compute with")
	}
	if o.Share != nil && o.Share.ck != ck {
		o.Share = nil // other bytes, whatever their id
	}
	m := &Model{cfg: cfg, ck: ck, span: span, pool: o.Pool, scale: float32(1 / math.Sqrt(float64(cfg.HeadDim)))}
	err := m.weights(ctx, &o)
	if err == nil {
		err = m.reserve(&o)
	}
	if err != nil {
		m.Close()
		return nil, err
	}
	m.prepare()
	return m, nil
}

// weights takes what Share has and reads the rest.
func (m *Model) weights(ctx context.Context, o *Options) error {
	var done int64
	total := m.fileBytes()
	r := &reader{ctx: ctx, ck: m.ck, pool: m.pool, repack: o.Repack, left: o.WeightMemory}
	if r.left == 0 {
		r.left = math.MaxInt64
	}
	r.did = func(n int64) {
		done += n
		if o.Progress != nil {
			o.Progress(done, total)
		}
	}
	r.left -= m.repackedBytes(o.Share)
	card := m.ck.Card()
	for n := m.span.First; n < m.span.Last; n++ {
		l := o.Share.layer(n)
		if l != nil && r.share(card.LayerBytes[n], l.matrices()...) {
			l.refs.Add(1)
		} else {
			l = r.layer(n)
		}
		m.layers = append(m.layers, l)
	}
	if m.span.Head && r.err == nil {
		if o.Share != nil && o.Share.out != nil && r.share(card.HeadBytes, o.Share.out.head) {
			m.out = o.Share.out
			m.out.refs.Add(1)
		} else {
			m.out = r.outputs()
		}
	}
	if m.span.Embed && r.err == nil {
		m.embedding, r.err = m.ck.Tensor("token_embd.weight")
	}
	return r.err
}

// repackedBytes is how much of the span's weights, by the file's bytes, another Model holds repacked: it is taken, and takes memory,
// whichever layers are read before it.
func (m *Model) repackedBytes(other *Model) int64 {
	var n int64
	card := m.ck.Card()
	for i := m.span.First; i < m.span.Last; i++ {
		if l := other.layer(i); l != nil && mappedBytes(l.matrices()...) == 0 {
			n += card.LayerBytes[i]
		}
	}
	if m.span.Head && other != nil && other.out != nil && mappedBytes(other.out.head) == 0 {
		n += card.HeadBytes
	}
	return n
}

// fileBytes is the size of the span's weights in the file, the embedding's left out: it is read as needed.
func (m *Model) fileBytes() int64 {
	var n int64
	card := m.ck.Card()
	for _, b := range card.LayerBytes[m.span.First:m.span.Last] {
		n += b
	}
	if m.span.Head {
		n += card.HeadBytes
	}
	return n
}

// layer is a Model's layer n of the whole model, nil if it has none.
func (m *Model) layer(n int) *layer {
	if m == nil || n < m.span.First || n >= m.span.First+len(m.layers) {
		return nil
	}
	return m.layers[n-m.span.First]
}

func (m *Model) reserve(o *Options) error {
	c, err := kv.New(shape(&m.cfg, len(m.layers)), o.KVType, o.KVBlocks)
	m.cache = c
	return err
}

func shape(cfg *checkpoint.Config, layers int) kv.Shape {
	return kv.Shape{Layers: layers, KVHeads: cfg.KVHeads, HeadDim: cfg.HeadDim}
}

// EstimateKVBytesPerBlock is the memory of one block of 16 positions for a number of layers.
func EstimateKVBytesPerBlock(cfg checkpoint.Config, layers int, t kv.Type) int64 {
	return shape(&cfg, layers).BlockBytes(t)
}

func newRope(cfg *checkpoint.Config) *kernels.Rope {
	y := cfg.Yarn
	if y == nil {
		return kernels.NewRope(cfg.HeadDim, cfg.RopeTheta, nil)
	}
	return kernels.NewRope(cfg.HeadDim, cfg.RopeTheta, &kernels.Yarn{
		Factor: y.Factor, OriginalContext: float64(y.OriginalContext),
		BetaFast: y.BetaFast, BetaSlow: y.BetaSlow, AttnFactor: y.AttnFactor,
	})
}

// Embed writes the embeddings of tokens to x [len(tokens), hidden]. It fails for an id outside the vocabulary and
// where the span has no embedding.
func (m *Model) Embed(tokens []int32, x []float32) error {
	h := m.cfg.Hidden
	if !m.span.Embed {
		return fmt.Errorf("qwen2: layers %d to %d have no embedding", m.span.First, m.span.Last)
	}
	if len(x) < len(tokens)*h {
		return fmt.Errorf("qwen2: room for %d elements, want %d tokens of %d", len(x), len(tokens), h)
	}
	for i, id := range tokens {
		if id < 0 || int(id) >= m.cfg.Vocab {
			return fmt.Errorf("qwen2: token id %d is outside the vocabulary of %d", id, m.cfg.Vocab)
		}
		if err := m.embed(int(id), x[i*h:(i+1)*h]); err != nil {
			return err
		}
	}
	return nil
}

// embed reads one row: of a tied head's repacked copy where that is loaded, so that the file's pages stay away,
// else of the file.
func (m *Model) embed(id int, x []float32) error {
	if m.cfg.Tied && m.out != nil {
		m.out.head.Row(id, x)
		return nil
	}
	n := len(m.embedding.Data) / m.embedding.Rows
	return quant.Dequantize(m.embedding.Type, x, m.embedding.Data[id*n:(id+1)*n])
}
