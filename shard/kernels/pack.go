package kernels

import (
	"context"
	"fmt"

	"github.com/stagecoach-llm/stagecoach/shard/quant"
)

// Pack repacks a weight as the file holds it, data [rows][cols] in t's blocks, with the pool's threads. The scales
// of K-quants widen from six bits to eight, at most 3.7 per cent of the matrix. It ends with ctx, a large page
// of output later at most: the data may come from a slow disk.
func Pack(ctx context.Context, t quant.Type, rows, cols int, data []byte, pool *Pool) (*Matrix, error) {
	if err := checkData(t, rows, cols, data); err != nil {
		return nil, err
	}
	m, err := newMatrix(t, rows, cols)
	if err != nil {
		return nil, err
	}
	// A thread writes whole large pages: two that meet in one clear it twice.
	unit := max(1, hugePage/m.GroupBytes())
	pool.Run((m.Groups()+unit-1)/unit, func(_, i int) {
		if ctx.Err() != nil {
			return
		}
		for g := i * unit; g < min((i+1)*unit, m.Groups()); g++ {
			m.packGroup(g, data)
		}
	})
	if err := ctx.Err(); err != nil {
		m.Free()
		return nil, err
	}
	return m, nil
}

// checkData tells whether data is as large as the matrix.
func checkData(t quant.Type, rows, cols int, data []byte) error {
	n, err := t.RowBytes(cols)
	if err != nil {
		return fmt.Errorf("kernels: %w", err)
	}
	if len(data) != rows*n {
		return fmt.Errorf("kernels: %d bytes for a %v matrix of %dx%d, want %d", len(data), t, rows, cols, rows*n)
	}
	return nil
}

// hugePage is the size of a large page where there are any.
const hugePage = 2 << 20

// tileBytes is how much of a row is repacked before the next row's turn: sixteen times as much is written, and the
// first cache must hold it.
const tileBytes = 1 << 10

// packGroup repacks the rows of a group of data, some columns at a time.
func (m *Matrix) packGroup(g int, data []byte) {
	codes, scales := m.group(g)
	elems, size := m.Type.Block()
	p := packers[m.Type]
	rowBytes := m.Cols / elems * size
	rows := data[g*groupRows*rowBytes:]
	n := min(groupRows, m.Rows-g*groupRows)
	if n == groupRows && m.packWhole(codes, scales, rows) {
		return
	}
	lane := p.lane
	tile := max(1, tileBytes/size)
	codeBytes, scaleBytes := len(codes)/(m.Cols/elems), m.fmt.record
	for at := 0; at < m.Cols/elems; at += tile {
		end := min(at+tile, m.Cols/elems)
		for r := range n {
			run := rows[r*rowBytes:][at*size : end*size]
			p.codes(codes[at*codeBytes+lane*r:], run)
			if p.scales != nil {
				p.scales(scales[at*scaleBytes:], r, run)
			}
		}
	}
}

// packer repacks a run of blocks of one row.
type packer struct {
	lane   int                                 // bytes of a row in a line of codes
	codes  func(dst, run []byte)               // dst begins at the row's lane of the run's first line
	scales func(dst []byte, r int, run []byte) // dst begins at the run's first record; nil for floats
}

var packers = map[quant.Type]packer{
	quant.F32:    {4, packWords, nil},
	quant.F16:    {2, packHalves, nil},
	quant.BF16:   {2, packHalves, nil},
	quant.Q8_0:   {4, packQ8_0, packScalesQ8_0},
	quant.Q4_0:   {4, packQ4_0, packScalesQ4_0},
	quant.Q4_1:   {4, packQ4_1, packScalesQ4_1},
	quant.Q5_0:   {4, packQ5_0, packScalesQ5_0},
	quant.Q5_1:   {4, packQ5_1, packScalesQ5_1},
	quant.IQ4_NL: {4, packQ4_0, packScalesQ4_0},
	quant.IQ4_XS: {4, packIQ4_XS, packScalesIQ4_XS},
	quant.Q2_K:   {4, packQ2_K, packScalesQ2_K},
	quant.Q3_K:   {4, packQ3_K, packScalesQ3_K},
	quant.Q4_K:   {4, packQ4_K, packScalesQ4_K},
	quant.Q5_K:   {4, packQ5_K, packScalesQ5_K},
	quant.Q6_K:   {4, packQ6_K, packScalesQ6_K},
}
