package checkpoint

import (
	"errors"
	"fmt"

	"github.com/stagecoach-llm/stagecoach/shard/gguf"
)

// openGGUF maps and reads a GGUF file or all parts of a split one.
func (c *Checkpoint) openGGUF(path string) error {
	f, err := gguf.Open(path, func(p string) ([]byte, error) {
		m, err := c.mapOne(p)
		if err != nil {
			return nil, err
		}
		return m.data, nil
	})
	if errors.Is(err, gguf.ErrNotGGUF) {
		return fmt.Errorf("%s: %w (want a .gguf file or a Hugging Face folder)", path, err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := c.fromGGUF(f, c.files); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// fromGGUF fills the checkpoint from a parsed file whose tensors lie in files (none for OpenBytes).
func (c *Checkpoint) fromGGUF(f *gguf.File, files []*mapping) error {
	if err := checkGGUFKind(f); err != nil {
		return err
	}
	if len(f.Tensors) == 0 {
		return errors.New("the file has no tensors, only a vocabulary")
	}
	if err := c.addGGUFTensors(f, files); err != nil {
		return err
	}
	card, err := ggufCard(f)
	if err != nil {
		return err
	}
	c.card = *card
	if err := c.card.Config.Check(); err != nil {
		return err
	}
	if err := checkTensors(&c.card.Config, c.tensors); err != nil {
		return err
	}
	return c.fillIn()
}

func (c *Checkpoint) addGGUFTensors(f *gguf.File, files []*mapping) error {
	for i := range f.Tensors {
		t := &f.Tensors[i]
		if err := checkType(t.Type); err != nil {
			return fmt.Errorf("tensor %s: %w", t.Name, err)
		}
		e := entry{file: -1, offset: t.Offset, vector: len(t.Dims) == 1}
		e.Name, e.Type, e.Data = t.Name, t.Type, t.Data
		e.Cols, e.Rows = int(t.Dims[0]), 1
		for _, d := range t.Dims[1:] {
			e.Rows *= int(d) // Parse has checked the product
		}
		for n, m := range files {
			if m.holds(t.Data, t.Offset) {
				e.file = n
			}
		}
		c.tensors[e.Name] = e
	}
	return nil
}

// holds tells whether data is m's content at offset (the same memory, not equal bytes).
func (m *mapping) holds(data []byte, offset int64) bool {
	return offset < int64(len(m.data)) && len(data) > 0 && &m.data[offset] == &data[0]
}
