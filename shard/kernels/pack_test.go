package kernels

import (
	"math/rand/v2"
	"testing"

	"github.com/stagecoach-llm/stagecoach/shard/quant"
)

// TestRowEqualsFile: a repacked row widens to what the file's row does, for every code and scale.
func TestRowEqualsFile(t *testing.T) {
	const rows, cols = 37, 512
	for _, typ := range allTypes() {
		t.Run(typ.String(), func(t *testing.T) {
			data := blocks(rand.New(rand.NewPCG(uint64(typ), 2)), typ, rows, cols)
			m := pack(t, typ, rows, cols, data)
			got, want := make([]float32, cols), make([]float32, cols)
			for r := range rows {
				m.Row(r, got)
				if err := quant.Dequantize(typ, want, data[r*len(data)/rows:(r+1)*len(data)/rows]); err != nil {
					t.Fatal(err)
				}
				for k := range want {
					if !identical(got[k], want[k]) {
						t.Fatalf("row %d column %d is %g, want %g", r, k, got[k], want[k])
					}
				}
			}
		})
	}
}

// TestBytes: repacking must not need more than a few per cent above the file.
func TestBytes(t *testing.T) {
	for _, typ := range allTypes() {
		m, err := newMatrix(typ, 64, 512)
		if err != nil {
			t.Fatal(err)
		}
		row, _ := typ.RowBytes(512)
		if ratio := float64(m.Bytes()) / float64(64*row); ratio > 1.04 {
			t.Errorf("%v takes %.3f of the file's bytes, want at most 1.04", typ, ratio)
		}
		m.Free()
	}
}

func TestPackRefuses(t *testing.T) {
	pool := NewPool(1)
	for name, c := range map[string]struct {
		typ        quant.Type
		rows, cols int
		bytes      int
	}{
		"unknown type": {99, 16, 32, 16 * 34},
		"no rows":      {quant.Q8_0, 0, 32, 0},
		"ragged block": {quant.Q8_0, 16, 33, 16 * 34},
		"short data":   {quant.Q8_0, 16, 32, 16*34 - 1},
		"long data":    {quant.F32, 16, 32, 16*32*4 + 1},
	} {
		if m, err := Pack(t.Context(), c.typ, c.rows, c.cols, make([]byte, c.bytes), pool); err == nil {
			m.Free()
			t.Errorf("%s: no error", name)
		}
	}
}

// TestPackIsTheSameOnEveryPath: repacked weights are the same bytes whatever repacks them.
func TestPackIsTheSameOnEveryPath(t *testing.T) {
	was := Path()
	defer func() { _ = ForcePath(was) }()
	for _, typ := range allTypes() {
		for _, cols := range []int{256, 768, 3584} {
			const rows = 53
			data := blocks(rand.New(rand.NewPCG(uint64(typ), 13)), typ, rows, cols)
			var want []byte
			for _, p := range Paths() {
				if err := ForcePath(p); err != nil {
					t.Fatal(err)
				}
				m := pack(t, typ, rows, cols, data)
				if p == "generic" {
					want = m.memory
				} else if i := firstUnequal(m.memory, want); i >= 0 {
					t.Fatalf("%v, %d columns: %s has %#02x at byte %d of %d (codes end at %d), generic %#02x",
						typ, cols, p, m.memory[i], i, len(want), len(m.codes), want[i])
				}
			}
		}
	}
}

// firstUnequal is where two slices of one length differ; -1 where they do not.
func firstUnequal(a, b []byte) int {
	for i := range a {
		if a[i] != b[i] {
			return i
		}
	}
	return -1
}
