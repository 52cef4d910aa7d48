package place

import (
	"errors"
	"fmt"

	"github.com/stagecoach-llm/stagecoach/shard/checkpoint"
)

// BlockTokens is the number of positions in one KV block.
const BlockTokens = 16

// Model is what placing needs to know of a model. Ops are multiply-adds.
type Model struct {
	LayerBytes []int64   // weights of each layer
	LayerOps   []float64 // per layer and row, attention excluded

	EmbedBytes    int64 // the embedding table, held by the first stage
	EmbedRowBytes int64 // read of it for each row

	HeadBytes int64   // output norm and head, held and read by the last stage
	HeadOps   float64 // per row

	KVBlockBytes int64   // one block in one layer: K and V of BlockTokens positions
	AttentionOps float64 // per layer, row and position attended to

	ScratchBytes int64 // activations and buffers of one stage
}

// FromCard derives the sizes from a checkpoint. kvElementBytes is 2 for f16 and 4 for f32; maxRows is the
// largest chunk of rows that a stage is given, which sizes its scratch.
func FromCard(c *checkpoint.Card, kvElementBytes, maxRows int) Model {
	cfg := c.Config
	q, kv := float64(cfg.Heads*cfg.HeadDim), float64(cfg.KVHeads*cfg.HeadDim)
	hidden, ffn := float64(cfg.Hidden), float64(cfg.FFN)
	m := Model{
		LayerBytes:   c.LayerBytes,
		LayerOps:     make([]float64, len(c.LayerBytes)),
		EmbedBytes:   c.EmbedBytes,
		HeadBytes:    c.HeadBytes,
		HeadOps:      hidden * float64(cfg.Vocab),
		KVBlockBytes: int64(2 * cfg.KVHeads * cfg.HeadDim * BlockTokens * kvElementBytes),
		AttentionOps: 2 * q,
		ScratchBytes: scratchBytes(cfg, maxRows),
	}
	for i := range m.LayerOps {
		m.LayerOps[i] = hidden*(q+2*kv) + q*hidden + 3*hidden*ffn
	}
	if cfg.Vocab > 0 {
		m.EmbedRowBytes = c.EmbedBytes / int64(cfg.Vocab)
	}
	return m
}

// scratchBytes is f32 activations for maxRows rows (residual, normed input, q, k, v, attention output, gate, up), the
// received and the sent frame, logits of a few sampled rows, and 16 MiB for the process around them.
func scratchBytes(c checkpoint.Config, maxRows int) int64 {
	perRow := 5*c.Hidden + 2*c.Heads*c.HeadDim + 2*c.KVHeads*c.HeadDim + 2*c.FFN
	return int64(maxRows)*int64(perRow)*4 + 8*int64(c.Vocab)*4 + 16<<20
}

// Layers is the number of layers.
func (m Model) Layers() int { return len(m.LayerBytes) }

// WeightBytes is the whole model's weights.
func (m Model) WeightBytes() int64 {
	sum := m.EmbedBytes + m.HeadBytes
	for _, b := range m.LayerBytes {
		sum += b
	}
	return sum
}

// Check refuses sizes that no model has.
func (m Model) Check() error {
	if m.Layers() == 0 {
		return errors.New("place: the model has no layers")
	}
	if m.Layers() > maxLayers {
		return fmt.Errorf("place: the model has %d layers, at most %d are served", m.Layers(), maxLayers)
	}
	if len(m.LayerOps) != m.Layers() {
		return fmt.Errorf("place: %d layers have sizes, %d have operation counts", m.Layers(), len(m.LayerOps))
	}
	for i := range m.LayerBytes {
		if m.LayerBytes[i] < 0 || m.LayerOps[i] < 0 {
			return fmt.Errorf("place: layer %d has a negative size", i)
		}
	}
	if m.EmbedBytes < 0 || m.EmbedRowBytes < 0 || m.HeadBytes < 0 || m.HeadOps < 0 ||
		m.KVBlockBytes < 0 || m.AttentionOps < 0 || m.ScratchBytes < 0 {
		return errors.New("place: the model has a negative size")
	}
	return m.checkTotal()
}

// Bounds of a model. With them no sum or product of sizes overflows, and a placement takes a second at most.
const (
	maxLayers       = 256
	maxBytes        = 1 << 50
	maxKVBlockBytes = 1 << 30
)

func (m Model) checkTotal() error {
	if m.KVBlockBytes > maxKVBlockBytes {
		return fmt.Errorf("place: a KV block of %d bytes in each layer; its size must be wrong", m.KVBlockBytes)
	}
	left := int64(maxBytes)
	for _, b := range append([]int64{m.EmbedBytes, m.HeadBytes, m.ScratchBytes}, m.LayerBytes...) {
		if left -= min(b, maxBytes); left < 0 {
			return errors.New("place: the model is larger than a pebibyte; its sizes must be wrong")
		}
	}
	return nil
}
