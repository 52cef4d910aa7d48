package kernels

import (
	"fmt"

	"github.com/stagecoach-llm/stagecoach/shard/quant"
)

// Map makes a matrix that takes no memory: data [rows][cols] stays where it is, in t's blocks, and each product
// repacks the groups that it multiplies into a buffer of the thread that does. That is for files that are larger than
// memory, whose pages the system reads and drops as it can. Results are the bits of a repacked matrix. Only
// Products and Gated multiply by it; data must outlive it.
func Map(t quant.Type, rows, cols int, data []byte) (*Matrix, error) {
	m, err := shapeOf(t, rows, cols)
	if err == nil {
		err = checkData(t, rows, cols, data)
	}
	if err != nil {
		return nil, err
	}
	m.file = data
	return m, nil
}

// fileRow widens a row of a mapped matrix.
func (m *Matrix) fileRow(i int, dst []float32) {
	n := len(m.file) / m.Rows
	if err := quant.Dequantize(m.Type, dst[:m.Cols], m.file[i*n:(i+1)*n]); err != nil {
		panic(fmt.Sprintf("kernels: a type that was served: %v", err))
	}
}

// view is a thread's buffer for some groups of mapped matrices, as a matrix of their own.
type view struct {
	m      Matrix
	memory []byte
}

// of repacks groups [from, to) of m.
func (v *view) of(m *Matrix, from, to int) *Matrix {
	v.m = *m
	v.m.Rows = min(m.Rows-from*groupRows, (to-from)*groupRows)
	v.m.file = nil
	v.memory = grow(v.memory, v.m.Groups()*v.m.GroupBytes())
	v.m.lay(v.memory)
	rows := m.file[from*groupRows*(len(m.file)/m.Rows):]
	for g := range v.m.Groups() {
		v.m.packGroup(g, rows)
	}
	return &v.m
}
