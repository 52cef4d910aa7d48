package checkpoint

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"

	"github.com/stagecoach-llm/stagecoach/shard/tokenizer"
)

// sampleBytes of each sampled weight go into the ID: two fine-tunes of one model have equal headers.
const sampleBytes = 256

// fillIn completes the card from the checked tensors: sizes and ID.
func (c *Checkpoint) fillIn() error {
	size := func(name string) int64 { return int64(len(c.tensors[name].Data)) }
	cfg := &c.card.Config
	c.card.LayerBytes = make([]int64, cfg.Layers)
	for n := range cfg.Layers {
		for _, w := range cfg.layerTensors(n) {
			c.card.LayerBytes[n] += size(w.Name)
		}
	}
	c.card.EmbedBytes = size(embedding)
	c.card.HeadBytes = size(finalNorm) + size(head)
	if cfg.Tied {
		c.card.HeadBytes += size(embedding)
	}
	id, err := c.id()
	c.card.ID = id
	return err
}

// id hashes configuration, tokenizer, templates, tensor table and a sample of the weights of a few tensors.
func (c *Checkpoint) id() (string, error) {
	h := sha256.New()
	small, err := json.Marshal([]any{c.card.Config, c.card.Template, c.card.Templates})
	if err != nil {
		return "", fmt.Errorf("hashing the configuration: %w", err)
	}
	h.Write(small)
	hashTokenizer(h, &c.card.Tokenizer)
	for _, w := range c.card.Config.Shapes() {
		e := c.tensors[w.Name]
		fmt.Fprintf(h, "%s %v %d %d %d\n", w.Name, e.Type, e.Rows, e.Cols, len(e.Data))
	}
	layers := c.card.Config.Layers
	for _, name := range []string{"blk.0.attn_q.weight", fmt.Sprintf("blk.%d.ffn_down.weight", layers/2), finalNorm} {
		sample(h, c.tensors[name].Data)
	}
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}

// hashTokenizer hashes every field, piece by piece: a shard has no use for megabytes of JSON.
func hashTokenizer(h hash.Hash, s *tokenizer.Spec) {
	fmt.Fprintf(h, "%d %d %q %d %d %v %d\n", len(s.Tokens), len(s.Merges), s.Pre, s.EOS, s.BOS, s.AddBOS, s.Pad)
	var b []byte
	add := func(text string) {
		b = append(binary.AppendUvarint(b[:0], uint64(len(text))), text...)
		h.Write(b)
	}
	for _, text := range s.Tokens {
		add(text)
	}
	for _, kind := range s.Kinds {
		h.Write(append(b[:0], byte(kind)))
	}
	for _, m := range s.Merges {
		add(m[0])
		add(m[1])
	}
}

// sample hashes bytes from the middle, which is a single page.
func sample(h hash.Hash, data []byte) {
	mid := len(data) / 2
	h.Write(data[mid:min(mid+sampleBytes, len(data))])
}
