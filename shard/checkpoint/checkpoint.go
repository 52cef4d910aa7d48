package checkpoint

import (
	"errors"
	"fmt"

	"github.com/stagecoach-llm/stagecoach/shard/quant"
)

// Tensor is one weight as the file holds it.
type Tensor struct {
	Name string
	Type quant.Type
	Rows int    // out; 1 for a vector
	Cols int    // in
	Data []byte // [Rows][Cols] in Type's blocks, row by row; maps the file and must not be written
}

// Checkpoint is an open model. Its methods but Close may be called from several goroutines.
type Checkpoint struct {
	card    Card
	tensors map[string]entry // by canonical name
	files   []*mapping
}

// entry is a tensor and the place of its data in a mapped file.
type entry struct {
	Tensor
	file   int // index in Checkpoint.files; -1 where nothing is mapped
	offset int64
	vector bool // declared with one dimension
}

// Card gives everything about the model but its weights. It must not be changed.
func (c *Checkpoint) Card() *Card { return &c.card }

// Tensor gives the weight with a canonical name (see the package comment).
func (c *Checkpoint) Tensor(name string) (Tensor, error) {
	e, err := c.find(name)
	return e.Tensor, err
}

func (c *Checkpoint) find(name string) (entry, error) {
	e, ok := c.tensors[name]
	if !ok && name == head && c.card.Config.Tied {
		e, ok = c.tensors[embedding]
		e.Name = name
	}
	if !ok {
		return entry{}, fmt.Errorf("checkpoint: the model has no tensor %q", name)
	}
	return e, nil
}

// Drop tells the system that the weight's pages are not needed in memory for now, as after repacking. Reading
// the weight again is allowed and reads the file again.
func (c *Checkpoint) Drop(t Tensor) {
	e, err := c.find(t.Name)
	if err == nil && e.file >= 0 {
		c.files[e.file].drop(e.offset, int64(len(e.Data)))
	}
}

// Close unmaps the files. No Tensor's data may be touched after it.
func (c *Checkpoint) Close() error {
	var errs []error
	for _, m := range c.files {
		errs = append(errs, m.close())
	}
	c.files, c.tensors = nil, nil
	return errors.Join(errs...)
}
