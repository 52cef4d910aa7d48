//go:build arm64 && !purego

package kernels

import (
	"unsafe"

	"github.com/stagecoach-llm/stagecoach/shard/quant"
)

// Many rows of activations are multiplied by weights that are unpacked once, to a panel [block][8 steps][16 rows][4
// columns] of signed bytes, with each block's scales and mins as lines of sixteen float32.

// unpackFunc unpacks n records of a group.
type unpackFunc func(panel *byte, lines *float32, codes, scales *byte, n int)

// panelSet is a type's way to a panel, the kernels for 1, 2, 3, … rows, and a block's lines.
type panelSet struct {
	unpack unpackFunc
	mul    *[4]dotFunc
	lines  int
}

// The kernels of panels, by the scales and mins that a block has.
var (
	panelPlain   = [...]dotFunc{dotPanelx1NEONDot, dotPanelx2NEONDot, dotPanelx3NEONDot, dotPanelx4NEONDot}
	panelMin     = [...]dotFunc{dotPanelMinx1NEONDot, dotPanelMinx2NEONDot, dotPanelMinx3NEONDot, dotPanelMinx4NEONDot}
	panelPair    = [...]dotFunc{dotPanelPairx1NEONDot, dotPanelPairx2NEONDot, dotPanelPairx3NEONDot, dotPanelPairx4NEONDot}
	panelPairMin = [...]dotFunc{dotPanelPairMinx1NEONDot, dotPanelPairMinx2NEONDot, dotPanelPairMinx3NEONDot, dotPanelPairMinx4NEONDot}
)

var panelSets = [32]panelSet{
	quant.Q8_0:   {unpackQ8_0NEON, &panelPlain, 1},
	quant.Q4_0:   {unpackQ4_0NEON, &panelPlain, 1},
	quant.Q4_1:   {unpackQ4_1NEON, &panelMin, 2},
	quant.Q5_0:   {unpackQ5_0NEON, &panelPlain, 1},
	quant.Q5_1:   {unpackQ5_1NEON, &panelMin, 2},
	quant.IQ4_NL: {unpackIQ4_NLNEON, &panelPlain, 1},
	quant.IQ4_XS: {unpackIQ4_XSNEON, &panelPlain, 1},
	quant.Q4_K:   {unpackQ4_KNEON, &panelMin, 2},
	quant.Q5_K:   {unpackQ5_KNEON, &panelMin, 2},
	quant.Q6_K:   {unpackQ6_KNEON, &panelPair, 2},
	quant.Q3_K:   {unpackQ3_KNEON, &panelPair, 2},
	quant.Q2_K:   {unpackQ2_KNEON, &panelPairMin, 4},
}

// workspace is a thread's room for an unpacked group.
type workspace struct {
	panel []byte
	lines []float32
}

func newWorkspace() *workspace { return &workspace{} }

// mulGroups computes groups [g0, g1) for all rows of a.
func (m *Matrix) mulGroups(y []float32, stride int, a *Acts, g0, g1 int, w *workspace) {
	if active == neonDot && m.Quantised() && a.rows >= gemmFrom {
		for ; g0 < min(g1, m.Rows/groupRows); g0++ {
			w.mul(m, y[g0*groupRows:], stride, a, g0)
		}
	}
	for g := g0; g < g1; g++ {
		m.mul(y, stride, a, g)
	}
}

// mul computes a whole group.
func (w *workspace) mul(m *Matrix, y []float32, stride int, a *Acts, g int) {
	set := &panelSets[m.Type]
	w.panel, w.lines = grow(w.panel, 512*m.blocks), grow(w.lines, 16*set.lines*m.blocks)
	codes, scales := m.group(g)
	set.unpack(&w.panel[0], &w.lines[0], &codes[0], &scales[0], m.blocks/m.fmt.span)
	for r := 0; r < a.rows; {
		rows := firstOf(a.rows-r, len(set.mul))
		_ = y[(r+rows-1)*stride+groupRows-1]
		set.mul[rows-1](&y[r*stride], uintptr(4*stride), &w.panel[0], (*byte)(unsafe.Pointer(&w.lines[0])),
			(*byte)(unsafe.Pointer(&a.blocks[r*m.blocks])), uintptr(m.blocks*actBytes), m.blocks)
		r += rows
	}
}
