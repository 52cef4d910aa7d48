package kernels

import (
	"bytes"
	"testing"

	"github.com/stagecoach-llm/stagecoach/shard/quant"
)

// FuzzPack: whatever bytes a file has, every path repacks them to the same, and a row widens to what the file's does.
func FuzzPack(f *testing.F) {
	for i := range allTypes() {
		f.Add(uint8(i), uint8(17), []byte{1, 2, 3, 0x80, 0xff, 0x7c, 0})
	}
	pool := NewPool(1)
	f.Fuzz(func(t *testing.T, index, rows uint8, seed []byte) {
		typ := allTypes()[int(index)%len(allTypes())]
		const cols = 512
		size, err := typ.RowBytes(cols)
		if err != nil || len(seed) == 0 || rows == 0 {
			return
		}
		n := int(rows)%40 + 1
		data := bytes.Repeat(seed, n*size/len(seed)+1)[:n*size]
		was := Path()
		defer func() { _ = ForcePath(was) }()
		var want []byte
		for _, p := range Paths() {
			if err := ForcePath(p); err != nil {
				t.Fatal(err)
			}
			m, err := Pack(t.Context(), typ, n, cols, data, pool)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Free()
			if want == nil {
				want = m.memory
				rowsEqual(t, m, data, size)
			} else if !bytes.Equal(m.memory, want) {
				t.Fatalf("%v, %d rows: %s repacks to other bytes", typ, n, p)
			}
		}
	})
}

// rowsEqual compares the first and the last row with the file's.
func rowsEqual(t *testing.T, m *Matrix, data []byte, size int) {
	got, want := make([]float32, m.Cols), make([]float32, m.Cols)
	for _, r := range []int{0, m.Rows - 1} {
		m.Row(r, got)
		if err := quant.Dequantize(m.Type, want, data[r*size:(r+1)*size]); err != nil {
			t.Fatal(err)
		}
		if k := firstDifference(got, want); k >= 0 {
			t.Fatalf("%v: row %d column %d is %g, want %g", m.Type, r, k, got[k], want[k])
		}
	}
}
