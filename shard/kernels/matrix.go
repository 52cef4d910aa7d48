package kernels

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/stagecoach-llm/stagecoach/shard/quant"
)

// groupRows is how many output rows share a panel: the lanes of the widest kernel.
const groupRows = 16

// Matrix is a weight w [out, in] repacked for the kernels.
//
// Rows are taken in groups of 16 (the last padded with zeros). Of a quantised group the codes of 32 columns, a
// block, lie together: for k = 4s+j, row r's code has lane 4r+j of step s, 0 <= s < 8, so that 64 bytes hold four
// columns of sixteen rows. Q8_0's codes are stored plus 128, unsigned as VPDPBUSD wants them. Codes of fewer bits
// are spread over planes of 64 lanes (see place). Scales lie apart, sixteen to a line, as the file has them (see
// scaleKind). Float weights lie [in][16].
type Matrix struct {
	Type       quant.Type
	Rows, Cols int // out, in

	fmt    *format
	blocks int    // Cols/32
	memory []byte // codes, then scales
	codes  []byte
	scales []byte
	piece  piece
	file   []byte // instead of memory: the rows as the file has them (see Map)
}

// format is what the repacked form of a type looks like.
type format struct {
	bits   int // of a code; 0 for floats
	zero   int // the code that stands for 0
	table  bool
	kind   scaleKind
	record int // bytes of sixteen rows' scales
	span   int // 32-column blocks to a record
}

// scaleKind is the layout of sixteen rows' scales.
type scaleKind uint8

const (
	scaleNone   scaleKind = iota
	scaleD                // d f16
	scaleDM               // d f16, m f16: x = d·q + m
	scaleSuper            // d, dmin f16; 8 x (sc u8, m u8): x = (d·sc)·q - dmin·m
	scaleSigned           // d f16; 8 x sc i8
	scalePair             // d f16; 8 x (sc0 i8, sc1 i8): halves of 16 columns
	scaleNibble           // d, dmin f16; 8 x (sc0, sc1) with scale in the low and min in the high four bits
)

var formats = map[quant.Type]*format{
	quant.F32:    {},
	quant.F16:    {},
	quant.BF16:   {},
	quant.Q8_0:   {bits: 8, zero: 128, kind: scaleD, record: 32, span: 1},
	quant.Q4_0:   {bits: 4, zero: 8, kind: scaleD, record: 32, span: 1},
	quant.Q4_1:   {bits: 4, kind: scaleDM, record: 64, span: 1},
	quant.Q5_0:   {bits: 5, zero: 16, kind: scaleD, record: 32, span: 1},
	quant.Q5_1:   {bits: 5, kind: scaleDM, record: 64, span: 1},
	quant.IQ4_NL: {bits: 4, table: true, kind: scaleD, record: 32, span: 1},
	quant.IQ4_XS: {bits: 4, table: true, kind: scaleSigned, record: 160, span: 8},
	quant.Q4_K:   {bits: 4, kind: scaleSuper, record: 320, span: 8},
	quant.Q5_K:   {bits: 5, kind: scaleSuper, record: 320, span: 8},
	quant.Q6_K:   {bits: 6, zero: 32, kind: scalePair, record: 288, span: 8},
	quant.Q3_K:   {bits: 3, zero: 4, kind: scalePair, record: 288, span: 8},
	quant.Q2_K:   {bits: 2, kind: scaleNibble, record: 320, span: 8},
}

// iq4 is the value of each code of IQ4_NL and IQ4_XS.
var iq4 = [16]int8{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}

// Groups is the number of 16-row groups: the units in which products are computed.
func (m *Matrix) Groups() int { return (m.Rows + groupRows - 1) / groupRows }

// Bytes is the memory that the repacked matrix takes; nothing if it is mapped.
func (m *Matrix) Bytes() int64 { return int64(len(m.memory)) }

// MappedBytes is what a mapped matrix has in the file; nothing if it is repacked.
func (m *Matrix) MappedBytes() int64 { return int64(len(m.file)) }

// GroupBytes is what one group's multiplication reads, for dividing work.
func (m *Matrix) GroupBytes() int { return m.groupCodes() + m.groupScales() }

// Quantised tells whether a product reads the activations' integers.
func (m *Matrix) Quantised() bool { return m.fmt.bits > 0 }

// Free gives the memory back.
func (m *Matrix) Free() {
	weights.release(m.piece)
	m.piece, m.memory, m.codes, m.scales, m.file = piece{}, nil, nil, nil, nil
}

// blockBytes is the size of a group's codes for 32 columns.
func (f *format) blockBytes() int { return f.bits * 64 }

// groupCodes is the size of a group's codes.
func (m *Matrix) groupCodes() int {
	if m.fmt.bits == 0 {
		elem, size := m.Type.Block()
		return m.Cols / elem * size * groupRows
	}
	return m.blocks * m.fmt.blockBytes()
}

func (m *Matrix) groupScales() int {
	if m.fmt.bits == 0 {
		return 0
	}
	return m.blocks / m.fmt.span * m.fmt.record
}

func (m *Matrix) group(g int) (codes, scales []byte) {
	c, s := m.groupCodes(), m.groupScales()
	return m.codes[g*c : (g+1)*c], m.scales[g*s : (g+1)*s]
}

// shapeOf is a matrix without memory.
func shapeOf(t quant.Type, rows, cols int) (*Matrix, error) {
	f := formats[t]
	if f == nil {
		return nil, fmt.Errorf("kernels: tensor type %v is not served", t)
	}
	if rows <= 0 {
		return nil, fmt.Errorf("kernels: a matrix of %d rows", rows)
	}
	if _, err := t.RowBytes(cols); err != nil {
		return nil, fmt.Errorf("kernels: %w", err)
	}
	return &Matrix{Type: t, Rows: rows, Cols: cols, fmt: f, blocks: cols / 32}, nil
}

// newMatrix makes an empty matrix, all zeros.
func newMatrix(t quant.Type, rows, cols int) (*Matrix, error) {
	m, err := shapeOf(t, rows, cols)
	if err != nil {
		return nil, err
	}
	n := m.GroupBytes() * m.Groups()
	mem, err := weights.reserve(n)
	if err != nil {
		return nil, fmt.Errorf("kernels: %d bytes for a %v matrix of %dx%d: %w", n, t, rows, cols, err)
	}
	m.piece = mem
	m.lay(mem.bytes)
	return m, nil
}

// lay makes memory the matrix's.
func (m *Matrix) lay(memory []byte) {
	n := m.groupCodes() * m.Groups()
	m.memory, m.codes, m.scales = memory, memory[:n], memory[n:n+m.groupScales()*m.Groups()]
}

// Row widens row i to dst [in], as the embedding reads it: products exact, mins with one rounding.
func (m *Matrix) Row(i int, dst []float32) {
	if m.file != nil {
		m.fileRow(i, dst)
		return
	}
	codes, scales := m.group(i / groupRows)
	r := i % groupRows
	if m.fmt.bits == 0 {
		for k := range dst[:m.Cols] {
			dst[k] = m.float(codes, k*groupRows+r)
		}
		return
	}
	var p panel
	var s lineScales
	for b := range m.blocks {
		m.fmt.unpack(&p, codes[b*m.fmt.blockBytes():])
		m.fmt.lines(&s, scales[b/m.fmt.span*m.fmt.record:], b%m.fmt.span)
		for k := range 32 {
			q := float32(p[k/4*64+4*r+k%4])
			dst[32*b+k] = float32(q*s.ws[k/16][r]) - s.wm[k/16][r]
		}
	}
}

// float is element i of float weights.
func (m *Matrix) float(b []byte, i int) float32 {
	switch m.Type {
	case quant.F16:
		return fromHalf(binary.LittleEndian.Uint16(b[2*i:]))
	case quant.BF16:
		return fromBF16(binary.LittleEndian.Uint16(b[2*i:]))
	}
	return f32At(b, i)
}

// panel is a block's codes as integers, [8 steps][16 rows][4 columns].
type panel [512]int8

// lineScales are sixteen rows' scales of a block, by halves of 16 columns.
type lineScales struct {
	ws, wm [2][16]float32
}

// unpack widens a block's codes to integers, the inverse of place.
func (f *format) unpack(p *panel, src []byte) {
	switch f.bits {
	case 8:
		for i, c := range src[:512] {
			p[i] = int8(c ^ 128)
		}
		return
	case 2, 3:
		for s := range 8 {
			p.fields(s, src[s/4*64:], 2*(s%4), 3)
		}
	default:
		for s := range 8 {
			p.fields(s, src[s%4*64:], 4*(s/4), 15)
		}
	}
	for s := range 8 {
		switch f.bits {
		case 3:
			p.plane(s, src[128:], s, 1, 2)
		case 5:
			p.plane(s, src[256:], s, 1, 4)
		case 6:
			p.plane(s, src[256+s/4*64:], 2*(s%4), 3, 4)
		}
	}
	for i, c := range p {
		if f.table {
			p[i] = iq4[c]
		} else {
			p[i] = c - int8(f.zero)
		}
	}
}

// fields sets step s from some bits of a line.
func (p *panel) fields(s int, line []byte, shift int, mask byte) {
	dst := (*[64]int8)(p[64*s:])
	for i, c := range line[:64] {
		dst[i] = int8(c >> shift & mask)
	}
}

// plane adds some bits of a line to step s, from bit at on.
func (p *panel) plane(s int, line []byte, shift int, mask byte, at int) {
	dst := (*[64]int8)(p[64*s:])
	for i, c := range line[:64] {
		dst[i] |= int8(c >> shift & mask << at)
	}
}

// lines reads the scales of block b of a record.
func (f *format) lines(s *lineScales, rec []byte, b int) {
	half := func(at, r int) float32 { return fromHalf(binary.LittleEndian.Uint16(rec[at+2*r:])) }
	*s = lineScales{}
	for r := range groupRows {
		d := half(0, r)
		switch f.kind {
		case scaleD:
			s.ws[0][r], s.ws[1][r] = d, d
		case scaleDM:
			m := -half(32, r)
			s.ws[0][r], s.ws[1][r] = d, d
			s.wm[0][r], s.wm[1][r] = m, m
		case scaleSuper:
			ws := d * float32(rec[64+32*b+r])
			wm := half(32, r) * float32(rec[80+32*b+r])
			s.ws[0][r], s.ws[1][r] = ws, ws
			s.wm[0][r], s.wm[1][r] = wm, wm
		case scaleSigned:
			ws := d * float32(int8(rec[32+16*b+r]))
			s.ws[0][r], s.ws[1][r] = ws, ws
		case scalePair:
			s.ws[0][r] = d * float32(int8(rec[32+32*b+r]))
			s.ws[1][r] = d * float32(int8(rec[48+32*b+r]))
		case scaleNibble:
			dmin := half(32, r)
			a, c := rec[64+32*b+r], rec[80+32*b+r]
			s.ws[0][r], s.wm[0][r] = d*float32(a&15), dmin*float32(a>>4)
			s.ws[1][r], s.wm[1][r] = d*float32(c&15), dmin*float32(c>>4)
		}
	}
}

func f32At(b []byte, i int) float32 {
	return math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
}
