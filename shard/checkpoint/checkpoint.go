package checkpoint

import "github.com/stagecoach-llm/stagecoach/shard/quant"

// Tensor is one weight as the file holds it.
type Tensor struct {
	Name string
	Type quant.Type
	Rows int    // out; 1 for a vector
	Cols int    // in
	Data []byte // [Rows][Cols] in Type's blocks, row by row; maps the file and must not be written
}
