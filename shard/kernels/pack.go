package kernels

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/stagecoach-llm/stagecoach/shard/quant"
)

// Pack repacks a weight as the file holds it, data [rows][cols] in t's blocks, with the pool's threads. The scales
// of K-quants widen from six bits to eight, at most 3.7 per cent of the matrix.
func Pack(t quant.Type, rows, cols int, data []byte, pool *Pool) (*Matrix, error) {
	m, err := newMatrix(t, rows, cols)
	if err != nil {
		return nil, err
	}
	rowBytes, _ := t.RowBytes(cols)
	if len(data) != rows*rowBytes {
		m.Free()
		return nil, fmt.Errorf("kernels: %d bytes for a %v matrix of %dx%d, want %d", len(data), t, rows, cols, rows*rowBytes)
	}
	pool.Run(m.Groups(), func(_, g int) { m.packGroup(g, data, rowBytes) })
	return m, nil
}

func (m *Matrix) packGroup(g int, data []byte, rowBytes int) {
	codes, scales := m.group(g)
	for r := range min(groupRows, m.Rows-g*groupRows) {
		row := data[(g*groupRows+r)*rowBytes:][:rowBytes]
		if m.fmt.bits == 0 {
			m.packFloats(codes, r, row)
			continue
		}
		m.packCodes(codes, r, row)
		m.packScales(scales, r, row)
	}
}

func (m *Matrix) packFloats(dst []byte, r int, row []byte) {
	if m.Type == quant.F32 {
		for k := range m.Cols {
			binary.LittleEndian.PutUint32(dst[4*(k*groupRows+r):], binary.LittleEndian.Uint32(row[4*k:]))
		}
		return
	}
	for k := range m.Cols {
		binary.LittleEndian.PutUint16(dst[2*(k*groupRows+r):], binary.LittleEndian.Uint16(row[2*k:]))
	}
}

func (m *Matrix) packCodes(dst []byte, r int, row []byte) {
	elems, size := m.Type.Block()
	step := m.fmt.blockBytes()
	var c codes
	for ; len(row) > 0; row = row[size:] {
		for n := range elems / 32 {
			readCodes(&c, m.Type, row[:size], n)
			m.fmt.place(dst, r, &c)
			dst = dst[step:]
		}
	}
}

// packScales copies a row's scales, block by block of the file. The byte offsets are those of ggml-common.h.
func (m *Matrix) packScales(dst []byte, r int, row []byte) {
	elems, size := m.Type.Block()
	for i := 0; i*elems < m.Cols; i++ {
		src, rec := row[i*size:(i+1)*size], dst[i*m.fmt.record:]
		f16 := func(at, from int) { copy(rec[at+2*r:][:2], src[from:]) }
		switch m.Type {
		case quant.Q8_0, quant.Q4_0, quant.Q5_0, quant.IQ4_NL:
			f16(0, 0)
		case quant.Q4_1, quant.Q5_1:
			f16(0, 0)
			f16(32, 2)
		case quant.Q4_K, quant.Q5_K:
			f16(0, 0)
			f16(32, 2)
			packed := src[4:16]
			for j := range 8 {
				rec[64+32*j+r], rec[80+32*j+r] = sixBits(packed, j)
			}
		case quant.Q6_K:
			f16(0, 208)
			for j := range 16 {
				rec[32+16*j+r] = src[192+j]
			}
		case quant.Q3_K:
			f16(0, 108)
			packed := src[96:108]
			for j := range 16 {
				rec[32+16*j+r] = q3Scale(packed, j)
			}
		case quant.Q2_K:
			f16(0, 80)
			f16(32, 82)
			for j := range 16 {
				rec[64+16*j+r] = src[j]
			}
		case quant.IQ4_XS:
			f16(0, 0)
			high := binary.LittleEndian.Uint16(src[2:])
			for j := range 8 {
				low := src[4+j/2] >> (4 * (j % 2)) & 15
				rec[32+16*j+r] = low | byte(high>>(2*j)&3)<<4 - 32
			}
		}
	}
}

// sixBits is scale and min j of Q4_K's and Q5_K's twelve bytes.
func sixBits(p []byte, j int) (sc, m byte) {
	if j < 4 {
		return p[j] & 63, p[j+4] & 63
	}
	return p[j+4]&15 | p[j-4]>>6<<4, p[j+4]>>4 | p[j]>>6<<4
}

// q3Scale is scale j of Q3_K's twelve bytes, less its offset of 32.
func q3Scale(p []byte, j int) byte {
	low := p[j%8] >> (4 * (j / 8)) & 15
	high := p[8+j%4] >> (2 * (j / 4)) & 3
	return low | high<<4 - 32
}

func f32At(b []byte, i int) float32 {
	return math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
}
